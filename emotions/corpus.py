"""The accepted file formats → judgements, whole or a block of a file at a time.

Three formats are read, all of them UTF-8 with CSV quoting:

* a CSV file whose header begins with id, text, example_very_unclear and goes on with the label columns;
* the raw per-rater release of GoEmotions: CSV files with text, id, author, subreddit, link_id, parent_id, created_utc,
  rater_id, example_very_unclear, then the label columns; one file, or a folder of several;
* a folder with the rater-agreement-filtered train.tsv, dev.tsv and test.tsv: no header; text, label indices, id; the
  label names come from emotions.txt beside them when it is there, else they are the 28 of GoEmotions.

Source of the formats: Demszky et al., GoEmotions: A Dataset of Fine-Grained Emotions, ACL 2020, arXiv 2005.00547, and
the data's own repository, google-research/google-research, folder goemotions.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from emotions.errors import InputError
from emotions.judgements import Clash, Judgements, find_clash, join

# fmt: off
GOEMOTIONS_LABELS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)
# fmt: on
UNCLEAR = "example_very_unclear"
# What may stand before the label columns. Nothing but id, text and UNCLEAR is used.
LEADING_COLUMNS = (
    "id", "text", "author", "subreddit", "link_id", "parent_id", "created_utc", "rater_id", UNCLEAR,
)  # fmt: skip
# File of the official release → part of the split.
PARTS = {"train.tsv": "train", "dev.tsv": "validation", "test.tsv": "test"}


# Bytes of a file that are read at a time; no row may be longer.
BLOCK = 1 << 20


def read(path: str | Path) -> Judgements:
    """Read data in any accepted format, as `stream` does, into memory.

    Raises `InputError` for what `stream` refuses, and for judgements that clash.
    """
    pieces, starts, rows = [], {}, 0
    for file, piece in stream(path):
        starts.setdefault(file, rows)
        rows += len(piece.ids)
        pieces.append(piece)
    judgements = join(pieces)
    if clash := find_clash(judgements):
        raise clash_error(path, starts, clash)
    return judgements


def stream(path: str | Path) -> Iterator[tuple[Path, Judgements]]:
    """Yield the judgements of data in any accepted format, block by block, each with the file it stands in.

    Whether ids clash is not looked at: it takes all blocks to know.

    Raises `InputError`, with the file and row (a header is row 1, blank lines do not count), when something is missing,
    empty, not UTF-8, or not what its column should hold.
    """
    paths = files(path)
    if paths[0].name in PARTS:
        label_names = _official_label_names(Path(path))
        for file in paths:
            for piece in _read_official(file, label_names):
                yield file, piece
        return
    label_names = None
    for file in paths:
        for piece in _read_csv(file):
            label_names = label_names or piece.label_names
            if piece.label_names != label_names:
                raise InputError(f"{file}: the label columns differ from those of {paths[0]}")
            yield file, piece


def files(path: str | Path) -> list[Path]:
    """Return the data files that `path` names, in the order in which they are read."""
    path = Path(path)
    if path.is_dir():
        names = [name for name in PARTS if (path / name).exists()]
        found = sorted(path.glob("*.csv"))
        if names and found:
            raise InputError(f"{path} holds both {names[0]} and {found[0].name}: keep one format in a folder")
        for name in PARTS if names else ():
            if name not in names:
                raise InputError(f"{path / name} does not exist: the folder should hold {', '.join(PARTS)}")
        if names:
            return [path / name for name in PARTS]
        if not found:
            raise InputError(
                f"{path} holds neither CSV files nor train.tsv, dev.tsv and test.tsv"
                + ("; get them with `dvc update " + f"{path.as_posix()}/*.dvc`" if any(path.glob("*.dvc")) else "")
            )
        return found
    if path.suffix == ".tsv":
        raise InputError(f"{path}: name the folder with {', '.join(PARTS)}, not one of them")
    if not path.exists():
        raise InputError(f"{path} does not exist: name a CSV file or a folder with data")
    return [path]


def clash_error(path: str | Path, starts: dict[Path, int], clash: Clash) -> InputError:
    """Return what is to be said about a clash in the data at `path`. starts: each file's first row among all."""
    if clash.twice:
        return InputError(f"{path}: the id {clash.id!r} comes twice; each comment should stand in one part, once")
    file = [file for file, start in starts.items() if start <= clash.row][-1]
    return InputError(
        f"{file}: the id {clash.id!r} comes with two texts, {clash.first[:40]!r} and {clash.other[:40]!r}; "
        "give each text an id of its own"
    )


