"""Merges the raters of each comment, by SQL in DuckDB: data may be larger than memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from emotions.core.errors import InputError
from emotions.data import formats

MEMORY = "800MB"  # above which DuckDB spills to disk
PIECE = 1 << 16  # comments yielded at a time


@dataclass(frozen=True)
class Piece:
    """n comments after merging, with L labels."""

    ids: pa.ChunkedArray  # strings; an id repeats where raters were not merged
    texts: pa.ChunkedArray  # strings
    labels: np.ndarray  # (n, L) uint8, 0 or 1
    parts: pa.ChunkedArray | None  # train, validation or test; None where the data has no parts


@dataclass(frozen=True)
class Merged:
    """A data set after merging, and counts that say where its rows went."""

    label_names: tuple[str, ...]
    rows: int  # read: the sum of the four counts below
    unclear: int  # rows dropped because their rater could not decide
    merged: int  # rows merged into another of the same comment
    unlabelled: int  # comments dropped because no label is left to them
    kept: int  # comments left
    pieces: Iterator[Piece]  # of these, by first appearance; can be iterated once, while the folder exists


def merge(path: str | Path, min_votes: int, folder: Path) -> Merged:
    """Give each comment the labels on which at least `min_votes` of its raters agree.

    Args:
        path: Data in any format of `formats`.
        min_votes: 0 keeps one row per rater. Data with parts of its own is merged already, and is left as it is.
        folder: An empty one for what does not fit in memory, about as large as the data.

    Raises:
        InputError: The data is faulty, an id has two texts, or no comment is left.
    """
    source = formats.find(path)
    connection = duckdb.connect(folder / "rows.duckdb")
    connection.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{folder.as_posix()}'")
    connection.execute("SET force_compression = 'uncompressed'")  # the file is short-lived: twice as fast
    _insert(connection, source)
    _check_ids(connection, source.has_parts)
    by_row = source.has_parts or min_votes == 0
    key = "row" if by_row else "id"
    connection.execute(f"""
        CREATE TABLE comments AS
        SELECT {key} AS comment, min(row) AS row, bool_and(unclear) AS unclear FROM rows GROUP BY {key};
        CREATE TABLE votes AS
        SELECT comment, label FROM (SELECT {key} AS comment, unnest(labels) AS label FROM rows WHERE NOT unclear)
        GROUP BY comment, label HAVING count(*) >= {1 if by_row else min_votes};
        CREATE TABLE labelled AS SELECT comment, list(label) AS labels FROM votes GROUP BY comment
    """)
    counted = ("rows", "rows WHERE unclear", "comments WHERE NOT unclear", "labelled")
    counts = [connection.execute(f"SELECT count(*) FROM {query}").fetchall() for query in counted]
    rows, unclear, rated, kept = (count for ((count,),) in counts)
    if not kept:
        raise InputError(
            f"no comment is left of {rows:,} rows, {unclear:,} of them unclear: "
            f"none has a label with min_votes {min_votes}" + ("; lower it" if min_votes > 1 else "")
        )
    merged, unlabelled = rows - unclear - rated, rated - kept
    return Merged(source.label_names, rows, unclear, merged, unlabelled, kept, _pieces(connection, source))


def _insert(connection: duckdb.DuckDBPyConnection, source: formats.Source) -> None:
    """Number all rows and read them into the table `rows`."""
    connection.execute(
        "CREATE TABLE rows (row BIGINT, file TEXT, id TEXT, text TEXT, unclear BOOLEAN, labels INTEGER[], part TEXT)"
    )
    start = 0
    for block in source.blocks():
        connection.register("block", block.add_column(0, "row", pa.array(np.arange(start, start + len(block)))))
        connection.execute("INSERT INTO rows SELECT * FROM block")
        start += len(block)


def _check_ids(connection: duckdb.DuckDBPyConnection, once: bool) -> None:
    """Raise `InputError` for the first id with two texts or, where each should come `once`, in two rows."""
    # Hashes instead of texts, which might not fit in memory.
    repeated = "count(*) > 1" if once else "min(hash(text)) <> max(hash(text))"
    rows = connection.execute(f"""
        SELECT file, id, text FROM rows WHERE id IN
        (SELECT id FROM rows GROUP BY id HAVING {repeated} ORDER BY min(row) LIMIT 1) ORDER BY row
    """).fetchall()
    if rows:
        first = rows[0][2]
        file, name, text = next(row for row in rows[1:] if once or row[2] != first)
        remedy = "each comment should stand in one part, once" if once else "give each text an id of its own"
        raise InputError(f"{file}: the id {name!r} comes twice, with {first[:40]!r} and {text[:40]!r}; {remedy}")


def _pieces(connection: duckdb.DuckDBPyConnection, source: formats.Source) -> Iterator[Piece]:
    reader = connection.execute("""
        SELECT id, text, labelled.labels, part
        FROM labelled JOIN comments USING (comment) JOIN rows ON rows.row = comments.row ORDER BY rows.row
    """).to_arrow_reader(PIECE)
    for batch in reader:
        table = pa.Table.from_batches([batch])
        lists = table["labels"].combine_chunks()
        labels = np.zeros((len(table), len(source.label_names)), np.uint8)
        labels[lists.value_parent_indices().to_numpy(), lists.flatten().to_numpy()] = 1
        yield Piece(table["id"], table["text"], labels, table["part"] if source.has_parts else None)
    connection.close()
