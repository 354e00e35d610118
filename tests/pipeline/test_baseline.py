"""The baseline: what it learns and counts, and data without anything to learn."""

import warnings

import numpy as np
import pytest

from emotions.core.errors import InputError
from stages import baseline
from tests.conftest import LABELS, small_comments


def fit(texts, labels):
    return baseline.fit(texts, np.array(labels, np.uint8))


def test_it_learns_which_words_go_with_which_label_and_the_same_every_time():
    comments = small_comments(200)
    texts = [text for _, text, _ in comments]
    labels = [[label in names for label in LABELS] for _, _, names in comments]
    first, again = (fit(texts[:150], labels[:150]).predict_proba(texts[150:]) for _ in range(2))
    assert first.shape == (50, 4) and (first == again).all()
    assert ((first >= 0.5) == np.array(labels[150:])).mean() > 0.95


def test_pairs_of_words_count():
    texts, labels = ["not good", "good not"] * 4, [[1, 0], [0, 1]] * 4
    first, second = fit(texts, labels).predict_proba(["not good"])[0]
    assert first > 0.55 > 0.45 > second


@pytest.mark.parametrize("mark", ["!", "😂", "don't", "a"])
def test_marks_emoji_and_short_words_count(mark):
    texts, labels = [f"well {mark}", "well"] * 4, [[1, 0], [0, 1]] * 4
    assert fit(texts, labels).predict_proba([f"well {mark}"])[0][0] > 0.6


def test_a_label_on_no_text_or_on_all_is_predicted_for_none_or_all_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probabilities = fit(["yes", "no", "yes", "no"], [[0, 1, 1], [0, 1, 0]] * 2).predict_proba(["yes", "maybe"])
    assert probabilities[:, :2].tolist() == [[0, 1], [0, 1]]


def test_texts_without_a_common_word_are_refused_with_the_remedy():
    with pytest.raises(InputError, match="words that occur in 2 of the 2 training comments: use more data"):
        fit(["good", "bad"], [[1, 0], [0, 1]])
