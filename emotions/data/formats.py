"""Reads the accepted file formats, block by block, into rows of one schema.

Three formats are read, all of them UTF-8 with CSV quoting:

* a CSV file whose header begins with id, text, example_very_unclear, followed by the label columns;
* the raw per-rater release of GoEmotions: CSV files with text, id, author, subreddit, link_id, parent_id, created_utc,
  rater_id, example_very_unclear, then the label columns; one file, or a folder of several;
* a folder with train.tsv, dev.tsv and test.tsv without a header: text, label indices, id; label names come from
  emotions.txt beside them, else they are GoEmotions' 28.

Source of the formats: Demszky et al., GoEmotions: A Dataset of Fine-Grained Emotions, ACL 2020, arXiv 2005.00547, and
the repository google-research/google-research, folder goemotions.

Arrow parses CSV, because DuckDB (1.4 to 2.0, strict mode) drops a last row whose quote is never closed, and an empty
field too many at the end of a row, without an error.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
LEADING_COLUMNS = (
    "id", "text", "author", "subreddit", "link_id", "parent_id", "created_utc", "rater_id", UNCLEAR,
)  # fmt: skip
# File of the official release → part of the split.
PARTS = {"train.tsv": "train", "dev.tsv": "validation", "test.tsv": "test"}
# Bytes of a file read at a time; no row may be longer.
BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A data set that is not read yet.

    Attributes:
        files: In the order in which they are read.
        label_names: Names of the L labels.
        has_parts: Whether every row belongs to a part (train, validation or test). Such data is merged already.
    """

    files: tuple[Path, ...]
    label_names: tuple[str, ...]
    has_parts: bool

    def blocks(self) -> Iterator[tuple[Path, pa.Table]]:
        """Yield the rows block by block, each with its file.

        The columns are id, text (strings), unclear (bool, the rater could not decide), labels (lists of label indices)
        and part (string, null without parts).

        Raises:
            InputError: Something is missing, empty, not UTF-8 or no valid value; with file and row. A header is row 1,
                and blank lines do not count.
        """
        for file in self.files:
            for block in self._official(file) if self.has_parts else self._csv(file):
                yield file, block

    def _csv(self, path: Path) -> Iterator[pa.Table]:
        row = 2
        for table in _parse(path, column_names=None, delimiter=","):
            if row == 2 and _label_columns(path, table.column_names) != self.label_names:
                raise InputError(f"{path}: the label columns differ from those of {self.files[0]}")
            labels = np.empty((len(table), len(self.label_names)), bool)
            for index, name in enumerate(self.label_names):
                labels[:, index] = _boolean(path, table, name, row, no="0", yes="1")
            unclear = _boolean(path, table, UNCLEAR, row, no="FALSE", yes="TRUE")
            _reject_empty(path, table, row)
            indices, counts = np.nonzero(labels)[1], labels.sum(axis=1)
            offsets = np.concatenate([[0], counts.cumsum()]).astype(np.int32)
            yield _block(table, unclear, pa.ListArray.from_arrays(offsets, indices.astype(np.int32)), None)
            row += len(table)

    def _official(self, path: Path) -> Iterator[pa.Table]:
        start, last = 1, len(self.label_names) - 1
        for table in _parse(path, column_names=["text", "labels", "id"], delimiter="\t"):
            _reject_empty(path, table, start)
            labels = []
            for row, indices in enumerate(table["labels"].to_pylist(), start):
                for index in indices.split(","):
                    if not (index.isascii() and index.isdigit() and len(index) < 9 and int(index) <= last):
                        raise InputError(f"{path}, row {row}: label index {index!r}, but should be 0 to {last}")
                labels.append(sorted({int(index) for index in indices.split(",")}))
            unclear = np.zeros(len(table), bool)
            yield _block(table, unclear, pa.array(labels, pa.list_(pa.int32())), PARTS[path.name])
            start += len(table)


def find(path: str | Path) -> Source:
    """Return the data set at `path`, a file or a folder.

    Raises:
        InputError: There is none, or its format is unclear.
    """
    path = Path(path)
    if not path.is_dir():
        if path.suffix == ".tsv":
            raise InputError(f"{path}: name the folder with {', '.join(PARTS)}, not one of them")
        if not path.exists():
            raise InputError(f"{path} does not exist: name a CSV file or a folder with data")
        return Source((path,), _header(path), has_parts=False)
    official = [name for name in PARTS if (path / name).exists()]
    found = sorted(path.glob("*.csv"))
    if official and found:
        raise InputError(f"{path} holds both {official[0]} and {found[0].name}: keep one format in a folder")
    if official:
        for name in PARTS:
            if name not in official:
                raise InputError(f"{path / name} does not exist: the folder should hold {', '.join(PARTS)}")
        return Source(tuple(path / name for name in PARTS), _official_label_names(path), has_parts=True)
    if not found:
        fetch = f"; get them with `dvc update {path.as_posix()}/*.dvc`" if any(path.glob("*.dvc")) else ""
        raise InputError(f"{path} holds neither CSV files nor train.tsv, dev.tsv and test.tsv{fetch}")
    return Source(tuple(found), _header(found[0]), has_parts=False)