def _read_csv(path: Path) -> Iterator[Judgements]:
    row = 2
    for table in parse(path, column_names=None, delimiter=","):
        if row == 2:
            label_names = _label_columns(path, table.column_names)
        labels = np.empty((len(table), len(label_names)), np.uint8)
        for index, name in enumerate(label_names):
            labels[:, index] = _boolean(path, table, name, row, no="0", yes="1")
        unclear = _boolean(path, table, UNCLEAR, row, no="FALSE", yes="TRUE")
        _reject_empty(path, table, row)
        yield Judgements(table["id"], table["text"], unclear, labels, label_names, None)
        row += len(table)


def _label_columns(path: Path, names: list[str]) -> tuple[str, ...]:
    """Check the header of a CSV file, and return the labels that it names."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{path}: the header names the column {twice[0]!r} twice")
    missing = [name for name in ("id", "text", UNCLEAR) if name not in names]
    if missing:
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
    for name in label_names:
        if label_names.count(name) > 1:
            raise InputError(f"{path} names the label {name!r} twice")
    return label_names


def _read_official(path: Path, label_names: tuple[str, ...]) -> Iterator[Judgements]:
    start = 1
    for table in parse(path, column_names=["text", "labels", "id"], delimiter="\t"):
        _reject_empty(path, table, start)
        labels = np.zeros((len(table), len(label_names)), np.uint8)
        for row, indices in enumerate(table["labels"].to_pylist()):
            for index in indices.split(","):
                if not (index.isascii() and index.isdigit() and len(index) < 9 and int(index) < len(label_names)):
                    raise InputError(
                        f"{path}, row {start + row}: label index {index!r}, but should be 0 to {len(label_names) - 1}"
                    )
                labels[row, int(index)] = 1
        parts = np.full(len(table), PARTS[path.name])
        yield Judgements(table["id"], table["text"], np.zeros(len(table), bool), labels, label_names, parts)
        start += len(table)


def parse(path: Path, column_names: list[str] | None, delimiter: str) -> Iterator[pa.Table]:
    """Parse a file into columns of strings, block by block; `column_names` None takes them from the first row.

    Raises `InputError` for a file that is empty, not UTF-8, or not of equally long rows.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    # One thread, because only then does Arrow say in which row a fault is.
    reading = pyarrow.csv.ReadOptions(column_names=column_names, use_threads=False, block_size=BLOCK)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    rows = 0
    try:
        with pyarrow.csv.open_csv(path, read_options=reading, parse_options=parsing) as reader:
            names = reader.schema.names
        # A string column takes everything as it stands: no number, no date, no missing value is guessed.
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
                raise InputError(
                    f"{path}, line {number}: byte 0x{line[error.start]:02x} is not UTF-8; save it as UTF-8"
                ) from None


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
    """Return a column of two words as booleans. first_row: the table's, in the file."""
    column = table[name]
    upper = pc.utf8_upper(column)
    wrong = pc.invert(pc.is_in(upper, pa.array([no, yes])))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise InputError(
            f"{path}, row {first_row + row}: {name} is {column[row].as_py()!r}, but should be {no} or {yes}"
        )
    return pc.equal(upper, yes).to_numpy()


def _reject_empty(path: Path, table: pa.Table, first_row: int) -> None:
    for name in ("id", "text"):
        row = pc.index(pc.equal(pc.utf8_trim_whitespace(table[name]), ""), True).as_py()
        if row >= 0:
            raise InputError(f"{path}, row {first_row + row}: the {name} is empty")
