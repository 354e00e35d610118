"""Choosing the probability from which a label is given, on comments that the model was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Every threshold that is tried: fine enough for F1, coarse enough to read.
GRID = np.arange(1, 100) / 100
# How much of a comment's label, when a threshold for that label alone is judged, is what the model itself believes.
BELIEF = 0.7
# Parts in which `cross_fitted` holds comments out.
FOLDS = 5


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
    """Return the thresholds with the best F1 on n comments, one or more, with L labels, both arguments (n, L).

    The common one has the best micro-averaged F1 (the middle one of equals). Those of the labels have the best sum of
    micro- and macro-averaged F1: beginning at the common one, each label in turn is given the threshold that is best
    beside those of the others (of equals the one nearest the common one), until none changes. A rare label has too few
    comments to tell its best threshold from a lucky one, so each of its labels counts as a mixture: `BELIEF` of it is
    the probability itself, calibrated, and the rest is 0 or 1.

    F1 as a function of thresholds, and in expectation: Lipton, Elkan and Naryanaswamy, Optimal Thresholding of
    Classifiers to Maximize F1 Measure, ECML PKDD 2014.
    """
    right, total = _counts(labels, probabilities)
    micro = 2 * right.sum(axis=1) / np.maximum(total.sum(axis=1), 1)
    best = np.flatnonzero(micro == micro.max())
    start = best[len(best) // 2]

    expected = (1 - BELIEF) * labels + BELIEF * calibrated(labels, probabilities)
    right, total = _counts(expected, probabilities)
    f1 = 2 * right / np.maximum(total, 1e-9)
    every = np.arange(labels.shape[1])
    chosen, before = np.full(len(every), start), None
    while not np.array_equal(chosen, before):
        before = chosen.copy()
        for label in every:
            others = every[every != label]
            rights = right[chosen[others], others].sum() + right[:, label]
            totals = total[chosen[others], others].sum() + total[:, label]
            goal = 2 * rights / np.maximum(totals, 1e-9) + f1[:, label] / len(every)
            if goal.max() > goal[chosen[label]] + 1e-12:  # else sums that differ in the last digit could go in circles
                equals = np.flatnonzero(goal >= goal.max() - 1e-12)
                chosen[label] = equals[np.abs(equals - start).argmin()]
    return Thresholds(tuple(GRID[chosen].tolist()), float(GRID[start]))


def half(label_count: int) -> Thresholds:
    """Return 0.5 for everything: what is left where no comments were kept to choose on."""
    return Thresholds((0.5,) * label_count, 0.5)


def calibrated(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities, (n, L), of which as many hold as they say: one logistic curve of the logits for all labels.

    Platt, Probabilistic Outputs for Support Vector Machines, 1999. Where all labels, (n, L), are the same, there is
    nothing to go by, and the probabilities come back as they are.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second to import, and predicting does not need it

    truth = labels.ravel()
    if (truth == truth[0]).all():
        return probabilities
    inside = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    logits = np.log(inside / (1 - inside)).reshape(-1, 1)
    return LogisticRegression().fit(logits, truth).predict_proba(logits)[:, 1].reshape(labels.shape)


def cross_fitted(
    labels: np.ndarray, probabilities: np.ndarray, ways: Sequence[str | float], seed: int
) -> list[np.ndarray]:
    """Return the labels that are given, (n, L) bool, by each of `ways`, with thresholds chosen on other comments.

    Comments are shuffled into `FOLDS` parts, and those of one are judged by thresholds from the others: thresholds
    that are judged by the comments that they were chosen on look better than they are.
    """
    fold = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    given = [np.zeros(labels.shape, bool) for _ in ways]
    for number in np.unique(fold):
        out = fold == number
        # A single comment has no others.
        chosen = half(labels.shape[1]) if out.all() else choose(labels[~out], probabilities[~out])
        for table, way in zip(given, ways, strict=True):
            table[out] = probabilities[out] >= chosen.choose(way)
    return given


def _counts(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each threshold and label, the labels rightly given, and those given plus those there are."""
    right, total = (np.zeros((len(GRID), labels.shape[1])) for _ in range(2))
    for index, threshold in enumerate(GRID):
        given = probabilities >= threshold
        right[index] = np.where(given, labels, 0).sum(axis=0, dtype=np.float64)
        total[index] = given.sum(axis=0)
    return right, total + labels.sum(axis=0, dtype=np.float64)
