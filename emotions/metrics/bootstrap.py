"""95% intervals of F1, and of the difference between two models: the seeded percentile bootstrap over comments.

Whole comments are drawn with replacement (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
The model stays fixed, so the variation between training seeds is not covered. Two models are compared on the same
resamples (Koehn, Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004; Berg-Kirkpatrick,
Burkett and Klein, An Empirical Investigation of Statistical Significance in NLP, EMNLP 2012).

Annotated and predicted labels of n comments, at least one, are (n, L) of 0 and 1. F1 is as in `scores.score` and
rounded to `scores.DIGITS` places. The same seed gives the same numbers on every machine.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emotions.metrics.scores import DIGITS

RESAMPLES = 1_000
PERCENTILES = [2.5, 97.5]
NAMES = ("f1_micro", "f1_macro")
CELLS = 4_000_000  # numbers in memory at a time, 8 bytes each


@dataclass(frozen=True)
class Difference:
    """The change of an F1, with its 95% interval from `low` to `high`."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval excludes 0: the choice of test comments alone does not explain the change."""
        return not self.low <= 0 <= self.high


def f1(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return f1_micro and f1_macro of the comments themselves, (2,), not rounded."""
    true_positives = np.sum(labels.astype(bool) & predicted.astype(bool), axis=0)
    return _f1(true_positives, labels.sum(axis=0, dtype=int) + predicted.sum(axis=0, dtype=int))


def intervals(labels: np.ndarray, predicted: np.ndarray, seed: int) -> dict[str, float]:
    """Return f1_micro_low, f1_micro_high, f1_macro_low and f1_macro_high."""
    (values,) = _resample(labels, [predicted], seed, _f1)
    ends = np.percentile(values, PERCENTILES, axis=0).T.ravel()
    names = [f"{name}_{end}" for name in NAMES for end in ("low", "high")]
    return {name: round(float(value), DIGITS) for name, value in zip(names, ends, strict=True)}


def label_intervals(labels: np.ndarray, predicted: np.ndarray, seed: int) -> np.ndarray:
    """Return the low and the high end of each label's F1, (2, L)."""
    (values,) = _resample(labels, [predicted], seed, _label_f1)
    return np.percentile(values, PERCENTILES, axis=0).round(DIGITS)


def compare(labels: np.ndarray, before: np.ndarray, after: np.ndarray, seed: int) -> dict[str, Difference]:
    """Return how f1_micro and f1_macro change from the labels predicted `before` to those predicted `after`."""
    old, new = _resample(labels, [before, after], seed, _f1)
    change = f1(labels, after) - f1(labels, before)
    columns = zip(NAMES, change, *np.percentile(new - old, PERCENTILES, axis=0), strict=True)
    return {name: Difference(*(round(float(number), DIGITS) for number in numbers)) for name, *numbers in columns}


def _resample(labels: np.ndarray, predictions: list[np.ndarray], seed: int, statistic: Callable) -> list[np.ndarray]:
    """Return a statistic of the counts that `_f1` describes on every resample, (RESAMPLES, …), for each prediction."""
    n, truth = len(labels), labels.astype(float)
    counts = [(truth * predicted, truth + predicted) for predicted in predictions]
    generator = np.random.default_rng(seed)
    step = max(1, CELLS // n)
    pieces = []
    for start in range(0, RESAMPLES, step):
        draws = (generator.integers(n, size=n) for _ in range(min(step, RESAMPLES - start)))
        times = np.stack([np.bincount(draw, minlength=n) for draw in draws]).astype(float)
        # Sums of whole numbers are exact in float64, whatever the order in which threads add them up.
        pieces.append([statistic(times @ true_positives, times @ positives) for true_positives, positives in counts])
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _f1(true_positives: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Return f1_micro and f1_macro, (…, 2), from counts per label, (…, L); `positives` are 2 TP + FP + FN."""
    micro = _label_f1(true_positives.sum(axis=-1), positives.sum(axis=-1))
    return np.stack([micro, _label_f1(true_positives, positives).mean(axis=-1)], axis=-1)


def _label_f1(true_positives: np.ndarray, positives: np.ndarray) -> np.ndarray:
    return 2 * true_positives / np.maximum(positives, 1)
