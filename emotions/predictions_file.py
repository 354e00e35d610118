"""predictions/test.parquet: what the model said of every test comment."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotions.errors import InputError
from emotions.files import replacing


@dataclass(frozen=True)
class Predictions:
    """n comments with L labels. ids: n strings, as in comments.parquet. labels, given: (n, L) uint8, 0 or 1."""

    ids: list[str]
    labels: np.ndarray
    given: np.ndarray
    label_names: tuple[str, ...]


def write(
    path: str | Path,
    ids: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    label_names: tuple[str, ...],
) -> None:
    """Write one row a comment: id, labels (names, as annotated), predicted (names), and each label's probability.

    ids: (n,). labels: (n, L) of 0 and 1. probabilities: (n, L). thresholds: (L,).
    """
    table = {
        "id": pa.array(ids.tolist(), pa.string()),
        "labels": _names(labels.astype(bool), label_names),
        "predicted": _names(probabilities >= thresholds, label_names),
    }
    for index, name in enumerate(label_names):
        table[f"p_{name}"] = pa.array(probabilities[:, index], pa.float32())
    with replacing(path) as partial:
        pq.write_table(pa.table(table), partial)


def read(content: bytes, name: str) -> Predictions:
    """Read the bytes that `write` wrote, but for the probabilities. `name` is the file's in an `InputError`."""
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        names = tuple(column.removeprefix("p_") for column in file.schema_arrow.names if column.startswith("p_"))
        table = file.read(columns=["id", "labels", "predicted"])
        return Predictions(
            table["id"].to_pylist(), _matrix(table["labels"], names), _matrix(table["predicted"], names), names
        )
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise InputError(f"{name} is damaged ({str(error)[:100]}): run `dvc repro evaluate`") from None


def _matrix(rows: pa.ChunkedArray, label_names: tuple[str, ...]) -> np.ndarray:
    column = {name: index for index, name in enumerate(label_names)}
    result = np.zeros((len(rows), len(label_names)), np.uint8)
    for row, names in enumerate(rows.to_pylist()):
        result[row, [column[name] for name in names]] = 1
    return result


def _names(given: np.ndarray, label_names: tuple[str, ...]) -> pa.Array:
    names = np.array(label_names)
    return pa.array([names[row].tolist() for row in given], pa.list_(pa.string()))
