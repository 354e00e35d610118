"""Intervals and paired comparisons: cases by hand, agreement with scikit-learn, coverage, and repeatability."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from emotions import bootstrap
from emotions.scores import DIGITS


def simulated(n: int, seed: int, wrong: float = 0.1, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions, (n, count), of which a part is wrong."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((n, count)) < 0.3).astype(np.uint8)
    return labels, labels ^ (generator.random((n, count)) < wrong).astype(np.uint8)


def test_f1_by_hand_with_a_label_that_never_occurs():
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]])
    given = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    # anger: TP 1, FP 1, FN 1; joy: TP 2; the third counts as 0.
    assert bootstrap.f1(labels, given) == pytest.approx([2 * 3 / (2 * 3 + 2), (0.5 + 1 + 0) / 3])


@pytest.mark.parametrize("n", [1, 7, 300])
def test_the_value_is_that_of_scikit_learn(n):
    labels, given = simulated(n, seed=n)
    expected = [f1_score(labels, given, average=average, zero_division=0) for average in ("micro", "macro")]
    assert bootstrap.f1(labels, given) == pytest.approx(expected)
    change = bootstrap.compare(labels, np.zeros_like(labels), given, seed=0)
    assert [one.value for one in change.values()] == [round(value, DIGITS) for value in expected]


def test_resamples_are_those_of_scikit_learn_on_the_drawn_comments(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)
    monkeypatch.setattr(bootstrap, "CELLS", 60)  # several pieces
    labels, given = simulated(40, seed=3)
    generator, expected = np.random.default_rng(7), []
    for _ in range(20):
        drawn = generator.integers(40, size=40)
        averages = ("micro", "macro")
        expected.append([f1_score(labels[drawn], given[drawn], average=name, zero_division=0) for name in averages])
    low, high = np.percentile(expected, [2.5, 97.5], axis=0)
    found = bootstrap.intervals(labels, given, seed=7)
    assert list(found) == ["f1_micro_low", "f1_micro_high", "f1_macro_low", "f1_macro_high"]
    assert list(found.values()) == pytest.approx([low[0], high[0], low[1], high[1]], abs=1e-5)


@pytest.mark.parametrize(("right", "value"), [(True, 1.0), (False, 0.0)])
def test_where_all_is_right_or_all_is_wrong_there_is_no_width(right, value):
    labels = np.eye(2, dtype=np.uint8)[np.arange(50) % 2]
    given = labels if right else 1 - labels
    assert set(bootstrap.intervals(labels, given, seed=1).values()) == {value}


def test_nothing_there_and_nothing_given_counts_as_0():
    nothing = np.zeros((4, 3), np.uint8)
    assert set(bootstrap.intervals(nothing, nothing, seed=1).values()) == {0.0}


def test_one_comment_in_two_by_hand():
    # Of n comments with one label each, half are right: F1 of a resample is its part of right ones, a binomial / n.
    labels = np.ones((100, 1), np.uint8)
    given = (np.arange(100) % 2)[:, None]
    found = bootstrap.intervals(labels, given, seed=2)
    # F1 is 2p / (p + 1) for a part p; 2.5% and 97.5% of Binomial(100, 1/2) are 40 and 60.
    assert found["f1_micro_low"] == pytest.approx(2 * 0.4 / 1.4, abs=0.015)
    assert found["f1_micro_high"] == pytest.approx(2 * 0.6 / 1.6, abs=0.015)
    assert found["f1_macro_low"] == found["f1_micro_low"]


def test_about_95_of_100_intervals_hold_the_true_f1(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 400)
    truth = bootstrap.f1(*simulated(400_000, seed=1))
    held = np.zeros(2)
    for seed in range(200):
        found = bootstrap.intervals(*simulated(300, seed=100 + seed), seed=seed)
        low, high = ([found[f"{name}_{end}"] for name in bootstrap.NAMES] for end in ("low", "high"))
        held += (low <= truth) & (truth <= high)
    assert (held / 200 > 0.90).all() and (held / 200 < 0.99).all()


def test_about_5_of_100_comparisons_of_equally_good_models_are_outside_the_noise(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 400)
    outside = np.zeros(2)
    for seed in range(200):
        labels, before = simulated(300, seed)
        after = labels ^ (np.random.default_rng(9_000 + seed).random(labels.shape) < 0.1)
        outside += [one.beyond_noise for one in bootstrap.compare(labels, before, after, seed).values()]
    assert (outside / 200 > 0.01).all() and (outside / 200 < 0.10).all()


def test_the_same_seed_gives_the_same_numbers_in_pieces_of_any_size_and_another_seed_others(monkeypatch):
    labels, before = simulated(200, seed=5)
    after = simulated(200, seed=6)[1]
    first = bootstrap.intervals(labels, before, seed=1), bootstrap.compare(labels, before, after, seed=1)
    assert first[0] != bootstrap.intervals(labels, before, seed=2)
    monkeypatch.setattr(bootstrap, "CELLS", 1)
    assert first == (bootstrap.intervals(labels, before, seed=1), bootstrap.compare(labels, before, after, seed=1))


def test_booleans_and_numbers_are_the_same():
    labels, given = simulated(50, seed=5)
    assert bootstrap.intervals(labels, given.astype(bool), 1) == bootstrap.intervals(labels.astype(bool), given, 1)


def test_identical_predictions_differ_by_nothing_and_within_the_noise():
    labels, given = simulated(100, seed=4)
    for difference in bootstrap.compare(labels, given, given.copy(), seed=1).values():
        assert (difference.value, difference.low, difference.high) == (0, 0, 0) and not difference.beyond_noise


def test_the_paired_interval_is_narrower_and_sees_what_two_intervals_do_not():
    labels, before = simulated(400, seed=8)
    after = before.copy()
    after[:20] = labels[:20]  # right where the first was right, and on some comments more
    paired = bootstrap.compare(labels, before, after, seed=1)
    alone = [bootstrap.intervals(labels, given, seed=1) for given in (before, after)]
    for name, difference in paired.items():
        widths = [found[f"{name}_high"] - found[f"{name}_low"] for found in alone]
        assert difference.high - difference.low < 0.5 * np.hypot(*widths)
        assert difference.value > 0 and difference.beyond_noise
        assert alone[0][f"{name}_high"] > alone[1][f"{name}_low"]


def test_the_other_way_round_the_difference_changes_its_sign():
    labels, before = simulated(100, seed=8)
    after = simulated(100, seed=9)[1]
    there, back = (bootstrap.compare(labels, *pair, seed=3) for pair in ((before, after), (after, before)))
    # The middle of the resamples is the same, because the same comments are drawn.
    for name in bootstrap.NAMES:
        assert there[name].value == -back[name].value
        assert (there[name].low, there[name].high) == pytest.approx((-back[name].high, -back[name].low), abs=1e-4)


@pytest.mark.parametrize(
    ("low", "high", "beyond"), [(0.01, 0.02, True), (-0.02, -0.01, True), (-0.01, 0.01, False), (0.0, 0.01, False)]
)
def test_outside_the_noise_is_an_interval_without_0(low, high, beyond):
    assert bootstrap.Difference((low + high) / 2, low, high).beyond_noise is beyond


def test_the_interval_of_a_label_is_that_of_its_f1_alone():
    labels, given = simulated(400, seed=3, count=3)
    low, high = bootstrap.label_intervals(labels, given, 1)
    for column in range(3):
        alone = bootstrap.intervals(labels[:, [column]], given[:, [column]], 1)
        # Of one label, micro-F1 is its F1; other resamples of it, because kinds of comments are numbered otherwise.
        assert low[column] == pytest.approx(alone["f1_micro_low"], abs=0.02)
        assert high[column] == pytest.approx(alone["f1_micro_high"], abs=0.02)


def test_counts_give_the_intervals_of_what_was_counted():
    labels, given = simulated(400, seed=3, count=3)
    found = bootstrap.intervals_of_counts(labels * given, labels + given, 1)
    expected = bootstrap.f1(labels, given)
    assert [found["f1_micro"], found["f1_macro"]] == pytest.approx(expected.tolist(), abs=1e-5)
    plain = bootstrap.intervals(labels, given, 1)
    assert {name: found[name] for name in plain} == pytest.approx(plain, abs=0.02)
