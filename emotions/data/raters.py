"""Merges the raters of each comment, by SQL in DuckDB: data may be larger than memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from emotions.core.errors import InputError
from emotions.data import formats
from emotions.data.formats import Source

# DuckDB spills to disk above this.
MEMORY = "800MB"
# Comments yielded at a time.
PIECE = 1 << 16


@dataclass(frozen=True)
class Piece:
    """n comments after merging, in order of first appearance.

    Attributes:
        ids: n strings; an id repeats where raters were not merged.
        texts: n strings.
        labels: (n, L) uint8, 0 or 1.
        parts: n names out of train, validation and test; None where the data has no parts.
    """

    ids: pa.ChunkedArray
    texts: pa.ChunkedArray
    labels: np.ndarray
    parts: pa.ChunkedArray | None


@dataclass(frozen=True)
class Merged:
    """The comments of a data set, and the counts of its rows: unclear, merged, unlabelled and kept add up to all.

    Attributes:
        label_names: Names of the L labels.
        rows: Rows read.
        unclear: Rows dropped because their rater could not decide.
        merged: Rows merged into another of the same comment.
        unlabelled: Comments dropped because no label is left to them.
        kept: Comments left.
        pieces: The comments left; can be iterated once, while the folder exists.
    """

    label_names: tuple[str, ...]
    rows: int
    unclear: int
    merged: int
    unlabelled: int
    kept: int
    pieces: Iterator[Piece]


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
    files = _insert(connection, source)
    _check_ids(connection, path, files, source.has_parts)
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

    def count(query: str) -> int:
        return connection.execute(f"SELECT count(*) FROM {query}").fetchone()[0]

    rows, unclear, kept = count("rows"), count("rows WHERE unclear"), count("labelled")
    rated = count("comments WHERE NOT unclear")
    if not kept:
        raise InputError(
            f"no comment is left of {rows:,} rows, {unclear:,} of them unclear: "
            f"none has a label with min_votes {min_votes}" + ("; lower it" if min_votes > 1 else "")
        )
    return Merged(
        source.label_names,
        rows=rows,
        unclear=unclear,
        merged=rows - unclear - rated,
        unlabelled=rated - kept,
        kept=kept,
        pieces=_pieces(connection, source),
    )


def _insert(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[Path, int]:
    """Read all rows into the table `rows`; return the first row of each file."""
    starts: dict[Path, int] = {}
    start = 0
    connection.execute(
        "CREATE TABLE rows (row BIGINT, id VARCHAR, text VARCHAR, unclear BOOLEAN, labels INTEGER[], part VARCHAR)"
    )
    for file, block in source.blocks():
        starts.setdefault(file, start)
        connection.register("block", block.add_column(0, "row", pa.array(np.arange(start, start + len(block)))))
        connection.execute("INSERT INTO rows SELECT * FROM block")
        start += len(block)
    return starts


def _check_ids(connection: duckdb.DuckDBPyConnection, path: str | Path, files: dict[Path, int], once: bool) -> None:
    """Raise `InputError` for the first id with two texts, or, where ids should come `once`, that comes again."""
    found = connection.execute("""
        WITH ids AS (SELECT id, min(row) AS first, min(hash(text)) <> max(hash(text)) AS differs, count(*) AS times
                     FROM rows GROUP BY id)
        SELECT ids.id, min(rows.row) AS row, any_value(start.text), arg_min(rows.text, rows.row)
        FROM ids JOIN rows ON rows.id = ids.id JOIN rows AS start ON start.row = ids.first
        WHERE ids.differs AND rows.text <> start.text GROUP BY ids.id ORDER BY row LIMIT 1
    """).fetchone()
    if found:
        name, row, first, other = found
        file = [file for file, start in files.items() if start <= row][-1]
        raise InputError(
            f"{file}: the id {name!r} comes with two texts, {first[:40]!r} and {other[:40]!r}; "
            "give each text an id of its own"
        )
    query = "SELECT id FROM rows GROUP BY id HAVING count(*) > 1 ORDER BY min(row) LIMIT 1"
    if once and (twice := connection.execute(query).fetchone()):
        raise InputError(f"{path}: the id {twice[0]!r} comes twice; each comment should stand in one part, once")


def _pieces(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[Piece]:
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
