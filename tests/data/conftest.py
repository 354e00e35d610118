"""Reading and merging in memory, for the tests of the data layer."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from emotions.data import formats, raters


def read(path: Path) -> SimpleNamespace:
    """Return all rows of a data set: ids, texts, labels (n, L), unclear, parts and label_names."""
    source = formats.find(path)
    table = pa.concat_tables(source.blocks())
    labels = np.zeros((len(table), len(source.label_names)), int)
    for row, indices in enumerate(table["labels"].to_pylist()):
        labels[row, indices] = 1
    ids, texts, unclear, parts = (table[name].to_pylist() for name in ("id", "text", "unclear", "part"))
    names = source.label_names
    return SimpleNamespace(ids=ids, texts=texts, labels=labels, unclear=unclear, parts=parts, label_names=names)


def merge(path: Path, min_votes: int = 1) -> SimpleNamespace:
    """Return the merged comments: ids, texts, labels (n, L), parts (None without), and the counts."""
    with tempfile.TemporaryDirectory() as folder:
        merged = raters.merge(path, min_votes, Path(folder))
        pieces = list(merged.pieces)
    ids, texts = ([value for one in pieces for value in getattr(one, name).to_pylist()] for name in ("ids", "texts"))
    parts = None if pieces[0].parts is None else [part for piece in pieces for part in piece.parts.to_pylist()]
    labels = np.concatenate([piece.labels for piece in pieces])
    return SimpleNamespace(ids=ids, texts=texts, labels=labels, parts=parts, counts=merged)


def leaks(texts: Iterable[str], parts: Iterable[str]) -> set[str]:
    """Return the texts that are in two parts, but for case and white space."""
    pairs = {(" ".join(text.lower().split()), part) for text, part in zip(texts, parts, strict=True)}
    return {text for text, count in Counter(text for text, _ in pairs).items() if count > 1}
