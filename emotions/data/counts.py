"""Tables of the comments before any model sees them: labels, pairs of labels, lengths.

In all of them labels are (n, L) of 0 and 1.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emotions.data.splitting import PARTS

# Comments whose labels are converted to floating-point numbers at a time: they take eight times the bytes.
PIECE = 1 << 16


def of_labels(labels: np.ndarray, parts: np.ndarray, label_names: Sequence[str]) -> pd.DataFrame:
    """Return the number of comments with each label in each part: columns label, train, validation, test."""
    counts = {part: labels[parts == part].sum(axis=0, dtype=int) for part in PARTS}
    return pd.DataFrame({"label": label_names, **counts})


def of_pairs(labels: np.ndarray, label_names: Sequence[str]) -> pd.DataFrame:
    """Return how often two labels come together, without the pairs that never do.

    The columns are label, other, comments (with both), share (of the comments with `label`).
    """
    both = np.zeros((labels.shape[1], labels.shape[1]))
    for start in range(0, len(labels), PIECE):
        there = labels[start : start + PIECE].astype(float)
        both += there.T @ there
    alone = np.diag(both).copy()
    np.fill_diagonal(both, 0)
    first, second = np.nonzero(both)
    names, comments = np.array(label_names), both[first, second]
    shares = (comments / alone[first]).round(5)
    columns = {"label": names[first], "other": names[second], "comments": comments.astype(int), "share": shares}
    return pd.DataFrame(columns)


def of_lengths(lengths: np.ndarray) -> pd.DataFrame:
    """Return the number of comments of each length, (n,) in tokens, that occurs: columns tokens, comments."""
    tokens, comments = np.unique(lengths, return_counts=True)
    return pd.DataFrame({"tokens": tokens, "comments": comments})
