"""Reading and merging in memory, for the tests of the data layer."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from emotions.data import formats, raters


def read(path: Path) -> SimpleNamespace:
    """Return all rows of a data set: ids, texts, labels (n, L), unclear, parts and label_names."""
    source = formats.find(path)
    table = pa.concat_tables([block for _, block in source.blocks()])
    labels = np.zeros((len(table), len(source.label_names)), int)
    for row, indices in enumerate(table["labels"].to_pylist()):
        labels[row, indices] = 1
    return SimpleNamespace(
        ids=table["id"].to_pylist(),
        texts=table["text"].to_pylist(),
        labels=labels,
        unclear=table["unclear"].to_pylist(),
        parts=table["part"].to_pylist() if source.has_parts else None,
        label_names=source.label_names,
    )


def merge(path: Path, min_votes: int = 1) -> SimpleNamespace:
    """Return the merged comments: ids, texts, labels (n, L), parts, and the counts."""
    with tempfile.TemporaryDirectory() as folder:
        merged = raters.merge(path, min_votes, Path(folder))
        pieces = list(merged.pieces)
    return SimpleNamespace(
        ids=[name for piece in pieces for name in piece.ids.to_pylist()],
        texts=[text for piece in pieces for text in piece.texts.to_pylist()],
        labels=np.concatenate([piece.labels for piece in pieces]),
        parts=None if pieces[0].parts is None else [part for piece in pieces for part in piece.parts.to_pylist()],
        pieces=len(pieces),
        counts=merged,
    )
