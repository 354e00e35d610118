"""Choosing thresholds: the best F1 of all that are tried, and which one of equals."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from emotions import thresholds


def column(positive: float, negative: float, positives: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ten labels and probabilities that any threshold above `negative`, up to `positive`, separates."""
    labels = np.arange(10) < positives
    return labels.astype(np.uint8), np.where(labels, positive, negative)


def choose(*columns: tuple[np.ndarray, np.ndarray]):
    return thresholds.choose(*(np.stack(arrays, axis=1) for arrays in zip(*columns, strict=True)))


@pytest.mark.parametrize("seed", range(3))
def test_no_threshold_of_the_grid_has_a_better_f1(seed):
    random = np.random.default_rng(seed)
    probabilities = random.beta(1, 3, (80, 3)).astype(np.float32)
    labels = (random.random((80, 3)) < probabilities).astype(np.uint8)
    found = thresholds.choose(labels, probabilities)
    grid = [number / 100 for number in range(1, 100)]
    micro = {t: f1_score(labels, probabilities >= t, average="micro", zero_division=0) for t in grid}
    assert micro[found.common] == pytest.approx(max(micro.values()))
    for index, threshold in enumerate(found.per_label):
        f1 = {t: f1_score(labels[:, index], probabilities[:, index] >= t, zero_division=0) for t in grid}
        assert f1[threshold] == pytest.approx(max(f1.values()))


@pytest.mark.parametrize(("positive", "negative", "expected"), [(0.8, 0.2, 0.51), (0.3, 0.29, 0.3), (0.9, 0.88, 0.9)])
def test_the_common_threshold_is_the_middle_one_of_equals(positive, negative, expected):
    assert choose(column(positive, negative, positives=4)).common == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (column(0.9, 0.6, positives=1), 0.61),
        (column(0.2, 0.1, positives=1), 0.2),
        (column(0.9, 0.1, positives=5), 0.31),
        (column(0.9, 0.005, positives=0), 0.31),
    ],
    ids=["above", "below", "around", "on no comment"],
)
def test_the_threshold_of_a_label_is_of_equals_the_one_nearest_the_common_one(other, expected):
    # Five labels for which 0.21 to 0.40 are equally good outweigh the one that differs.
    found = choose(*[column(0.4, 0.2, positives=9)] * 5, other)
    assert (found.common, found.per_label) == (0.31, (0.31, 0.31, 0.31, 0.31, 0.31, expected))
