"""Probabilities of comments: in the order given, the same alone as in company."""

import numpy as np
import pytest

from emotions.model import prediction
from tests.conftest import small_comments

TEXTS = [text for _, text, _ in small_comments(16)]


def test_each_text_gets_what_it_gets_alone_in_the_order_given(small_classifier, monkeypatch):
    alone = np.concatenate([prediction.predict_texts(small_classifier, [text]) for text in TEXTS])
    monkeypatch.setattr(prediction, "BATCH_TOKENS", 20)
    np.testing.assert_allclose(prediction.predict_texts(small_classifier, TEXTS), alone, atol=1e-6)
    assert alone.shape == (16, 4) and len(np.unique(alone[:, 0].round(5))) > 12


def test_logits_are_of_the_positions_asked_for(small_classifier):
    tokens, model = small_classifier.tokenise(TEXTS), small_classifier.model
    everything, positions = prediction.predict_logits(model, tokens, np.arange(16)), np.array([12, 3, 3, 15])
    found = prediction.predict_logits(model, tokens, positions)
    np.testing.assert_allclose(found, everything[positions], rtol=0, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model_is_left_and_has_no_influence(small_classifier, training):
    expected = prediction.predict_texts(small_classifier, TEXTS)
    model = small_classifier.model
    model.train(training)
    assert np.array_equal(prediction.predict_texts(small_classifier, TEXTS), expected)
    assert model.training == model.bert.training == training


def test_no_texts_give_no_probabilities(small_classifier):
    assert prediction.predict_texts(small_classifier, []).shape == (0, 4)


def test_a_text_that_is_too_long_counts_up_to_the_models_length(small_classifier):
    # 30 words and two special tokens fill the 32 tokens of the model.
    words = ["house"] * 30
    texts = [" ".join(words), " ".join([*words, *["furious"] * 500]), " ".join(words[1:])]
    full, cut, shorter = prediction.predict_texts(small_classifier, texts)
    np.testing.assert_allclose(cut, full, atol=1e-6)
    assert not np.allclose(shorter, full, atol=1e-6)
