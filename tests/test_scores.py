"""The metrics, against values worked out by hand."""

import json

import numpy as np
import pytest

from emotions import scores

LABELS = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], np.uint8)
PROBABILITIES = np.array([[0.9, 0.2], [0.4, 0.8], [0.6, 0.7], [0.1, 0.3]])
# With these the first label is given to comments 1, 2 and 3 (2 rightly), the second to 2 and 3 (both rightly).
THRESHOLDS = np.array([0.35, 0.5])


def with_label(labels: list[int], probabilities: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the above with a third label."""
    third = np.array(labels, np.uint8)
    return np.column_stack([LABELS, third]), np.column_stack([PROBABILITIES, probabilities]), np.append(THRESHOLDS, 0.5)


def test_the_metrics_are_those_worked_out_by_hand_in_five_digits():
    metrics = scores.score(LABELS, PROBABILITIES, THRESHOLDS)
    expected = {
        "comments": 4,
        "f1_micro": 0.88889,  # 2 * 4 right / (5 given + 4 there)
        "f1_macro": 0.9,  # 2 * 2 / (3 + 2), and 1
        "f1_weighted": 0.9,
        "precision_macro": 0.83333,  # 2 / 3, and 1
        "recall_macro": 1.0,
        "hamming_loss": 0.125,  # 1 of 8
        "subset_accuracy": 0.75,
        "average_precision_macro": 0.91667,  # (1 + 2 / 3) / 2, and 1
        "roc_auc_macro": 0.875,  # 3 of 4 pairs in order, and all
        "calibration_error": 0.3,  # no two of one range: the mean distance from 0 or 1
        "f1_micro_at_half": 0.75,  # 2 * 3 / (4 + 4)
        "f1_macro_at_half": 0.75,  # 2 * 1 / (2 + 2), and 1
    }
    assert json.loads(json.dumps(metrics)) == metrics == expected


def test_a_label_that_is_neither_there_nor_given_counts_nothing_in_macro_averages_of_f1_alone():
    metrics = scores.score(*with_label([0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1]))
    assert (metrics["f1_macro"], metrics["f1_micro"], metrics["f1_weighted"]) == (0.6, 0.88889, 0.9)
    assert (metrics["average_precision_macro"], metrics["roc_auc_macro"]) == (0.91667, 0.875)


def test_a_label_on_every_comment_is_left_out_of_the_area_under_the_curve_alone():
    metrics = scores.score(*with_label([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]))
    assert (metrics["average_precision_macro"], metrics["roc_auc_macro"]) == (0.94444, 0.875)
    assert metrics["f1_weighted"] == 0.45  # half of all labels are the third, which is never given


@pytest.mark.parametrize(("value", "precision"), [(0, None), (1, 1.0)])
def test_what_is_defined_for_no_label_is_none(value, precision):
    metrics = scores.score(np.full((4, 2), value, np.uint8), PROBABILITIES, THRESHOLDS)
    assert (metrics["roc_auc_macro"], metrics["average_precision_macro"]) == (None, precision)


@pytest.mark.parametrize(
    ("truth", "belief", "bins", "expected"),
    [
        ([0, 1, 1, 1], [0.1, 0.3, 0.6, 0.9], 2, 0.275),  # (|1 - 0.4| + |2 - 1.5|) / 4
        ([1, 0], [0.9, 1.0], 5, 0.45),  # 1 is in the last range: |1 - 1.9| / 2
        ([0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0], 15, 0.0),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 15, 0.0),  # right on the whole, though never for one
        ([1, 1], [0.0, 0.0], 15, 1.0),
    ],
)
def test_the_calibration_error_is_that_worked_out_by_hand(truth, belief, bins, expected):
    labels, probabilities = np.array(truth).reshape(-1, 2), np.array(belief).reshape(-1, 2)
    assert scores.calibration_error(labels, probabilities, bins) == pytest.approx(expected)
