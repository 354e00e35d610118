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
    shares = {(row.label, row.other): (row.comments, row.share) for row in counts.of_pairs(LABELS, NAMES).itertuples()}
    assert shares == {
        ("a", "b"): (2, 0.66667), ("a", "c"): (1, 0.33333), ("b", "a"): (2, 1.0), ("b", "c"): (1, 0.5),
        ("c", "a"): (1, 0.5), ("c", "b"): (1, 0.5),
    }  # fmt: skip


def test_labels_that_never_come_together_make_an_empty_table():
    table = counts.of_pairs(np.eye(3, dtype=np.uint8), NAMES)
    assert list(table.columns) == ["label", "other", "comments", "share"] and not len(table)


def test_each_length_that_occurs_is_counted():
    assert counts.of_lengths(np.array([5, 3, 5, 9])).to_numpy().tolist() == [[3, 1], [5, 2], [9, 1]]
