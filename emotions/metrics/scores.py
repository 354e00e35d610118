"""The metrics of multi-label classification. Labels (annotated, 0 or 1) and probabilities are (n, L)."""

import numpy as np
import pandas as pd
from sklearn import metrics

DIGITS = 5  # decimal places, finer than any difference that a test part of this size can show


def score(labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray | float) -> dict:
    """Return the metrics by name, rounded to `DIGITS` places.

    A label is predicted if its probability is at least its threshold: `thresholds` are (L,), or one number for all.
    As in scikit-learn, a label that is neither annotated nor predicted counts as 0 in the macro averages of F1,
    precision and recall. `average_precision_macro` leaves out labels on no comment, for which it is undefined, and
    `roc_auc_macro` those on all comments, too; with no label left they are None.
    """
    predicted, at_half = probabilities >= thresholds, probabilities >= 0.5
    occurring = labels.any(axis=0)

    def mean(metric, columns):
        return float(metric(labels[:, columns], probabilities[:, columns], average="macro")) if columns.any() else None

    result = {
        "comments": len(labels),
        "f1_micro": metrics.f1_score(labels, predicted, average="micro", zero_division=0),
        "f1_macro": metrics.f1_score(labels, predicted, average="macro", zero_division=0),
        "f1_weighted": metrics.f1_score(labels, predicted, average="weighted", zero_division=0),
        "precision_macro": metrics.precision_score(labels, predicted, average="macro", zero_division=0),
        "recall_macro": metrics.recall_score(labels, predicted, average="macro", zero_division=0),
        "hamming_loss": metrics.hamming_loss(labels, predicted),
        "subset_accuracy": metrics.accuracy_score(labels, predicted),
        "average_precision_macro": mean(metrics.average_precision_score, occurring),
        "roc_auc_macro": mean(metrics.roc_auc_score, occurring & ~labels.all(axis=0)),
        "calibration_error": calibration_error(labels, probabilities),
        "f1_micro_at_half": metrics.f1_score(labels, at_half, average="micro", zero_division=0),
        "f1_macro_at_half": metrics.f1_score(labels, at_half, average="macro", zero_division=0),
    }
    return {name: round(float(value), DIGITS) if isinstance(value, float) else value for name, value in result.items()}


def with_intervals(metrics: dict, intervals: dict[str, float]) -> dict:
    """Return `metrics` with `x_low` and `x_high` of `intervals` right after each `x`."""
    names = [f"{name}{end}" for name in metrics for end in ("", "_low", "_high")]
    both = metrics | intervals
    return {name: both[name] for name in names if name in both}


def score_labels(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray, label_names: tuple[str, ...]
) -> pd.DataFrame:
    """Return one row per label: label, support (comments that have it), precision, recall, f1, threshold."""
    predicted = probabilities >= thresholds
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    table = {"label": label_names, "support": support, "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame({**table, "threshold": thresholds}).round(DIGITS)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error over all pairs of a comment and a label.

    Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015.
    """
    _, probability, truth = binned(labels, probabilities, bins)
    return float(np.abs(truth - probability).sum() / labels.size)


def binned(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> tuple[np.ndarray, ...]:
    """Return, per range of probability, the number of its pairs and the sums of their probabilities and labels."""
    truth, probability = labels.ravel().astype(float), probabilities.ravel().astype(float)
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    return tuple(np.bincount(bin_of, weights, bins) for weights in (None, probability, truth))
