"""Choosing thresholds: the best F1 of all candidates, ties, shrinkage, cross-fitting."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from emotions.metrics import thresholds


def choose(*columns: tuple[float, float, int]) -> thresholds.Thresholds:
    """Choose on ten comments, given the probability with and without each label, and the number of those with it."""
    labels = np.column_stack([np.arange(10) < count for _, _, count in columns])
    return thresholds.choose(labels.astype(np.uint8), np.where(labels, *np.array(columns).T[:2]))


def example(seed: int, comments: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Return three labels drawn with the probabilities that are returned with them."""
    random = np.random.default_rng(seed)
    probabilities = random.beta(1, 3, (comments, 3)).astype(np.float32)
    return (random.random(probabilities.shape) < probabilities).astype(np.uint8), probabilities


def f1(labels: np.ndarray, predicted: np.ndarray, *averages: str) -> float:
    return sum(f1_score(labels, predicted, average=average, zero_division=0) for average in averages)


@pytest.mark.parametrize("seed", range(2))
def test_no_change_of_one_threshold_gives_a_better_f1(seed, monkeypatch):
    monkeypatch.setattr(thresholds, "SHRINKAGE", 0.0)
    labels, probabilities = example(seed)
    found = thresholds.choose(labels, probabilities)
    best_micro = f1(labels, probabilities >= found.common, "micro")
    best_sum = f1(labels, probabilities >= np.array(found.per_label), "micro", "macro")
    for threshold in thresholds.GRID:
        assert f1(labels, probabilities >= threshold, "micro") <= best_micro + 1e-9
        for label in range(3):
            changed = np.array(found.per_label)
            changed[label] = threshold
            assert f1(labels, probabilities >= changed, "micro", "macro") <= best_sum + 1e-9


@pytest.mark.parametrize(("positive", "negative", "expected"), [(0.8, 0.2, 0.51), (0.3, 0.29, 0.3), (0.9, 0.88, 0.9)])
def test_the_common_threshold_is_the_middle_of_the_best(positive, negative, expected):
    assert choose((positive, negative, 4)).common == expected


@pytest.mark.parametrize(
    ("other", "expected"), [((0.9, 0.6, 1), 0.61), ((0.2, 0.1, 1), 0.2), ((0.9, 0.1, 5), 0.31), ((0.9, 0.01, 0), 0.31)]
)
def test_a_label_gets_the_best_threshold_nearest_to_the_common_one(other, expected, monkeypatch):
    monkeypatch.setattr(thresholds, "SHRINKAGE", 0.0)
    # Five labels for which 0.21 to 0.40 are equally good outweigh the one that differs.
    found = choose(*[(0.4, 0.2, 9)] * 5, other)
    assert (found.common, found.per_label) == (0.31, (0.31, 0.31, 0.31, 0.31, 0.31, expected))


def test_one_lucky_comment_does_not_set_the_threshold_of_a_rare_label(monkeypatch):
    labels, probabilities = example(0, comments=2000)
    # 31 comments are likely to have the label, and only the likeliest one has it.
    rare = np.select([np.arange(2000) == 0, np.arange(2000) < 31], [0.9, 0.5], 0.001).astype(np.float32)
    both = np.column_stack([labels, np.arange(2000) == 0]), np.column_stack([probabilities, rare])
    found = thresholds.choose(*both)
    assert found.per_label[3] == found.common < 0.5
    monkeypatch.setattr(thresholds, "SHRINKAGE", 0.0)
    assert thresholds.choose(*both).per_label[3] == 0.51


def test_calibration_undoes_overconfidence():
    labels, probabilities = example(1, comments=20_000)
    odds = probabilities / (1 - probabilities)
    sharper = odds**2 / (1 + odds**2)
    np.testing.assert_allclose(thresholds.calibrated(labels, sharper), probabilities, atol=0.02)
    assert np.abs(sharper - probabilities).max() > 0.1
    for value in (0, 1):
        assert np.array_equal(thresholds.calibrated(np.full_like(labels, value), sharper), sharper)


@pytest.mark.parametrize("mode", ["global", "per_label", 0.4])
def test_cross_fitting_chooses_thresholds_on_other_comments(mode, monkeypatch):
    labels, probabilities = example(2, comments=43)
    seen, choose_before = [], thresholds.choose
    monkeypatch.setattr(thresholds, "choose", lambda *both: seen.append(both) or choose_before(*both))
    at_half, predicted = thresholds.cross_fitted(labels, probabilities, (0.5, mode), seed=1)
    assert np.array_equal(at_half, probabilities >= 0.5)
    assert sorted(len(chosen_on) for chosen_on, _ in seen) == [34, 34, 34, 35, 35]
    for chosen_on, others in seen:
        out = ~(probabilities[:, None] == others).all(axis=2).any(axis=1)
        assert np.array_equal(predicted[out], probabilities[out] >= choose_before(chosen_on, others).choose(mode))


@pytest.mark.parametrize("comments", [0, 1, 2, 4])
def test_a_few_comments_are_enough_for_cross_fitting(comments):
    (predicted,) = thresholds.cross_fitted(*example(3, comments), ("per_label",), seed=0)
    assert predicted.shape == (comments, 3) and predicted.dtype == bool
