"""Merging raters: which comments stay, and with which labels."""

import numpy as np
import pytest

from emotions import votes
from emotions.corpus import Judgements
from emotions.errors import InputError

# Judgements of four comments: id, unclear, labels of anger, joy, surprise.
ROWS = [
    ("b", False, (1, 0, 0)),
    ("a", False, (0, 1, 1)),
    ("b", False, (1, 1, 0)),
    ("c", True, (0, 0, 1)),
    ("a", True, (0, 1, 0)),
    ("d", False, (0, 0, 0)),
    ("a", False, (0, 0, 1)),
    ("b", False, (1, 0, 0)),
]


def judgements(rows: list[tuple[str, bool, tuple[int, ...]]], parts: list[str] | None = None) -> Judgements:
    ids, unclear, labels = zip(*rows, strict=True)
    return Judgements(
        list(ids),
        [f"text of {comment}" for comment in ids],
        np.array(unclear),
        np.array(labels, np.uint8),
        ("anger", "joy", "surprise"),
        None if parts is None else np.array(parts),
    )


@pytest.mark.parametrize(
    ("min_votes", "kept"),
    [
        (0, [(0, (1, 0, 0)), (1, (0, 1, 1)), (2, (1, 1, 0)), (6, (0, 0, 1)), (7, (1, 0, 0))]),
        (1, [(0, (1, 1, 0)), (1, (0, 1, 1))]),
        (2, [(0, (1, 0, 0)), (1, (0, 0, 1))]),
        (3, [(0, (1, 0, 0))]),
    ],
)
def test_a_comment_keeps_the_labels_that_enough_clear_raters_gave(min_votes: int, kept: list):
    merged = votes.merge(judgements(ROWS), min_votes)
    assert [(row, tuple(labels)) for row, labels in zip(merged.rows, merged.labels.tolist(), strict=True)] == kept
    assert merged.unclear == 2


@pytest.mark.parametrize(("min_votes", "unlabelled"), [(1, 2), (2, 2), (3, 3)])
def test_comments_without_a_label_left_are_counted(min_votes: int, unlabelled: int):
    assert votes.merge(judgements(ROWS), min_votes).unlabelled == unlabelled


def test_many_raters_of_one_comment_are_counted_right():
    merged = votes.merge(judgements([("a", False, (1, 0, 0))] * 256 + [("a", False, (0, 1, 0))]), min_votes=2)
    assert merged.labels.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("min_votes", [0, 1, 3])
def test_data_with_its_own_parts_is_finished_whatever_min_votes(min_votes: int):
    rows = [("b", False, (1, 0, 1)), ("a", False, (0, 1, 0))]
    merged = votes.merge(judgements(rows, parts=["train", "test"]), min_votes)
    assert merged.rows.tolist() == [0, 1]
    assert merged.labels.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert (merged.unclear, merged.unlabelled) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "min_votes"),
    [(ROWS, 4), ([("a", True, (1, 0, 0))], 1), ([("a", False, (0, 0, 0))], 0)],
    ids=["too many votes asked", "all unclear", "no labels"],
)
def test_no_comment_left_is_an_error_that_names_min_votes(rows: list, min_votes: int):
    with pytest.raises(InputError) as caught:
        votes.merge(judgements(rows), min_votes)
    message = str(caught.value)
    assert "no comment is left" in message and f"min_votes {min_votes}" in message and "\n" not in message
