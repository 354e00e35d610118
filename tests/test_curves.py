"""The tables behind evaluate's figures: against scikit-learn or by hand, and on data that leaves nothing to draw."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, f1_score

from emotions import curves

NAMES = tuple("abcdefgh")
RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.beta(1, 3, (300, 8))
LABELS = (RANDOM.random((300, 8)) < PROBABILITIES).astype(np.uint8)


def test_precision_is_the_best_threshold_that_reaches_a_recall():
    table = curves.precision_recall(LABELS, PROBABILITIES, NAMES)
    micro = table[table["curve"].str.startswith(curves.MICRO)].set_index("recall")["precision"]
    truth, probability = LABELS.ravel(), PROBABILITIES.ravel()
    for recall in (0.1, 0.5, 0.83, 1.0):
        highest = max(t for t in np.unique(probability) if (truth[probability >= t].sum() / truth.sum()) >= recall)
        assert micro[recall] == pytest.approx(truth[probability >= highest].mean(), abs=1e-5)


def test_the_best_and_the_worst_labels_are_shown_with_their_average_precision():
    precision = {
        name: average_precision_score(LABELS[:, column], PROBABILITIES[:, column]) for column, name in enumerate(NAMES)
    }
    order = sorted(NAMES, key=precision.get, reverse=True)
    shown = list(curves.precision_recall(LABELS, PROBABILITIES, NAMES)["curve"].unique())
    assert shown[1:] == [f"{name} ({precision[name]:.2f})" for name in order[:3] + order[-3:]]


def test_few_labels_are_shown_once_each_and_those_on_no_comment_not_at_all():
    labels = LABELS[:, :4].copy()
    labels[:, 1] = 0
    shown = curves.precision_recall(labels, PROBABILITIES[:, :4], NAMES[:4])["curve"].unique()
    assert sorted(name.split()[0] for name in shown) == ["a", "all", "c", "d"]
    assert not len(curves.precision_recall(np.zeros_like(labels), PROBABILITIES[:, :4], NAMES[:4]))


def test_reliability_is_scikit_learns_calibration_curve():
    table = curves.reliability(LABELS, PROBABILITIES)
    observed, predicted = calibration_curve(LABELS.ravel(), PROBABILITIES.ravel(), n_bins=10)
    assert table["observed"].tolist() == pytest.approx(observed.tolist(), abs=1e-5)
    assert table["predicted"].tolist() == pytest.approx(predicted.tolist(), abs=1e-5)
    assert table["pairs"].sum() == LABELS.size


def test_f1_by_threshold_is_scikit_learns():
    table = curves.f1_by_threshold(LABELS, PROBABILITIES).set_index("threshold")
    for threshold in (0.01, 0.3, 0.99):
        given = np.greater_equal(PROBABILITIES, threshold)
        for average in ("micro", "macro"):
            expected = f1_score(LABELS, given, average=average, zero_division=0)
            assert table.loc[threshold, f"f1_{average}"] == pytest.approx(expected, abs=1e-5)


def test_f1_of_nothing_is_0():
    assert (
        not curves.f1_by_threshold(np.zeros((3, 2), np.uint8), np.zeros((3, 2)))[["f1_micro", "f1_macro"]].any().any()
    )


def test_confusions_are_counted_on_the_comments_that_miss_the_label():
    labels = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]])
    given = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1]])
    rows = curves.confusions(labels, given, ("a", "b", "c")).to_numpy().tolist()
    # Of the three that miss a: one got b and c, one got nothing, and one got b, which it has.
    third = round(1 / 3, 5)
    assert rows == [["a", 3, "b", third], ["a", 3, "c", third], ["a", 3, "nothing", third]]
    assert not len(curves.confusions(labels, labels, ("a", "b", "c")))


def test_a_label_that_is_missed_where_another_is_right_is_told_with_nothing_instead():
    labels, given = np.array([[1, 1]]), np.array([[1, 0]])
    assert curves.confusions(labels, given, ("a", "b")).to_numpy().tolist() == [["b", 1, "nothing", 0.0]]
