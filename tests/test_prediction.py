"""Probabilities of comments: in the order given, the same alone as in company."""

import numpy as np
import pytest

from emotions import batches, prediction
from tests.conftest import small_comments
from tests.test_model import small_model

TEXTS = [text for _, text, _ in small_comments(16)]


@pytest.fixture
def model(tiny_encoder):
    return small_model(tiny_encoder)


def test_each_text_gets_what_it_gets_alone_in_the_order_given(model, monkeypatch):
    alone = np.concatenate([prediction.predict_texts(model, [text]) for text in TEXTS])
    monkeypatch.setattr(prediction, "BATCH_TOKENS", 20)
    np.testing.assert_allclose(prediction.predict_texts(model, TEXTS), alone, atol=1e-6)
    assert alone.shape == (16, 4) and len(np.unique(alone[:, 0].round(5))) > 12


def test_logits_are_of_the_positions_asked_for(model):
    tokens, _ = batches.tokenise(model.backend_tokenizer, TEXTS, model.max_length)
    everything, positions = prediction.predict_logits(model, tokens, np.arange(16)), np.array([12, 3, 3, 15])
    found = prediction.predict_logits(model, tokens, positions)
    np.testing.assert_allclose(found, everything[positions], rtol=0, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model_is_left_and_has_no_influence(model, training):
    expected = prediction.predict_texts(model, TEXTS)
    model.train(training)
    assert np.array_equal(prediction.predict_texts(model, TEXTS), expected)
    assert model.training == model.encoder.training == training


def test_no_texts_give_no_probabilities(model):
    assert prediction.predict_texts(model, []).shape == (0, 4)


def test_a_text_that_is_too_long_counts_up_to_the_models_length(model):
    # 30 words and two special tokens fill the 32 tokens of the model.
    words = ["house"] * 30
    texts = [" ".join(words), " ".join([*words, *["furious"] * 500]), " ".join(words[1:])]
    full, cut, shorter = prediction.predict_texts(model, texts)
    np.testing.assert_allclose(cut, full, atol=1e-6)
    assert not np.allclose(shorter, full, atol=1e-6)
