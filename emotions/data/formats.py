"""Reads the accepted file formats, block by block, into rows of one schema.

Two formats of GoEmotions (Demszky et al., ACL 2020, arXiv 2005.00547), both UTF-8 with CSV quoting:

* CSV, one file or a folder of several: `LEADING_COLUMNS`, not necessarily all of them, then a column for each label;
* a folder with train.tsv, dev.tsv and test.tsv without a header: text, label indices, id; label names come from
  emotions.txt beside them, else they are GoEmotions' 28.

Arrow parses them: DuckDB (1.4 to 2.0, strict mode) drops rows with some faults of quoting without an error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from emotions.core.errors import InputError

# fmt: off
GOEMOTIONS_LABELS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)
# fmt: on
UNCLEAR = "example_very_unclear"
# Columns allowed before the label columns. Only id, text and UNCLEAR are used.
LEADING_COLUMNS = ("id", "text", "author", "subreddit", "link_id", "parent_id", "created_utc", "rater_id", UNCLEAR)
# File of the official release → part of the split.
PARTS = {"train.tsv": "train", "dev.tsv": "validation", "test.tsv": "test"}
# Bytes of a file read at a time; no row may be longer.
BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A data set that is not read yet."""

    files: tuple[Path, ...]
    label_names: tuple[str, ...]
    has_parts: bool  # whether every row belongs to train, validation or test; such data is merged already

    def blocks(self) -> Iterator[pa.Table]:
        """Yield the rows block by block.

        The columns are file, id, text (strings), unclear (bool, the rater could not decide), labels (lists of label
        indices) and part (string, null without parts).

        Raises:
            InputError: Something is missing, empty, not UTF-8 or no valid value; with file and row. A header is row 1,
                and blank lines do not count.
        """
        for file in self.files:
            yield from self._official(file) if self.has_parts else self._csv(file)

    def _csv(self, path: Path) -> Iterator[pa.Table]:
        for start, table in _parse(path, column_names=None, delimiter=","):
            if _label_columns(path, table.column_names) != self.label_names:
                raise InputError(f"{path}: the label columns differ from those of {self.files[0]}")
            _reject_empty(path, table, start)
            unclear = _boolean(path, table, UNCLEAR, start, no="FALSE", yes="TRUE")
            labels = np.column_stack([_boolean(path, table, name, start, "0", "1") for name in self.label_names])
            offsets = np.concatenate([[0], labels.sum(axis=1).cumsum()])
            indices = np.nonzero(labels)[1]
            yield _block(path, table, unclear, pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), indices))

    def _official(self, path: Path) -> Iterator[pa.Table]:
        last = len(self.label_names) - 1
        for start, table in _parse(path, column_names=["text", "labels", "id"], delimiter="\t"):
            _reject_empty(path, table, start)
            labels = []
            for row, indices in enumerate(table["labels"].to_pylist(), start):
                for index in indices.split(","):
                    if not (index.isascii() and index.isdigit() and len(index) < 9 and int(index) <= last):
                        raise InputError(f"{path}, row {row}: label index {index!r}, but should be 0 to {last}")
                labels.append(sorted({int(index) for index in indices.split(",")}))
            yield _block(path, table, np.zeros(len(table), bool), pa.array(labels))


def find(path: str | Path) -> Source:
    """Return the data set at `path`, a file or a folder.

    Raises:
        InputError: There is none, or its format is unclear.
    """
    path, expected = Path(path), ", ".join(PARTS)
    if path.suffix == ".tsv":
        raise InputError(f"{path}: name the folder with {expected}, not one of them")
    if not path.exists():
        raise InputError(f"{path} does not exist: name a CSV file or a folder with data")
    found = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    official = [path / name for name in PARTS if (path / name).exists()]
    if official and found:
        raise InputError(f"{path} holds both {official[0].name} and {found[0].name}: keep one format in a folder")
    if official:
        if len(official) < len(PARTS):
            raise InputError(f"{path} holds {official[0].name}, but should hold all of {expected}")
        return Source(tuple(official), _official_label_names(path), has_parts=True)
    if not found:
        fetch = f"; get them with `dvc update {path.as_posix()}/*.dvc`" if any(path.glob("*.dvc")) else ""
        raise InputError(f"{path} holds neither CSV files nor {expected}{fetch}")
    _, block = next(_parse(found[0], column_names=None, delimiter=","))
    return Source(tuple(found), _label_columns(found[0], block.column_names), has_parts=False)


