"""The pipeline's Parquet files: comments, the split, and predictions."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotions.core.errors import InputError
from emotions.core.files import replacing
from emotions.data.raters import Piece
from emotions.data.tokens import Tokens

# Field of `Comments` → column of comments.parquet.
COLUMNS = {"ids": "id", "texts": "text", "labels": "labels", "tokens": "input_ids", "parts": "part"}
PIECE = 1 << 16  # comments that `stream` reads at a time


@dataclass(frozen=True)
class Comments:
    """n comments with L labels; fields that were not read are None."""

    label_names: tuple[str, ...]
    tokenizer: str  # its `tokens.fingerprint`
    ids: pa.ChunkedArray | None = None  # strings; an id repeats where raters were not merged
    texts: pa.ChunkedArray | None = None  # strings
    labels: np.ndarray | None = None  # (n, L) uint8, 0 or 1
    tokens: Tokens | None = None
    parts: np.ndarray | None = None  # n names out of train, validation and test; also None where the data has no parts


@dataclass(frozen=True)
class Predictions:
    """n test comments with L labels."""

    ids: list[str]
    labels: np.ndarray  # annotated, (n, L) uint8, 0 or 1
    predicted: np.ndarray  # (n, L) uint8, 0 or 1
    probabilities: np.ndarray  # (n, L) float32
    label_names: tuple[str, ...]


@contextmanager
def writing(path: str | Path, label_names: Sequence[str], tokenizer: str) -> Iterator[Callable[[Piece, Tokens], None]]:
    """Yield a function that adds comments and tokens to a new comments.parquet, which appears if the block succeeds."""
    labels_type = pa.list_(pa.uint8(), len(label_names))
    types = [pa.string(), pa.string(), labels_type, pa.large_list(pa.int32()), pa.string()]
    metadata = {"label_names": json.dumps(label_names), "tokenizer": tokenizer}
    schema = pa.schema(zip(COLUMNS.values(), types, strict=True), metadata)
    with replacing(path) as partial, pq.ParquetWriter(partial, schema) as writer:

        def add(piece: Piece, tokens: Tokens) -> None:
            labels = pa.FixedSizeListArray.from_arrays(pa.array(piece.labels.reshape(-1)), len(label_names))
            input_ids = pa.LargeListArray.from_arrays(pa.array(tokens.offsets), pa.array(tokens.ids))
            parts = pa.nulls(len(labels), pa.string()) if piece.parts is None else piece.parts
            columns = [piece.ids, piece.texts, labels, input_ids, parts]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))

        yield add


def read(path: str | Path, wanted: Sequence[str] = tuple(COLUMNS)) -> Comments:
    """Read the `wanted` fields of all comments.

    Raises:
        InputError: The file is missing or damaged.
    """
    with _checked(path, "preprocess"):
        return _comments(pq.read_table(path, columns=[COLUMNS[name] for name in wanted]), wanted)


def stream(path: str | Path, wanted: Sequence[str]) -> Iterator[Comments]:
    """Yield the same as `read`, at most `PIECE` comments at a time."""
    with _checked(path, "preprocess"), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(PIECE, columns=[COLUMNS[name] for name in wanted]):
            yield _comments(pa.Table.from_batches([batch]), wanted)


def write_split(path: str | Path, ids: pa.ChunkedArray, parts: np.ndarray) -> None:
    """Write the parts, n names, of n comments, row by row as in comments.parquet."""
    with replacing(path) as partial:
        pq.write_table(pa.table({"id": ids, "part": pa.array(parts, pa.string())}), partial)


def read_split(path: str | Path, ids: pa.ChunkedArray) -> np.ndarray:
    """Return the parts, n names, of the n comments with these ids.

    Raises:
        InputError: The file is missing, damaged, or was made for other comments.
    """
    with _checked(path, "split"):
        table = pq.read_table(path)
        if not table["id"].equals(ids):
            raise InputError(f"{path} was made for other comments than comments.parquet: run `dvc repro split`")
        return _names(table["part"])


def write_predictions(
    path: str | Path,
    ids: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    label_names: tuple[str, ...],
) -> None:
    """Write one row per comment: id, labels (names), predicted (names), and the probability of each label.

    The shapes are ids (n,), labels (n, L) of 0 and 1, probabilities (n, L) and thresholds (L,). A label is predicted
    from its threshold on.
    """
    names = np.array(label_names)
    table = {"id": pa.array(ids.tolist(), pa.string())}
    for name, rows in (("labels", labels.astype(bool)), ("predicted", probabilities >= thresholds)):
        table[name] = pa.array([names[row].tolist() for row in rows], pa.list_(pa.string()))
    for index, name in enumerate(label_names):
        table[f"p_{name}"] = pa.array(probabilities[:, index], pa.float32())
    with replacing(path) as partial:
        pq.write_table(pa.table(table), partial)


def read_predictions(source: str | Path | bytes, name: str | None = None) -> Predictions:
    """Read what `write_predictions` wrote, from a file, or from bytes that an error calls `name`.

    Raises:
        InputError: The file is missing or damaged.
    """
    with _checked(name or source, "evaluate"):
        table = pq.read_table(pa.BufferReader(source) if isinstance(source, bytes) else source)
        names = tuple(column.removeprefix("p_") for column in table.column_names if column.startswith("p_"))
        column = {name: index for index, name in enumerate(names)}
        labels, predicted = np.zeros((2, len(table), len(names)), np.uint8)
        for matrix, key in ((labels, "labels"), (predicted, "predicted")):
            for row, given in enumerate(table[key].to_pylist()):
                matrix[row, [column[name] for name in given]] = 1
        probabilities = np.column_stack([table[f"p_{name}"].to_numpy() for name in names])
        return Predictions(table["id"].to_pylist(), labels, predicted, probabilities, names)


@contextmanager
def _checked(name: object, stage: str) -> Iterator[None]:
    """Turn the errors of a missing or damaged file into one line that names the stage to run."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name} does not exist: run `dvc repro {stage}`") from None
    except (pa.ArrowException, OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{name} is damaged ({str(error)[:100]}): run `dvc repro {stage}`") from None


def _comments(table: pa.Table, wanted: Sequence[str]) -> Comments:
    metadata = table.schema.metadata
    fields: dict[str, Any] = {name: table[COLUMNS[name]] for name in wanted}
    if "labels" in fields:
        lists = fields["labels"].combine_chunks()
        fields["labels"] = lists.flatten().to_numpy().reshape(-1, lists.type.list_size)
    if "tokens" in fields:
        lists = fields["tokens"].combine_chunks()
        offsets = lists.offsets.to_numpy()
        fields["tokens"] = Tokens(lists.values.to_numpy()[offsets[0] : offsets[-1]], offsets - offsets[0])
    if "parts" in fields:
        fields["parts"] = None if fields["parts"].null_count else _names(fields["parts"])
    return Comments(tuple(json.loads(metadata[b"label_names"])), metadata[b"tokenizer"].decode(), **fields)


def _names(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of strings, few of them different, as a numpy array."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.array(encoded.dictionary.to_pylist(), str)[encoded.indices.to_numpy()]
