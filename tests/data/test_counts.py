"""Counts of labels, pairs and lengths, worked out by hand."""

import numpy as np

from emotions.data import counts

NAMES = ("a", "b", "c")
LABELS = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]], np.uint8)


def test_labels_are_counted_in_each_part():
    table = counts.of_labels(LABELS, np.array(["train", "test", "train", "test"]), NAMES)
    assert table.to_numpy().tolist() == [["a", 2, 0, 1], ["b", 2, 0, 0], ["c", 1, 0, 1]]
    assert list(table.columns) == ["label", "train", "validation", "test"]


def test_a_pairs_share_is_of_the_comments_with_the_first():
    table = counts.of_pairs(LABELS[:, [0, 2]], ("a", "c"))
    assert table.to_dict("list") == {
        "label": ["a", "c"], "other": ["c", "a"], "comments": [1, 1], "share": [0.33333, 0.5]
    }  # fmt: skip
    assert list(counts.of_pairs(np.eye(3, dtype=np.uint8), NAMES)) == list(table)


def test_each_length_that_occurs_is_counted():
    assert counts.of_lengths(np.array([5, 3, 5, 9])).to_numpy().tolist() == [[3, 1], [5, 2], [9, 1]]