def _block(table: pa.Table, unclear: np.ndarray, labels: pa.ListArray, part: str | None) -> pa.Table:
    parts = pa.array([part] * len(table), pa.string())
    columns = [table["id"], table["text"], pa.array(unclear), labels, parts]
    return pa.table(columns, ["id", "text", "unclear", "labels", "part"])


def _header(path: Path) -> tuple[str, ...]:
    return _label_columns(path, next(_parse(path, column_names=None, delimiter=",")).column_names)


def _label_columns(path: Path, names: list[str]) -> tuple[str, ...]:
    """Check the header of a CSV file, and return its label columns."""
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path}: the header names the column {twice[0]!r} twice")
    if missing := [name for name in ("id", "text", UNCLEAR) if name not in names]:
        raise InputError(
            f"{path}: the header lacks the column {missing[0]!r}; it should be id, text, {UNCLEAR}, labels"
        )
    leading, label_names = names[: names.index(UNCLEAR) + 1], tuple(names[names.index(UNCLEAR) + 1 :])
    for name in leading:
        if name not in LEADING_COLUMNS:
            raise InputError(f"{path}: unknown column {name!r} before {UNCLEAR}; the labels should follow it")
    for name in label_names:
        if name in LEADING_COLUMNS or not name.strip():
            raise InputError(f"{path}: the column {name!r} stands among the labels, after {UNCLEAR}")
    if len(label_names) < 2:
        raise InputError(f"{path}: at least two label columns should follow {UNCLEAR}")
    return label_names


def _official_label_names(folder: Path) -> tuple[str, ...]:
    path = folder / "emotions.txt"
    if not path.exists():
        return GOEMOTIONS_LABELS
    _reject_other_encodings(path)
    label_names = tuple(path.read_text(encoding="utf-8-sig").split())
    if len(label_names) < 2:
        raise InputError(f"{path} should hold at least two labels, one a line")
    if twice := [name for name in label_names if label_names.count(name) > 1]:
        raise InputError(f"{path} names the label {twice[0]!r} twice")
    return label_names


def _parse(path: Path, column_names: list[str] | None, delimiter: str) -> Iterator[pa.Table]:
    """Parse a file into columns of strings, block by block; `column_names` None takes them from the first row."""
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    # One thread, because only then does Arrow name the row of a fault.
    reading = pyarrow.csv.ReadOptions(column_names=column_names, use_threads=False, block_size=BLOCK)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    rows = 0
    try:
        with pyarrow.csv.open_csv(path, read_options=reading, parse_options=parsing) as reader:
            names = reader.schema.names
        # Columns of strings take every value as it is: no number, date or missing value is guessed.
        converting = pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        )
        with pyarrow.csv.open_csv(path, reading, parsing, converting) as reader:
            for block in reader:
                if len(block):
                    yield pa.Table.from_batches([block])
                rows += len(block)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        _reject_other_encodings(path)
        message = str(error).removeprefix("CSV parse error: ").replace("Row #", "row ")
        if message.startswith("Empty CSV"):
            message = "the file holds no comments"
        elif "straddl" in message:  # Arrow's word for a field longer than the blocks it reads
            message = f"row {_endless_row(path, delimiter)}: a field is too long, or its quote is never closed"
        raise InputError(f"{path}: {message[:160]}") from None
    if not rows:
        raise InputError(f"{path} holds no comments")


def _reject_other_encodings(path: Path) -> None:
    """Raise `InputError`, with the line, when a file is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                raise InputError(f"{path}, line {number}: byte 0x{byte:02x} is not UTF-8; save it as UTF-8") from None


def _endless_row(path: Path, delimiter: str) -> int:
    """Return the row with a field so long that its closing quote must be missing."""
    row = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for fields in csv.reader(file, delimiter=delimiter):
                row += bool(fields)
    except csv.Error:
        row += 1
    return row


def _boolean(path: Path, table: pa.Table, name: str, first_row: int, no: str, yes: str) -> np.ndarray:
    """Return a column with one of two words in each row as booleans."""
    upper = pc.utf8_upper(table[name])
    wrong = pc.invert(pc.is_in(upper, pa.array([no, yes])))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        value = table[name][row].as_py()
        raise InputError(f"{path}, row {first_row + row}: {name} is {value!r}, but should be {no} or {yes}")
    return pc.equal(upper, yes).to_numpy()


def _reject_empty(path: Path, table: pa.Table, first_row: int) -> None:
    for name in ("id", "text"):
        row = pc.index(pc.equal(pc.utf8_trim_whitespace(table[name]), ""), True).as_py()
        if row >= 0:
            raise InputError(f"{path}, row {first_row + row}: the {name} is empty")
