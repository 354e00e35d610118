"""Intervals and paired comparisons: agreement with scikit-learn, coverage, repeatability."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from emotions.metrics import bootstrap

EYE = np.eye(2, dtype=np.uint8)[np.arange(50) % 2]


def simulated(n: int, seed: int, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions, (n, count), one in ten of which is wrong."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((n, count)) < 0.3).astype(np.uint8)
    return labels, labels ^ (generator.random((n, count)) < 0.1).astype(np.uint8)


def f1s(labels: np.ndarray, predicted: np.ndarray) -> pd.Series:
    averages = {"f1_micro": "micro", "f1_macro": "macro"}.items()
    return pd.Series({name: f1_score(labels, predicted, average=kind, zero_division=0) for name, kind in averages})


def test_f1_of_resamples_is_that_of_scikit_learn_on_the_drawn_comments(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)
    monkeypatch.setattr(bootstrap, "CELLS", 60)  # several pieces
    labels, predicted = simulated(40, seed=3)
    generator = np.random.default_rng(7)
    draws = [generator.integers(40, size=40) for _ in range(20)]
    low, high = np.percentile([f1s(labels[drawn], predicted[drawn]) for drawn in draws], [2.5, 97.5], axis=0)
    found = bootstrap.intervals(labels, predicted, seed=7)
    assert list(found) == ["f1_micro_low", "f1_micro_high", "f1_macro_low", "f1_macro_high"]
    assert list(found.values()) == pytest.approx([low[0], high[0], low[1], high[1]], abs=1e-5)


@pytest.mark.parametrize(("labels", "predicted", "value"), [(EYE, EYE, 1), (EYE, 1 - EYE, 0), (0 * EYE, 0 * EYE, 0)])
def test_intervals_have_no_width_where_all_is_right_or_wrong_or_empty(labels, predicted, value):
    assert set(bootstrap.intervals(labels, predicted, seed=1).values()) == {value}


def test_about_95_of_100_intervals_contain_the_true_f1(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 400)
    truth, inside = bootstrap.f1(*simulated(400_000, seed=1)), np.zeros(2)
    for seed in range(200):
        found = bootstrap.intervals(*simulated(300, seed=100 + seed), seed=seed)
        low, high = ([found[f"{name}_{end}"] for name in bootstrap.NAMES] for end in ("low", "high"))
        inside += (low <= truth) & (truth <= high)
    assert (inside / 200 > 0.90).all() and (inside / 200 < 0.99).all()


def test_about_5_of_100_comparisons_of_equally_good_models_are_beyond_noise(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 400)
    outside = np.zeros(2)
    for seed in range(200):
        labels, before = simulated(300, seed)
        after = labels ^ (np.random.default_rng(9_000 + seed).random(labels.shape) < 0.1)
        outside += [one.beyond_noise for one in bootstrap.compare(labels, before, after, seed).values()]
    assert (outside / 200 > 0.01).all() and (outside / 200 < 0.10).all()


def test_numbers_depend_on_the_seed_and_not_on_the_size_of_the_pieces(monkeypatch):
    labels, before = simulated(200, seed=5)
    after = simulated(200, seed=6)[1]
    first = bootstrap.intervals(labels, before, seed=1), bootstrap.compare(labels, before, after, seed=1)
    assert first[0] != bootstrap.intervals(labels, before, seed=2)
    monkeypatch.setattr(bootstrap, "CELLS", 1)
    assert first == (bootstrap.intervals(labels, before, seed=1), bootstrap.compare(labels, before, after, seed=1))


def test_the_paired_interval_is_narrower_than_two_intervals_and_finds_smaller_changes():
    labels, before = simulated(400, seed=8)
    after = before.copy()
    after[:20] = labels[:20]  # right where the first was right, and on a few more comments
    alone = [bootstrap.intervals(labels, predicted, seed=1) for predicted in (before, after)]
    for name, difference in bootstrap.compare(labels, before, after, seed=1).items():
        widths = [found[f"{name}_high"] - found[f"{name}_low"] for found in alone]
        assert difference.high - difference.low < 0.5 * np.hypot(*widths)
        assert difference.value == pytest.approx(f1s(labels, after)[name] - f1s(labels, before)[name], abs=1e-5)
        assert difference.beyond_noise
        assert alone[0][f"{name}_high"] > alone[1][f"{name}_low"]
    same = bootstrap.compare(labels, before, before, seed=1)["f1_macro"]
    assert same == bootstrap.Difference(0, 0, 0) and not same.beyond_noise


def test_the_interval_of_a_label_is_that_of_its_f1_alone():
    labels, predicted = simulated(400, seed=3, count=3)
    for column, (low, high) in enumerate(bootstrap.label_intervals(labels, predicted, 1).T):
        alone = bootstrap.intervals(labels[:, [column]], predicted[:, [column]], 1)
        assert [low, high] == [alone["f1_micro_low"], alone["f1_micro_high"]]
