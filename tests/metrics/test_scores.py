"""The metrics, against values computed by hand."""

import json

import numpy as np
import pytest

from emotions.metrics import scores

LABELS = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], np.uint8)
PROBABILITIES = np.array([[0.9, 0.2], [0.4, 0.8], [0.6, 0.7], [0.1, 0.3]])
# These predict the first label for comments 1, 2 and 3 (2 rightly), the second for 2 and 3 (both rightly).
THRESHOLDS = np.array([0.35, 0.5])


def with_label(labels: list[int], probabilities: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the above with a third label."""
    third = np.array(labels, np.uint8)
    return np.column_stack([LABELS, third]), np.column_stack([PROBABILITIES, probabilities]), np.append(THRESHOLDS, 0.5)


def test_the_metrics_are_those_computed_by_hand_to_five_places():
    metrics = scores.score(LABELS, PROBABILITIES, THRESHOLDS)
    expected = {
        "comments": 4,
        "f1_micro": 0.88889,  # 2 * 4 right / (5 predicted + 4 annotated)
        "f1_macro": 0.9,  # 2 * 2 / (3 + 2), and 1
        "f1_weighted": 0.9,
        "precision_macro": 0.83333,  # 2 / 3, and 1
        "recall_macro": 1.0,
        "hamming_loss": 0.125,  # 1 of 8
        "subset_accuracy": 0.75,
        "average_precision_macro": 0.91667,  # (1 + 2 / 3) / 2, and 1
        "roc_auc_macro": 0.875,  # 3 of 4 pairs in order, and all
        "calibration_error": 0.3,  # no two in one bin: the mean distance from 0 or 1
        "f1_micro_at_half": 0.75,  # 2 * 3 / (4 + 4)
        "f1_macro_at_half": 0.75,  # 2 * 1 / (2 + 2), and 1
    }
    assert json.loads(json.dumps(metrics)) == metrics == expected


def test_a_label_neither_annotated_nor_predicted_lowers_macro_f1_alone():
    metrics = scores.score(*with_label([0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1]))
    assert (metrics["f1_macro"], metrics["f1_micro"], metrics["f1_weighted"]) == (0.6, 0.88889, 0.9)
    assert (metrics["average_precision_macro"], metrics["roc_auc_macro"]) == (0.91667, 0.875)


def test_a_label_on_every_comment_is_left_out_of_roc_auc_alone():
    metrics = scores.score(*with_label([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]))
    assert (metrics["average_precision_macro"], metrics["roc_auc_macro"]) == (0.94444, 0.875)
    assert metrics["f1_weighted"] == 0.45  # half of all labels are the third, which is never predicted


@pytest.mark.parametrize(("value", "precision"), [(0, None), (1, 1.0)])
def test_an_average_over_no_label_is_none(value, precision):
    metrics = scores.score(np.full((4, 2), value, np.uint8), PROBABILITIES, THRESHOLDS)
    assert (metrics["roc_auc_macro"], metrics["average_precision_macro"]) == (None, precision)


@pytest.mark.parametrize(
    ("truth", "probability", "bins", "expected"),
    [
        ([0, 1, 1, 1], [0.1, 0.3, 0.6, 0.9], 2, 0.275),  # (|1 - 0.4| + |2 - 1.5|) / 4
        ([1, 0], [0.9, 1.0], 5, 0.45),  # 1 is in the last bin: |1 - 1.9| / 2
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 15, 0.0),  # right on average, though for no pair
    ],
)
def test_the_calibration_error_is_that_computed_by_hand(truth, probability, bins, expected):
    pairs = np.array(truth).reshape(-1, 2), np.array(probability).reshape(-1, 2)
    assert scores.calibration_error(*pairs, bins) == pytest.approx(expected)


def test_each_interval_follows_its_metric():
    metrics = scores.with_intervals({"f1": 0.5, "loss": 1.0}, {"f1_low": 0.4, "f1_high": 0.6})
    assert list(metrics.items()) == [("f1", 0.5), ("f1_low", 0.4), ("f1_high", 0.6), ("loss", 1.0)]


def test_scores_of_each_label_by_hand():
    table = scores.score_labels(*with_label([0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1]), ("a", "b", "c"))
    assert table.columns.tolist() == ["label", "support", "precision", "recall", "f1", "threshold"]
    assert table.to_numpy().tolist()[::2] == [["a", 2, 0.66667, 1.0, 0.8, 0.35], ["c", 0, 0.0, 0.0, 0.0, 0.5]]
