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


def example(seed: int, comments: int = 80, labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and probabilities with which they hold."""
    random = np.random.default_rng(seed)
    probabilities = random.beta(1, 3, (comments, labels)).astype(np.float32)
    return (random.random(probabilities.shape) < probabilities).astype(np.uint8), probabilities


def f1s(labels: np.ndarray, given: np.ndarray) -> dict[str, float]:
    return {name: f1_score(labels, given, average=name, zero_division=0) for name in ("micro", "macro")}


@pytest.mark.parametrize("seed", range(3))
def test_no_other_common_threshold_has_a_better_micro_f1(seed):
    labels, probabilities = example(seed)
    micro = {t: f1s(labels, probabilities >= t)["micro"] for t in thresholds.GRID}
    assert micro[thresholds.choose(labels, probabilities).common] == pytest.approx(max(micro.values()))


@pytest.mark.parametrize("seed", range(3))
def test_no_other_threshold_of_a_label_has_a_better_sum_of_micro_and_macro_f1(seed, monkeypatch):
    monkeypatch.setattr(thresholds, "BELIEF", 0.0)
    labels, probabilities = example(seed)
    found = thresholds.choose(labels, probabilities)
    best = sum(f1s(labels, probabilities >= np.array(found.per_label)).values())
    assert best >= sum(f1s(labels, probabilities >= found.common).values())
    for label in range(3):
        for threshold in thresholds.GRID:
            changed = np.array(found.per_label)
            changed[label] = threshold
            assert sum(f1s(labels, probabilities >= changed).values()) <= best + 1e-9


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
def test_the_threshold_of_a_label_is_of_equals_the_one_nearest_the_common_one(other, expected, monkeypatch):
    monkeypatch.setattr(thresholds, "BELIEF", 0.0)
    # Five labels for which 0.21 to 0.40 are equally good outweigh the one that differs.
    found = choose(*[column(0.4, 0.2, positives=9)] * 5, other)
    assert (found.common, found.per_label) == (0.31, (0.31, 0.31, 0.31, 0.31, 0.31, expected))


def test_a_lucky_comment_does_not_make_the_threshold_of_a_rare_label(monkeypatch):
    labels, probabilities = example(0, comments=2000)
    # 31 comments may well have the label, and only the likeliest one of them does.
    rare = np.select([np.arange(2000) == 0, np.arange(2000) < 31], [0.9, 0.5], 0.001).astype(np.float32)
    labels = np.column_stack([labels, np.arange(2000) == 0])
    probabilities = np.column_stack([probabilities, rare])
    found = thresholds.choose(labels, probabilities)
    assert found.per_label[3] == found.common < 0.5
    monkeypatch.setattr(thresholds, "BELIEF", 0.0)
    assert thresholds.choose(labels, probabilities).per_label[3] == 0.51


def test_calibrated_probabilities_hold_as_often_as_they_say():
    labels, probabilities = example(1, comments=20_000)
    odds = probabilities / (1 - probabilities)
    sharper = odds**2 / (1 + odds**2)
    found = thresholds.calibrated(labels, sharper)
    np.testing.assert_allclose(found, probabilities, atol=0.02)
    assert np.abs(sharper - probabilities).max() > 0.1
    for value in (0, 1):
        assert np.array_equal(thresholds.calibrated(np.full_like(labels, value), sharper), sharper)


@pytest.mark.parametrize("threshold", ["global", "per_label", 0.4])
def test_cross_fitted_labels_are_given_by_thresholds_from_other_comments(threshold, monkeypatch):
    labels, probabilities = example(2, comments=43)
    seen, choose_before = [], thresholds.choose
    monkeypatch.setattr(thresholds, "choose", lambda *both: seen.append(both) or choose_before(*both))
    at_half, given = thresholds.cross_fitted(labels, probabilities, [0.5, threshold], seed=1)
    assert np.array_equal(at_half, probabilities >= 0.5)
    assert sorted(len(chosen_on) for chosen_on, _ in seen) == [34, 34, 34, 35, 35]
    for chosen_on, others in seen:
        out = ~(probabilities[:, None] == others).all(axis=2).any(axis=1)
        expected = probabilities[out] >= choose_before(chosen_on, others).choose(threshold)
        assert np.array_equal(given[out], expected)


@pytest.mark.parametrize("comments", [0, 1, 2, 4])
def test_a_few_comments_are_enough_to_be_cross_fitted(comments):
    labels, probabilities = example(3, comments=comments)
    (given,) = thresholds.cross_fitted(labels, probabilities, ["per_label"], seed=0)
    assert given.shape == (comments, 3) and given.dtype == bool
