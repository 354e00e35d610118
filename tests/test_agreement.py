"""Agreement: every pair of raters, each comment counted the same, and the model against each rater."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import f1_score

from emotions import agreement
from emotions.errors import InputError
from emotions.judgements import Judgements
from emotions.predictions_file import Predictions

NAMES = ("anger", "joy", "neutral")


def judgements(*rows: tuple[str, list[int]], unclear: tuple[int, ...] = ()) -> Judgements:
    """Return judgements of (id, labels); `unclear` are the rows whose rater could not tell."""
    ids = [comment for comment, _ in rows]
    labels = np.array([labels for _, labels in rows], np.uint8)
    ids = pa.chunked_array([ids])
    return Judgements(ids, ids, np.isin(np.arange(len(rows)), unclear), labels, NAMES, None)


def random_judgements(raters: int, comments: int = 40) -> Judgements:
    random = np.random.default_rng(raters)
    rows = [(f"c{number}", (random.random(3) < 0.4).astype(int).tolist()) for number in range(comments)] * raters
    rows = [(comment, (np.array(labels) ^ (random.random(3) < 0.2)).tolist()) for comment, labels in rows]
    return judgements(*rows)


@pytest.mark.parametrize("raters", [2, 3, 5])
def test_raters_are_held_against_each_other_as_scikit_learn_would(raters):
    judged = random_judgements(raters)
    by_rater = judged.labels.reshape(raters, -1, 3)
    pairs = list(combinations(range(raters), 2))
    one, other = (np.concatenate([by_rater[pair[side]] for pair in pairs]) for side in (0, 1))
    found = agreement.measure(judged, None)["a rater with another"]
    assert found["comments"] == 40
    assert found["f1_micro"] == pytest.approx(f1_score(one, other, average="micro"), abs=1e-5)
    assert found["f1_macro"] == pytest.approx(f1_score(one, other, average="macro"), abs=1e-5)
    assert found["f1_micro_low"] < found["f1_micro"] < found["f1_micro_high"]


def test_the_model_is_held_against_every_rater_on_the_comments_it_was_tested_on():
    judged = random_judgements(2)
    given = np.random.default_rng(9).integers(2, size=(30, 3)).astype(np.uint8)
    order = [2, 0, 1]
    ids = [f"c{number}" for number in range(20, 40)] + [f"unknown{number}" for number in range(10)]
    names = tuple(NAMES[column] for column in order)
    found = agreement.measure(judged, Predictions(ids, given[:, order], given[:, order], names))
    by_rater = judged.labels.reshape(2, 40, 3)[:, 20:]
    expected = f1_score(np.concatenate(by_rater), np.concatenate([given[:20]] * 2), average="micro")
    assert found["the model with a rater, test comments"]["comments"] == 20
    assert found["the model with a rater, test comments"]["f1_micro"] == pytest.approx(expected, abs=1e-5)
    expected = f1_score(by_rater[0], by_rater[1], average="micro")
    assert found["a rater with another, test comments"]["f1_micro"] == pytest.approx(expected, abs=1e-5)


def test_a_comment_counts_the_same_however_many_raters_it_has():
    agreed = [("a", [1, 0, 0])] * 10
    disputed = [("b", [1, 0, 0]), ("b", [0, 1, 0])]
    hits, marks = agreement.between_raters(agreement.count(judgements(*agreed, *disputed)))
    assert hits.sum(axis=1).tolist() == [1, 0] and marks.sum(axis=1).tolist() == [2, 2]


def test_raters_who_could_not_tell_are_left_out():
    rows = [("a", [1, 0, 0]), ("a", [0, 0, 0]), ("b", [1, 0, 0]), ("b", [1, 0, 0])]
    assert agreement.count(judgements(*rows, unclear=(1,))).ids == ["b"]
    with pytest.raises(InputError, match="no comment has several raters"):
        agreement.count(judgements(*rows, unclear=(1, 2)))


def test_predictions_for_other_labels_are_refused():
    given = np.zeros((1, 2), np.uint8)
    with pytest.raises(InputError, match="other labels"):
        agreement.measure(random_judgements(2), Predictions(["c0"], given, given, ("anger", "joy")))


def test_predictions_of_other_comments_are_left_out():
    given = np.zeros((1, 3), np.uint8)
    assert list(agreement.measure(random_judgements(2), Predictions(["x"], given, given, NAMES))) == [
        "a rater with another"
    ]