def _block(path: Path, table: pa.Table, unclear: np.ndarray, labels: pa.ListArray) -> pa.Table:
    file, part = (pa.array([value] * len(table), pa.string()) for value in (str(path), PARTS.get(path.name)))
    columns = [file, table["id"], table["text"], pa.array(unclear), labels, part]
    return pa.table(columns, ["file", "id", "text", "unclear", "labels", "part"])


def _label_columns(path: Path, names: list[str]) -> tuple[str, ...]:
    """Check the header of a CSV file, and return its label columns."""
    _reject_repeated(path, names)
    for name in ("id", "text", UNCLEAR):
        if name not in names:
            raise InputError(f"{path}: the header lacks the column {name!r}; it should be id, text, {UNCLEAR}, labels")
    start = names.index(UNCLEAR) + 1
    for index, name in enumerate(names):
        if (name in LEADING_COLUMNS) != (index < start) or not name.strip():
            side = "before" if index < start else "after"
            raise InputError(f"{path}: column {name!r} does not belong {side} {UNCLEAR}; only labels should follow it")
    if len(names) < start + 2:
        raise InputError(f"{path}: at least two label columns should follow {UNCLEAR}")
    return tuple(names[start:])


def _official_label_names(folder: Path) -> tuple[str, ...]:
    path = folder / "emotions.txt"
    if not path.exists():
        return GOEMOTIONS_LABELS
    label_names = tuple("".join(decoded(path.open("rb"), path)).split())
    if len(label_names) < 2:
        raise InputError(f"{path} should hold at least two labels, one a line")
    _reject_repeated(path, label_names)
    return label_names


def _reject_repeated(path: Path, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path} names the label or column {name!r} twice")


def _parse(path: Path, column_names: list[str] | None, delimiter: str) -> Iterator[tuple[int, pa.Table]]:
    """Yield the number of a block's first row, and the block: strings; `column_names` None takes the header's."""
    # One thread, because only then does Arrow name the row of a fault.
    reading = pyarrow.csv.ReadOptions(column_names=column_names, use_threads=False, block_size=BLOCK)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    start = first = 2 if column_names is None else 1
    try:
        with pyarrow.csv.open_csv(path, read_options=reading, parse_options=parsing) as reader:
            names = reader.schema.names
        # Columns of strings take every value as it is: no number, date or missing value is guessed.
        converting = pyarrow.csv.ConvertOptions(column_types={name: pa.string() for name in names})
        with pyarrow.csv.open_csv(path, reading, parsing, converting) as reader:
            for block in reader:
                if len(block):
                    yield start, pa.Table.from_batches([block])
                start += len(block)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        for _ in decoded(path.open("rb"), path):
            pass  # a line that is not UTF-8 explains more than Arrow does
        message = str(error).removeprefix("CSV parse error: ").replace("Row #", "row ")
        if message.startswith("Empty CSV"):
            message = "the file holds no comments"
        elif "straddl" in message:  # Arrow's word for a row longer than the blocks it reads
            message = "a quote may not be closed: a row has no end, or is too long"
        raise InputError(f"{path}: {message[:160]}") from None
    if start == first:
        raise InputError(f"{path} holds no comments")


def decoded(stream: BinaryIO, name: str | Path) -> Iterator[str]:
    """Yield the lines of a file; one that is not UTF-8 raises `InputError`."""
    with stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield line.decode("utf-8").removeprefix("\ufeff" if number == 1 else "")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                raise InputError(f"{name}, line {number}: byte 0x{byte:02x} is not UTF-8; save it as UTF-8") from None


def _boolean(path: Path, table: pa.Table, name: str, first_row: int, no: str, yes: str) -> np.ndarray:
    """Return a column with one of two words in each row as booleans."""
    upper = pc.utf8_upper(table[name])
    row = pc.index(pc.is_in(upper, pa.array([no, yes])), False).as_py()
    if row >= 0:
        value = table[name][row].as_py()
        raise InputError(f"{path}, row {first_row + row}: {name} is {value!r}, but should be {no} or {yes}")
    return pc.equal(upper, yes).to_numpy()


def _reject_empty(path: Path, table: pa.Table, first_row: int) -> None:
    for name in ("id", "text"):
        row = pc.index(pc.equal(pc.utf8_trim_whitespace(table[name]), ""), True).as_py()
        if row >= 0:
            raise InputError(f"{path}, row {first_row + row}: the {name} is empty")
