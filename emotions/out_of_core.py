"""Merging the raters of data that does not fit into memory.

The judgements are spread over shares on disk by a hash of their id, so that all of a comment's stand in one share (as
in the Grace hash join: Kitsuregawa, Tanaka and Moto-oka, Application of Hash to Data Base Machine and Its Architecture,
New Generation Computing 1, 1983). Each share is merged in memory; windows of rows then put the comments of all shares
back in the order of their first appearance. Every step is linear in the rows.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from emotions import arrow, corpus, votes
from emotions.judgements import Clash, Judgements, find_clash

# Bytes of the data's files that a share stands for; in memory it takes about twice as much.
SHARE = 128 << 20
# Rows of the data that are put back in order at a time.
WINDOW = 1 << 16


@dataclass(frozen=True)
class Merged:
    """What `merge` found, and the comments that are left.

    rows: judgements read. unclear, merged, unlabelled: as in `votes.Merged`. kept: comments left. pieces: these in
    order of first appearance, each as one judgement with its merged labels; to be taken once.
    """

    rows: int
    unclear: int
    merged: int
    unlabelled: int
    kept: int
    label_names: tuple[str, ...]
    pieces: Iterator[Judgements]


def merge(path: str | Path, min_votes: int, folder: Path) -> Merged:
    """Merge the data at `path`, in any format of `corpus`, as `votes.merge` does.

    folder: an empty one for what does not fit into memory, about the size of the data. It must stay until the pieces
    have been taken.

    Raises `InputError` for faults of the data, for judgements that clash, and when no comment is left.
    """
    count = 1 + sum(file.stat().st_size for file in corpus.files(path)) // SHARE
    shares = [folder / f"share-{index}" for index in range(count)]
    runs = [folder / f"run-{index}" for index in range(count)]
    starts, rows, label_names = _spread(path, shares)
    kept = unclear = joined = unlabelled = 0
    clashes = []
    for share, run in zip(shares, runs, strict=True):
        merged, clash = _merge_share(share, run, min_votes, rows, label_names)
        share.unlink()
        kept += len(merged.rows)
        unclear += merged.unclear
        joined += merged.merged
        unlabelled += merged.unlabelled
        clashes += [clash] if clash else []
    if clashes:
        raise corpus.clash_error(path, starts, min(clashes))
    votes.check(kept, rows, unclear, min_votes)
    return Merged(rows, unclear, joined, unlabelled, kept, label_names, _in_order(runs, label_names))


def _spread(path: str | Path, shares: list[Path]) -> tuple[dict[Path, int], int, tuple[str, ...]]:
    """Write each judgement into a share; return each file's first row, the number of rows, and the label names."""
    starts: dict[Path, int] = {}
    rows = 0
    with ExitStack() as stack:
        writers = []
        for file, piece in corpus.stream(path):
            starts.setdefault(file, rows)
            table = _table(piece, np.arange(rows, rows + len(piece.ids)))
            rows += len(piece.ids)
            writers = writers or [stack.enter_context(pa.ipc.new_file(share, table.schema)) for share in shares]
            share = pd.util.hash_array(piece.ids.to_numpy(), categorize=False) % len(shares)
            order = np.argsort(share, kind="stable")
            ends = np.searchsorted(share[order], np.arange(len(shares) + 1))
            table = table.take(order)
            for writer, (start, end) in zip(writers, pairwise(ends), strict=True):
                writer.write_table(table.slice(start, end - start))
    return starts, rows, piece.label_names


def _merge_share(
    share: Path, run: Path, min_votes: int, rows: int, label_names: tuple[str, ...]
) -> tuple[votes.Merged, Clash | None]:
    """Merge a share, and write the comments that are left of it: a batch for each window of the data's rows."""
    with pa.ipc.open_file(pa.OSFile(str(share))) as reader:
        table = reader.read_all()
    numbers, judgements = table["row"].to_numpy(), _judgements(table, label_names)
    clash = find_clash(judgements)
    if clash:
        clash = Clash(clash.twice, int(numbers[clash.row]), clash.id, clash.first, clash.other)
    merged = votes.merge(judgements, min_votes)
    left = table.take(merged.rows).set_column(
        table.schema.get_field_index("labels"), table.schema.field("labels"), arrow.column_of(merged.labels)
    )
    batch = pa.record_batch([column.combine_chunks() for column in left.columns], schema=left.schema)
    ends = np.searchsorted(numbers[merged.rows], np.arange(0, rows + WINDOW, WINDOW))
    with pa.ipc.new_file(run, batch.schema) as writer:
        for start, end in pairwise(ends):
            writer.write_batch(batch.slice(start, end - start))
    return merged, clash


def _in_order(runs: list[Path], label_names: tuple[str, ...]) -> Iterator[Judgements]:
    """Yield the comments of all runs, window by window, sorted by row."""
    with ExitStack() as stack:
        readers = [stack.enter_context(pa.ipc.open_file(pa.OSFile(str(run)))) for run in runs]
        for window in range(readers[0].num_record_batches):
            table = pa.Table.from_batches([reader.get_batch(window) for reader in readers]).sort_by("row")
            if len(table):
                yield _judgements(table, label_names)


def _table(judgements: Judgements, rows: np.ndarray) -> pa.Table:
    parts = pa.nulls(len(rows), pa.string()) if judgements.parts is None else pa.array(judgements.parts, pa.string())
    return pa.table(
        {
            "row": rows,
            "id": judgements.ids,
            "text": judgements.texts,
            "unclear": judgements.unclear,
            "labels": arrow.column_of(judgements.labels),
            "part": parts,
        }
    )


def _judgements(table: pa.Table, label_names: tuple[str, ...]) -> Judgements:
    return Judgements(
        ids=table["id"],
        texts=table["text"],
        unclear=table["unclear"].to_numpy(),
        labels=arrow.matrix_of(table["labels"]),
        label_names=label_names,
        parts=None if table["part"].null_count else arrow.names_of(table["part"]),
    )
