"""What the comments are like before any model sees them: the tables behind split's figures.

labels: (n, L) of 0 and 1. parts: n names out of `splitting.PARTS`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emotions.scores import DIGITS
from emotions.splitting import PARTS

# Comments whose labels are floating-point numbers at a time: eight times the bytes.
PIECE = 1 << 16


def of_labels(labels: np.ndarray, parts: np.ndarray, label_names: Sequence[str]) -> pd.DataFrame:
    """Return the number of comments with each label: columns label, train, validation, test."""
    counts = {part: labels[parts == part].sum(axis=0, dtype=int) for part in PARTS}
    return pd.DataFrame({"label": label_names, **counts})


def of_pairs(labels: np.ndarray, label_names: Sequence[str]) -> pd.DataFrame:
    """Return how often two labels come together: of the comments that have one, the part that has the other too.

    Columns: label, other, comments (with both), share (of those with `label`). Pairs that never occur are left out.
    """
    both = np.zeros((labels.shape[1], labels.shape[1]))
    for start in range(0, len(labels), PIECE):
        there = labels[start : start + PIECE].astype(float)
        both += there.T @ there
    alone = np.diag(both).copy()
    np.fill_diagonal(both, 0)
    rows = [
        [label_names[row], label_names[column], int(both[row, column]), both[row, column] / alone[row]]
        for row, column in zip(*np.nonzero(both), strict=True)
    ]
    return pd.DataFrame(rows, columns=["label", "other", "comments", "share"]).round(DIGITS)


def of_lengths(lengths: np.ndarray) -> pd.DataFrame:
    """Return the number of comments of each length that occurs. lengths: (n,), in tokens. Columns: tokens, comments."""
    tokens, comments = np.unique(lengths, return_counts=True)
    return pd.DataFrame({"tokens": tokens, "comments": comments})
