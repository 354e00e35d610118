"""predictions/test.parquet: what the model said of every test comment."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotions.files import replacing


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


def _names(given: np.ndarray, label_names: tuple[str, ...]) -> pa.Array:
    names = np.array(label_names)
    return pa.array([names[row].tolist() for row in given], pa.list_(pa.string()))
