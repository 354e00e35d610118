"""Chooses the probability from which a label is predicted, on comments that the model was not trained on."""

from dataclasses import dataclass

import numpy as np

GRID = np.arange(1, 100) / 100  # all candidates
SHRINKAGE = 0.7  # weight of the calibrated probability in the soft label for which a label's threshold is chosen
FOLDS = 5


@dataclass(frozen=True)
class Thresholds:
    """The probabilities from which labels are predicted: one for each of L labels, and a common one for all."""

    per_label: tuple[float, ...]
    common: float

    def choose(self, threshold: str | float) -> np.ndarray:
        """Return L thresholds, float64, for `"per_label"`, `"global"`, or one number for every label."""
        if threshold == "per_label":
            return np.array(self.per_label)
        return np.full(len(self.per_label), self.common if threshold == "global" else float(threshold))


def choose(labels: np.ndarray, probabilities: np.ndarray) -> Thresholds:
    """Return the thresholds with the best F1 on n comments, at least one; both arguments are (n, L).

    The common threshold, the middle one of equals, maximises micro-averaged F1. The thresholds per label maximise the
    sum of micro- and macro-averaged F1, by coordinate ascent from the common one; ties go to the nearest to it.

    A rare label has too few comments to tell its best threshold from a lucky one, so thresholds per label maximise the
    expected F1 under soft labels, which mix the calibrated probability into the annotated label. Lipton, Elkan and
    Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, ECML PKDD 2014.
    """
    true_positives, positives = _counts(labels, probabilities)
    micro = 2 * true_positives.sum(axis=1) / np.maximum(positives.sum(axis=1), 1)
    best = np.flatnonzero(micro == micro.max())
    start = best[len(best) // 2]

    soft = (1 - SHRINKAGE) * labels + SHRINKAGE * calibrated(labels, probabilities)
    true_positives, positives = _counts(soft, probabilities)
    f1 = 2 * true_positives / np.maximum(positives, 1e-9)
    every = np.arange(labels.shape[1])
    chosen, before = np.full(len(every), start), np.empty(0)
    while not np.array_equal(chosen, before):
        before = chosen.copy()
        for label in every:
            others = every[every != label]
            hits = true_positives[chosen[others], others].sum() + true_positives[:, label]
            total = positives[chosen[others], others].sum() + positives[:, label]
            goal = 2 * hits / np.maximum(total, 1e-9) + f1[:, label] / len(every)
            if goal.max() > goal[chosen[label]] + 1e-12:  # else rounding errors could make it go in circles
                ties = np.flatnonzero(goal >= goal.max() - 1e-12)
                chosen[label] = ties[np.abs(ties - start).argmin()]
    return Thresholds(tuple(GRID[chosen].tolist()), float(GRID[start]))


def half(label_count: int) -> Thresholds:
    """Return 0.5 for every label, which is all that can be done without validation comments."""
    return Thresholds((0.5,) * label_count, 0.5)


def calibrated(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities, (n, L), calibrated by one logistic regression on all logits (Platt scaling, 1999)."""
    from sklearn.linear_model import LogisticRegression  # takes a second to import, and predicting does not need it

    truth = labels.ravel()
    if (truth == truth[0]).all():
        return probabilities  # nothing to fit
    inside = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    logits = np.log(inside / (1 - inside)).reshape(-1, 1)
    return LogisticRegression().fit(logits, truth).predict_proba(logits)[:, 1].reshape(labels.shape)


def cross_fitted(labels: np.ndarray, probabilities: np.ndarray, modes: tuple, seed: int) -> list[np.ndarray]:
    """Return predicted labels, (n, L) bool, for each of `modes`, the arguments of `Thresholds.choose`.

    Thresholds look too good on the comments that they were chosen on, so each fold gets those of the other folds.
    """
    fold = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    predictions = [np.zeros(labels.shape, bool) for _ in modes]
    for number in np.unique(fold):
        out = fold == number
        chosen = half(labels.shape[1]) if out.all() else choose(labels[~out], probabilities[~out])
        for predicted, mode in zip(predictions, modes, strict=True):
            predicted[out] = probabilities[out] >= chosen.choose(mode)
    return predictions


def _counts(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true positives, and annotated plus predicted labels, for each candidate and label: (99, L) each."""
    true_positives, positives = (np.zeros((len(GRID), labels.shape[1])) for _ in range(2))
    for index, threshold in enumerate(GRID):
        predicted = probabilities >= threshold
        true_positives[index] = np.where(predicted, labels, 0).sum(axis=0, dtype=np.float64)
        positives[index] = predicted.sum(axis=0)
    return true_positives, positives + labels.sum(axis=0, dtype=np.float64)
