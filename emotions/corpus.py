"""The accepted file formats → one table of judgements: who gave which labels to which comment.

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
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from emotions.errors import InputError

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


@dataclass(frozen=True)
class Judgements:
    """n judgements as they stand in the files, in their order.

    ids, texts: n strings each. unclear: n booleans, the rater could not tell. labels: (n, L) uint8, 0 or 1.
    parts: n names out of train, validation and test, or None where the data has no parts of its own; data with parts
    is finished, one judgement a comment, otherwise there is one judgement for each rater of a comment.
    """

    ids: list[str]
    texts: list[str]
    unclear: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    parts: np.ndarray | None


def read(path: str | Path) -> Judgements:
    """Read data in any accepted format.

    Raises `InputError`, with the file and row (a header is row 1, blank lines do not count), when something is missing,
    empty, not UTF-8, or not what its column should hold; or when one id comes with two texts.
    """
    path = Path(path)
    if path.is_dir():
        names = [name for name in PARTS if (path / name).exists()]
        files = sorted(path.glob("*.csv"))
        if names and files:
            raise InputError(f"{path} holds both {names[0]} and {files[0].name}: keep one format in a folder")
        if names:
            return _read_official(path)
        if not files:
            raise InputError(
                f"{path} holds neither CSV files nor train.tsv, dev.tsv and test.tsv"
                + ("; get them with `dvc update " + f"{path.as_posix()}/*.dvc`" if any(path.glob("*.dvc")) else "")
            )
    elif path.suffix == ".tsv":
        raise InputError(f"{path}: `data` should name the folder with {', '.join(PARTS)}, not one of them")
    elif path.exists():
        files = [path]
    else:
        raise InputError(f"{path} does not exist: `data` should name a CSV file or a folder")
    return _join([_read_csv(file) for file in files], files)


def _read_csv(path: Path) -> Judgements:
    table = _parse(path, column_names=None, delimiter=",")
    names = table.column_names
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

    labels = np.empty((table.num_rows, len(label_names)), np.uint8)
    for index, name in enumerate(label_names):
        labels[:, index] = _boolean(path, table, name, no="0", yes="1")
    unclear = _boolean(path, table, UNCLEAR, no="FALSE", yes="TRUE")
    _reject_empty(path, table, first_row=2)
    return Judgements(table["id"].to_pylist(), table["text"].to_pylist(), unclear, labels, label_names, None)


def _read_official(folder: Path) -> Judgements:
    label_names = GOEMOTIONS_LABELS
    names_file = folder / "emotions.txt"
    if names_file.exists():
        label_names = tuple(_read_bytes(names_file).decode("utf-8-sig").split())
        if len(label_names) < 2:
            raise InputError(f"{names_file} should hold at least two labels, one a line")
        for name in label_names:
            if label_names.count(name) > 1:
                raise InputError(f"{names_file} names the label {name!r} twice")
    parts = []
    for name, part in PARTS.items():
        path = folder / name
        if not path.exists():
            raise InputError(f"{path} does not exist: the folder should hold {', '.join(PARTS)}")
        table = _parse(path, column_names=["text", "labels", "id"], delimiter="\t")
        _reject_empty(path, table, first_row=1)
        labels = np.zeros((table.num_rows, len(label_names)), np.uint8)
        for row, indices in enumerate(table["labels"].to_pylist()):
            for index in indices.split(","):
                if not (index.isascii() and index.isdigit() and len(index) < 9 and int(index) < len(label_names)):
                    raise InputError(
                        f"{path}, row {row + 1}: label index {index!r}, but should be 0 to {len(label_names) - 1}"
                    )
                labels[row, int(index)] = 1
        unclear = np.zeros(table.num_rows, bool)
        ids, texts = table["id"].to_pylist(), table["text"].to_pylist()
        parts.append(Judgements(ids, texts, unclear, labels, label_names, np.full(table.num_rows, part)))
    judgements = _join(parts, [folder / name for name in PARTS])
    seen: set[str] = set()
    for comment in judgements.ids:
        if comment in seen:
            raise InputError(f"{folder}: the id {comment!r} comes twice; each comment should stand in one part, once")
        seen.add(comment)
    return judgements


def _parse(path: Path, column_names: list[str] | None, delimiter: str) -> pa.Table:
    """Parse a file into columns of strings; `column_names` None takes them from the first row."""
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    # One thread, because only then does Arrow say in which row a fault is.
    reading = pyarrow.csv.ReadOptions(column_names=column_names, use_threads=False)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        with pyarrow.csv.open_csv(path, read_options=reading, parse_options=parsing) as reader:
            names = reader.schema.names
        # A string column takes everything as it stands: no number, no date, no missing value is guessed.
        converting = pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        )
        table = pyarrow.csv.read_csv(path, reading, parsing, converting)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        content = _read_bytes(path)  # names the byte, if it is one that is not UTF-8
        message = str(error).removeprefix("CSV parse error: ").replace("Row #", "row ")
        if message.startswith("Empty CSV"):
            message = "the file holds no comments"
        elif "straddl" in message:  # Arrow's word for a field longer than the blocks it reads
            message = f"row {_endless_row(content, delimiter)}: a field is too long, or its quote is never closed"
        raise InputError(f"{path}: {message[:160]}") from None
    if not table.num_rows:
        raise InputError(f"{path} holds no comments")
    return table


def _read_bytes(path: Path) -> bytes:
    """Return the content of a file that must be UTF-8."""
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save it as UTF-8"
        ) from None
    return content


def _endless_row(content: bytes, delimiter: str) -> int:
    """Return the row with a field so long that its closing quote must be missing."""
    row = 0
    try:
        for fields in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter):
            row += bool(fields)
    except csv.Error:
        row += 1
    return row


def _boolean(path: Path, table: pa.Table, name: str, no: str, yes: str) -> np.ndarray:
    """Return a column of two words as booleans."""
    column = table[name]
    upper = pc.utf8_upper(column)
    wrong = pc.invert(pc.is_in(upper, pa.array([no, yes])))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise InputError(f"{path}, row {row + 2}: {name} is {column[row].as_py()!r}, but should be {no} or {yes}")
    return pc.equal(upper, yes).to_numpy()


def _reject_empty(path: Path, table: pa.Table, first_row: int) -> None:
    for name in ("id", "text"):
        row = pc.index(pc.equal(pc.utf8_trim_whitespace(table[name]), ""), True).as_py()
        if row >= 0:
            raise InputError(f"{path}, row {row + first_row}: the {name} is empty")


def _join(pieces: list[Judgements], paths: list[Path]) -> Judgements:
    """Put the files of one data set together, and check that an id has one text."""
    for piece, path in zip(pieces, paths, strict=True):
        if piece.label_names != pieces[0].label_names:
            raise InputError(f"{path}: the label columns differ from those of {paths[0]}")
    texts: dict[str, str] = {}
    for piece, path in zip(pieces, paths, strict=True):
        for comment, text in zip(piece.ids, piece.texts, strict=True):
            if texts.setdefault(comment, text) != text:
                raise InputError(
                    f"{path}: the id {comment!r} comes with two texts, {texts[comment][:40]!r} and {text[:40]!r}; "
                    "give each text an id of its own"
                )
    return Judgements(
        [comment for piece in pieces for comment in piece.ids],
        [text for piece in pieces for text in piece.texts],
        np.concatenate([piece.unclear for piece in pieces]),
        np.concatenate([piece.labels for piece in pieces]),
        pieces[0].label_names,
        None if pieces[0].parts is None else np.concatenate([piece.parts for piece in pieces]),
    )
