"""The tables behind the figures of the evaluation: against scikit-learn or by hand, and on empty data."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, f1_score

from emotions.metrics import curves

NAMES = tuple("abcdefgh")
RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.beta(1, 3, (300, 8))
LABELS = (RANDOM.random((300, 8)) < PROBABILITIES).astype(np.uint8)


def test_precision_is_that_of_the_highest_threshold_that_reaches_the_recall():
    table = curves.precision_recall(LABELS, PROBABILITIES, NAMES)
    micro = table[table["curve"].str.startswith(curves.MICRO)].set_index("recall")["precision"]
    truth, probability = LABELS.ravel(), PROBABILITIES.ravel()
    for recall in (0.1, 0.5, 0.83, 1.0):
        highest = max(t for t in np.unique(probability) if (truth[probability >= t].sum() / truth.sum()) >= recall)
        assert micro[recall] == pytest.approx(truth[probability >= highest].mean(), abs=1e-5)


def test_the_best_and_worst_labels_have_curves_named_with_their_average_precision():
    precision = average_precision_score(LABELS, PROBABILITIES, average=None)
    order = np.argsort(-precision)
    shown = list(curves.precision_recall(LABELS, PROBABILITIES, NAMES)["curve"].unique())
    assert shown[1:] == [f"{NAMES[label]} ({precision[label]:.2f})" for label in (*order[:3], *order[-3:])]


def test_each_of_a_few_labels_has_one_curve_and_labels_on_no_comment_have_none():
    labels = LABELS[:, :4].copy()
    labels[:, 1] = 0
    shown = curves.precision_recall(labels, PROBABILITIES[:, :4], NAMES[:4])["curve"].unique()
    assert sorted(name.split()[0] for name in shown) == ["a", "all", "c", "d"]
    assert not len(curves.precision_recall(np.zeros_like(labels), PROBABILITIES[:, :4], NAMES[:4]))


def test_calibration_is_scikit_learns_calibration_curve():
    table = curves.calibration(LABELS, PROBABILITIES)
    observed, predicted = calibration_curve(LABELS.ravel(), PROBABILITIES.ravel(), n_bins=10)
    assert table["observed"].tolist() == pytest.approx(observed.tolist(), abs=1e-5)
    assert table["predicted"].tolist() == pytest.approx(predicted.tolist(), abs=1e-5)
    assert table["pairs"].sum() == LABELS.size


def test_f1_by_threshold_is_scikit_learns():
    table = curves.f1_by_threshold(LABELS, PROBABILITIES).set_index("threshold")
    for threshold in (0.01, 0.3, 0.99):
        predicted = np.greater_equal(PROBABILITIES, threshold)
        expected = [f1_score(LABELS, predicted, average=average, zero_division=0) for average in ("micro", "macro")]
        assert table.loc[threshold].tolist() == pytest.approx(expected, abs=1e-5)
    assert not curves.f1_by_threshold(0 * LABELS, 0 * PROBABILITIES)[["f1_micro", "f1_macro"]].any().any()


def test_confusions_are_shares_of_the_comments_that_miss_the_label():
    labels = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]])
    predicted = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1]])
    rows = curves.confusions(labels, predicted, ("a", "b", "c")).to_numpy().tolist()
    # Label a is missed on three comments: one has b and c instead, one has no label, and one has b rightly.
    third = round(1 / 3, 5)
    assert rows == [["a", 3, "b", third], ["a", 3, "c", third], ["a", 3, curves.NO_LABEL, third]]
    assert not len(curves.confusions(labels, labels, ("a", "b", "c")))
    # A missed label has a row even if nothing is predicted instead.
    rows = curves.confusions(np.array([[1, 1]]), np.array([[1, 0]]), ("a", "b")).to_numpy().tolist()
    assert rows == [["b", 1, curves.NO_LABEL, 0.0]]
