"""Merging raters: which comments stay, and with which labels."""

import numpy as np
import pyarrow as pa
import pytest

from emotions import votes
from emotions.errors import InputError
from emotions.judgements import Judgements

# Judgements of four comments: id, unclear, labels of anger, joy, fear.
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


def judgements(rows: list, parts: list[str] | None = None) -> Judgements:
    ids, unclear, labels = zip(*rows, strict=True)
    parts = None if parts is None else np.array(parts)
    names = ("anger", "joy", "fear")
    ids = pa.chunked_array([ids])
    return Judgements(ids, ids, np.array(unclear), np.array(labels, np.uint8), names, parts)


@pytest.mark.parametrize(
    ("min_votes", "kept", "joined", "unlabelled"),
    [
        (0, {0: (1, 0, 0), 1: (0, 1, 1), 2: (1, 1, 0), 6: (0, 0, 1), 7: (1, 0, 0)}, 0, 1),
        (1, {0: (1, 1, 0), 1: (0, 1, 1)}, 3, 1),
        (2, {0: (1, 0, 0), 1: (0, 0, 1)}, 3, 1),
        (3, {0: (1, 0, 0)}, 3, 2),
    ],
)
def test_a_comment_keeps_the_labels_that_enough_clear_raters_gave(min_votes, kept, joined, unlabelled):
    merged = votes.merge(judgements(ROWS), min_votes)
    assert merged.rows.tolist() == list(kept)
    assert [tuple(labels) for labels in merged.labels.tolist()] == list(kept.values())
    assert (merged.unclear, merged.merged, merged.unlabelled) == (2, joined, unlabelled)
    assert merged.unclear + merged.merged + merged.unlabelled + len(merged.rows) == len(ROWS)


def test_hundreds_of_raters_of_one_comment_are_counted_right():
    merged = votes.merge(judgements([("a", False, (1, 0, 0))] * 257 + [("a", False, (0, 1, 0))]), min_votes=2)
    assert merged.labels.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("min_votes", [0, 1, 3])
def test_data_with_its_own_parts_is_finished_whatever_min_votes(min_votes: int):
    rows = [("b", False, (1, 0, 1)), ("a", False, (0, 1, 0))]
    merged = votes.merge(judgements(rows, parts=["train", "test"]), min_votes)
    assert merged.rows.tolist() == [0, 1] and merged.labels.tolist() == [[1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(("rows", "min_votes"), [(ROWS, 4), (ROWS[3:5], 1), (ROWS[5:6], 0)])
def test_no_comment_left_is_an_error_that_names_min_votes(rows: list, min_votes: int):
    merged = votes.merge(judgements(rows), min_votes)
    with pytest.raises(
        InputError,
        match=rf"^no comment is left of {len(rows)} rows, {merged.unclear} of them unclear: "
        rf"none has a label with min_votes {min_votes}(; lower it)?$",
    ):
        votes.check(len(merged.rows), len(rows), merged.unclear, min_votes)
