"""Putting judgements together, and finding those that should not both be there."""

import numpy as np
import pyarrow as pa
import pytest

from emotions.judgements import Clash, Judgements, find_clash, join, number


def judgements(rows: str, finished: bool = False) -> Judgements:
    """Return judgements of words like a:x, an id and a text."""
    ids, texts = zip(*(word.split(":") for word in rows.split()), strict=True)
    parts = np.full(len(ids), "train") if finished else None
    labels = np.eye(len(ids), 2, dtype=np.uint8)
    return Judgements(
        pa.chunked_array([ids]), pa.chunked_array([texts]), np.zeros(len(ids), bool), labels, ("joy", "fear"), parts
    )


def test_comments_are_numbered_by_first_appearance():
    assert number(pa.chunked_array([["b", "a"], ["b"], [], ["c", "a"]], pa.string())).tolist() == [0, 1, 0, 2, 1]


def test_pieces_are_joined_in_their_order():
    joined = join([judgements("a:x b:y", finished=True), judgements("c:z", finished=True)])
    assert (joined.ids.to_pylist(), joined.texts.to_pylist()) == (["a", "b", "c"], ["x", "y", "z"])
    assert joined.labels.tolist() == [[1, 0], [0, 1], [1, 0]] and joined.parts.tolist() == ["train"] * 3


@pytest.mark.parametrize(
    ("rows", "finished", "clash"),
    [
        ("a:x b:x a:x", False, None),
        ("a:x b:x c:y", True, None),
        ("a:x b:y b:y a:z b:x", False, Clash(False, 3, "a", "x", "z")),
        ("a:x b:y a:x b:y", True, Clash(True, 2, "a", "x", "x")),
        ("a:x b:y a:x b:z", True, Clash(False, 3, "b", "y", "z")),
    ],
)
def test_the_least_clash_is_found(rows: str, finished: bool, clash: Clash | None):
    assert find_clash(judgements(rows, finished)) == clash
