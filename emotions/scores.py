"""How good predictions are: the metrics of multi-label classification."""

import warnings

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning

# Digits that are kept: finer than any difference that a test part of this size can show.
DIGITS = 5


def score(labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray) -> dict[str, float | int | None]:
    """Return the metrics of n comments with L labels, rounded to `DIGITS` digits.

    labels: (n, L) of 0 and 1. probabilities: (n, L). thresholds: (L,); a label is given from its threshold on.

    F1, precision and recall of a label that is neither there nor given count as 0 in macro averages, as scikit-learn
    has it. `average_precision_macro` and `roc_auc_macro` need no threshold and average over the labels that they are
    defined for: those on some comments, for the latter not on all; None where there are none.
    """
    given = probabilities >= thresholds
    at_half = probabilities >= 0.5
    occurring = labels.any(axis=0)
    mixed = occurring & ~labels.all(axis=0)
    result = {
        "comments": len(labels),
        "f1_micro": metrics.f1_score(labels, given, average="micro", zero_division=0),
        "f1_macro": metrics.f1_score(labels, given, average="macro", zero_division=0),
        "f1_weighted": metrics.f1_score(labels, given, average="weighted", zero_division=0),
        "precision_macro": metrics.precision_score(labels, given, average="macro", zero_division=0),
        "recall_macro": metrics.recall_score(labels, given, average="macro", zero_division=0),
        "hamming_loss": metrics.hamming_loss(labels, given),
        "subset_accuracy": metrics.accuracy_score(labels, given),
        "average_precision_macro": _macro(metrics.average_precision_score, labels, probabilities, occurring),
        "roc_auc_macro": _macro(metrics.roc_auc_score, labels, probabilities, mixed),
        "calibration_error": calibration_error(labels, probabilities),
        "f1_micro_at_half": metrics.f1_score(labels, at_half, average="micro", zero_division=0),
        "f1_macro_at_half": metrics.f1_score(labels, at_half, average="macro", zero_division=0),
    }
    return {name: round(float(value), DIGITS) if isinstance(value, float) else value for name, value in result.items()}


def with_intervals(metrics: dict, intervals: dict[str, float]) -> dict:
    """Put each interval, named after a metric with _low and _high, right after the metric that it belongs to."""
    result = {}
    for name, value in metrics.items():
        result[name] = value
        result |= {end: intervals[end] for end in (f"{name}_low", f"{name}_high") if end in intervals}
    return result


def score_labels(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray, label_names: tuple[str, ...]
) -> pd.DataFrame:
    """Return one row a label: label, support (comments that have it), precision, recall, f1, threshold."""
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, probabilities >= thresholds, average=None, zero_division=0
    )
    table = {"label": label_names, "support": support, "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame({**table, "threshold": thresholds}).round(DIGITS)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error over all (comment, label) pairs.

    Pairs are put into `bins` equal ranges of probability; the error is the mean distance between a range's mean
    probability and the fraction of its pairs that hold, weighted by its pairs (Naeini, Cooper and Hauskrecht,
    Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015).
    """
    truth, belief = labels.ravel().astype(float), probabilities.ravel().astype(float)
    bin_of = np.minimum((belief * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, truth, bins) - np.bincount(bin_of, belief, bins)
    return float(np.abs(gaps).sum() / len(truth))


def _macro(metric, labels: np.ndarray, probabilities: np.ndarray, columns: np.ndarray) -> float | None:
    if not columns.any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        return float(metric(labels[:, columns], probabilities[:, columns], average="macro"))
