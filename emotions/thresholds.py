"""Choosing the probability from which a label is given, on comments that the model was not trained on."""

from dataclasses import dataclass

import numpy as np

# Every threshold that is tried: fine enough for F1, coarse enough to read.
GRID = np.arange(1, 100) / 100


@dataclass(frozen=True)
class Thresholds:
    """The probabilities from which a label is given. per_label: one for each of L labels. common: one for all."""

    per_label: tuple[float, ...]
    common: float

    def choose(self, threshold: str | float) -> np.ndarray:
        """Return L thresholds, float64: `"per_label"`, `"global"`, or a number for every label."""
        if threshold == "per_label":
            return np.array(self.per_label)
        return np.full(len(self.per_label), self.common if threshold == "global" else float(threshold))


def choose(labels: np.ndarray, probabilities: np.ndarray) -> Thresholds:
    """Return the thresholds with the best F1 on n comments with L labels, both arguments (n, L).

    The common one has the best micro-averaged F1 (the middle one of equals). The one of a label has that label's best
    F1; of equals the one nearest the common one, which is also that of a label on none of the comments.

    F1 as a function of a threshold: Lipton, Elkan and Naryanaswamy, Optimal Thresholding of Classifiers to Maximize
    F1 Measure, ECML PKDD 2014.
    """
    given = np.stack([probabilities >= threshold for threshold in GRID])  # (thresholds, n, L)
    right = (given & labels.astype(bool)).sum(axis=1)
    total = given.sum(axis=1) + labels.sum(axis=0)
    micro = 2 * right.sum(axis=1) / np.maximum(total.sum(axis=1), 1)
    best = np.flatnonzero(micro == micro.max())
    common = GRID[best[len(best) // 2]]

    per_label = 2 * right / np.maximum(total, 1)
    distance = np.abs(GRID - common)
    nearest = [np.where(f1 == f1.max(), distance, np.inf).argmin() for f1 in per_label.T]
    return Thresholds(tuple(float(GRID[index]) for index in nearest), float(common))


def half(label_count: int) -> Thresholds:
    """Return 0.5 for everything: what is left where no comments were kept to choose on."""
    return Thresholds((0.5,) * label_count, 0.5)
