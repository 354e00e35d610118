"""How far an F1 may be off because the test part is a sample: the seeded percentile bootstrap over comments.

Resampled are whole comments, with replacement, as many as there are: a comment keeps all its labels and all that was
predicted of it. The model and its thresholds stay as they are, so the spread of other seeds of training is not in these
intervals. Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. Two predictions of the same
comments are compared on the same resamples, which takes out what makes a sample hard for both: Koehn, Statistical
Significance Tests for Machine Translation Evaluation, EMNLP 2004; Berg-Kirkpatrick, Burkett and Klein, An Empirical
Investigation of Statistical Significance in NLP, EMNLP 2012.

F1 is as in `scores.score`: of a label that is neither there nor given it counts as 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emotions.scores import DIGITS

RESAMPLES = 1_000
PERCENTILES = [2.5, 97.5]
NAMES = ("f1_micro", "f1_macro")
# Numbers that are held at a time, 8 bytes each.
CELLS = 4_000_000


@dataclass(frozen=True)
class Difference:
    """By how much an F1 changed, and the 95% interval of that, from `low` to `high`; rounded to `scores.DIGITS`."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves 0 out: the change is more than the choice of test comments explains."""
        return not self.low <= 0 <= self.high


def f1(labels: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return f1_micro and f1_macro, (2,), of the comments as they are. labels, given: (n, L) of 0 and 1."""
    hits = np.sum(labels.astype(bool) & given.astype(bool), axis=0)
    return _f1(hits, labels.sum(axis=0, dtype=int) + given.sum(axis=0, dtype=int))


def intervals(labels: np.ndarray, given: np.ndarray, seed: int) -> dict[str, float]:
    """Return the 95% intervals: f1_micro_low, f1_micro_high, f1_macro_low, f1_macro_high, rounded to `scores.DIGITS`.

    labels, given: (n, L) of 0 and 1, n at least 1. The same seed gives the same numbers on every machine.
    """
    low, high = np.percentile(_resampled(labels, [given], seed, _f1)[0], PERCENTILES, axis=0)
    return {
        f"{name}_{end}": round(float(values[column]), DIGITS)
        for column, name in enumerate(NAMES)
        for end, values in (("low", low), ("high", high))
    }


def label_intervals(labels: np.ndarray, given: np.ndarray, seed: int) -> np.ndarray:
    """Return the 95% interval of each label's F1, (2, L): low and high, rounded to `scores.DIGITS`.

    labels, given: (n, L) of 0 and 1, n at least 1.
    """
    (values,) = _resampled(labels, [given], seed, _label_f1)
    return np.percentile(values, PERCENTILES, axis=0).round(DIGITS)


def intervals_of_counts(hits: np.ndarray, marks: np.ndarray, seed: int) -> dict[str, float]:
    """Return f1_micro and f1_macro, each followed by its 95% interval, named and rounded as by `intervals`.

    hits, marks: (n, L), what each of n comments adds to a label's true positives, and to 2 TP + FP + FN.
    """
    value = _f1(hits.sum(axis=0), marks.sum(axis=0))
    low, high = np.percentile(_drawn([(hits, marks)], np.arange(len(hits)), seed, _f1)[0], PERCENTILES, axis=0)
    return {
        f"{name}{end}": round(float(numbers[column]), DIGITS)
        for column, name in enumerate(NAMES)
        for end, numbers in (("", value), ("_low", low), ("_high", high))
    }


def compare(labels: np.ndarray, before: np.ndarray, after: np.ndarray, seed: int) -> dict[str, Difference]:
    """Return how f1_micro and f1_macro of the same n comments differ from `before` to `after`.

    labels, before, after: (n, L) of 0 and 1, n at least 1. The same seed gives the same numbers on every machine.
    """
    old, new = _resampled(labels, [before, after], seed, _f1)
    change = f1(labels, after) - f1(labels, before)
    columns = zip(NAMES, change, *np.percentile(new - old, PERCENTILES, axis=0), strict=True)
    return {name: Difference(*(round(float(number), DIGITS) for number in numbers)) for name, *numbers in columns}


def _resampled(labels: np.ndarray, predictions: list[np.ndarray], seed: int, figure: Callable) -> list[np.ndarray]:
    """Return `figure` of every resample, (RESAMPLES, …), for each of the predictions, all (n, L). See `_drawn`."""
    # Comments with equal labels and equal predictions are interchangeable: only how often each such kind is drawn
    # counts. There are few kinds even of a million comments, which keeps the matrices small.
    packed = np.packbits(np.hstack([labels, *predictions]).astype(bool), axis=1)
    _, first, kind = np.unique(packed.view(f"V{packed.shape[1]}")[:, 0], return_index=True, return_inverse=True)
    return _drawn([_counts(labels[first], given[first]) for given in predictions], kind, seed, figure)


def _drawn(
    counts: list[tuple[np.ndarray, np.ndarray]], kind: np.ndarray, seed: int, figure: Callable
) -> list[np.ndarray]:
    """Return `figure` of every resample, (RESAMPLES, …), for each pair of hits and marks, (kinds, L).

    kind: (n,), the row of hits and marks that each comment is counted in. figure: makes (…, k) numbers of the (…, L)
    sums of hits and marks.
    """
    n, kinds = len(kind), len(counts[0][0])
    generator = np.random.default_rng(seed)
    step = max(1, CELLS // kinds)
    pieces = []
    for start in range(0, RESAMPLES, step):
        draws = (kind[generator.integers(n, size=n)] for _ in range(min(step, RESAMPLES - start)))
        times = np.stack([np.bincount(draw, minlength=kinds) for draw in draws]).astype(float)
        # Sums of whole numbers are exact in float64, in whichever order the threads add them up.
        pieces.append([figure(times @ hits, times @ marks) for hits, marks in counts])
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _counts(labels: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two (n, L): hits are the true positives; marks are 2 TP + FP + FN, once for there and once for given."""
    there, given = labels.astype(float), given.astype(float)
    return there * given, there + given


def _f1(hits: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return f1_micro and f1_macro, (…, 2), of the (…, L) sums of what `_counts` returned."""
    micro = _ratio(2 * hits.sum(axis=-1), marks.sum(axis=-1))
    macro = _label_f1(hits, marks).mean(axis=-1)
    return np.stack([micro, macro], axis=-1)


def _label_f1(hits: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return each label's F1, (…, L), of the (…, L) sums of what `_counts` returned."""
    return _ratio(2 * hits, marks)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), 0.0)
