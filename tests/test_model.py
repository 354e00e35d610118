"""The classifier: pooling, its first predictions, and that it comes back from its folder as it went in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import DistilBertConfig, DistilBertModel, RobertaConfig, RobertaModel

from emotions import batches, encoders
from emotions.errors import InputError
from emotions.model import EmotionClassifier, Thresholds
from emotions.prediction import predict_texts
from tests.conftest import LABELS

TEXTS = ["furious", "happy people on the way to a house", "wow it was there for you all day long"]


def small_model(encoder: Path, pooling: str = "mean") -> EmotionClassifier:
    """Return a classifier with random weights that has all that a trained one has."""
    torch.manual_seed(0)
    model = EmotionClassifier(encoders.load_encoder(encoder), LABELS, pooling, dropout=0.1, max_length=32)
    model.tokenizer = encoders.load_tokenizer(encoder)
    model.thresholds = Thresholds(per_label=(0.45, 0.5, 0.55, 0.4), common=0.48)
    return model.eval()


def inputs_of(model: EmotionClassifier, texts: list[str]) -> dict[str, torch.Tensor]:
    tokens, _ = batches.tokenise(model.tokenizer, texts, model.max_length)
    return batches.collate(tokens, np.arange(len(texts)), model.tokenizer.pad_token_id)


def other_encoder(kind: str, vocabulary: int):
    """Return a tiny random encoder that is no BERT."""
    if kind == "distilbert":
        return DistilBertModel(DistilBertConfig(vocab_size=vocabulary, dim=16, n_layers=1, n_heads=2, hidden_dim=16))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return RobertaModel(RobertaConfig(vocab_size=vocabulary, **sizes, max_position_embeddings=66))


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
@torch.no_grad()
def test_logits_are_the_head_of_the_pooled_states(tiny_encoder, pooling):
    model, encoder = small_model(tiny_encoder, pooling), encoders.load_encoder(tiny_encoder).eval()
    found = model(**inputs_of(model, TEXTS))
    for text, logits in zip(TEXTS, found, strict=True):
        # Alone, a comment has no padding.
        states = encoder(**inputs_of(model, [text])).last_hidden_state[0]
        first = states[0]
        pooled = {
            "mean": sum(states) / len(states),
            "cls": first,
            "pooler": torch.tanh(encoder.pooler.dense.weight @ first + encoder.pooler.dense.bias),
        }[pooling]
        torch.testing.assert_close(logits, model.head.weight @ pooled + model.head.bias)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
@torch.no_grad()
def test_padding_has_no_influence_with_any_kind_of_encoder(tiny_encoder, kind, pooling):
    model = small_model(tiny_encoder, pooling)
    if kind != "bert":
        tokenizer = model.tokenizer
        model = EmotionClassifier(other_encoder(kind, len(tokenizer)), LABELS, pooling, 0.1, 32).eval()
        # RoBERTa counts positions from its own padding token on.
        tokenizer.pad_token_id = model.encoder.config.pad_token_id
        model.tokenizer = tokenizer
    alone = torch.cat([model(**inputs_of(model, [text])) for text in TEXTS])
    assert alone.shape == (3, 4) and len(alone.unique()) == 12
    torch.testing.assert_close(model(**inputs_of(model, TEXTS)), alone)


def test_an_encoder_without_a_pooler_is_refused_for_it():
    with pytest.raises(InputError, match="a distilbert encoder has no pooler; use mean or cls"):
        EmotionClassifier(other_encoder("distilbert", 20), LABELS, "pooler", 0.1, 32)


def test_the_first_predictions_are_the_frequencies(tiny_encoder):
    model = small_model(tiny_encoder)
    frequencies = np.array([0.01, 0.1, 0.25, 0.6])
    model.start_head_at(frequencies)
    np.testing.assert_allclose(predict_texts(model, TEXTS), np.tile(frequencies, (3, 1)), atol=0.02)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [("per_label", [0.45, 0.5, 0.55, 0.4]), ("global", [0.48] * 4), (0.3, [0.3] * 4)],
)
def test_thresholds_are_chosen_by_name_or_number(tiny_encoder, threshold, expected):
    assert small_model(tiny_encoder).thresholds.choose(threshold).tolist() == expected


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_a_model_comes_back_from_its_folder_the_same(tiny_encoder, tmp_path, pooling):
    model = small_model(tiny_encoder, pooling)
    model.save_pretrained(tmp_path / "model")
    loaded = EmotionClassifier.from_pretrained(tmp_path / "model")
    assert np.array_equal(predict_texts(loaded, TEXTS), predict_texts(model, TEXTS))
    for name in ("label_names", "thresholds", "pooling", "max_length", "training"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.dropout.p == model.dropout.p
    assert encoders.fingerprint(loaded.tokenizer) == encoders.fingerprint(model.tokenizer)


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_a_model_with_another_kind_of_encoder_comes_back_the_same(tiny_encoder, tmp_path, kind):
    bert = small_model(tiny_encoder)
    model = EmotionClassifier(other_encoder(kind, len(bert.tokenizer)), LABELS, "mean", 0.1, 32).eval()
    model.tokenizer, model.thresholds = bert.tokenizer, bert.thresholds
    model.save_pretrained(tmp_path / "model")
    loaded = EmotionClassifier.from_pretrained(tmp_path / "model")
    assert np.array_equal(predict_texts(loaded, TEXTS), predict_texts(model, TEXTS))


def test_a_model_folder_has_fp32_safetensors_and_names_its_labels(tiny_encoder, tmp_path):
    small_model(tiny_encoder).to(torch.bfloat16).save_pretrained(tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert not any("pooler" in name for name in weights)
    names = json.loads((tmp_path / "model" / "config.json").read_text())["id2label"]
    assert names == {str(index): name for index, name in enumerate(LABELS)}


def test_a_missing_model_folder_is_told_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match="does not exist: train one with `dvc repro train`"):
        EmotionClassifier.from_pretrained(tmp_path / "model")


@pytest.mark.parametrize(
    "name", ["config.json", "emotions.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
)
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_model_folder_with_a_file_missing_or_cut_short_is_told_in_one_line(tiny_encoder, tmp_path, name, damage):
    small_model(tiny_encoder).save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="model folder .* lacks|damaged|no tokenizer") as error:
        EmotionClassifier.from_pretrained(tmp_path / "model")
    assert "\n" not in str(error.value) and str(tmp_path / "model") in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["anger", "joy"]},
        {"labels": None},
        {"dropout": 2},
        {"pooling": "max"},
        {"threshold_global": "high"},
        {"threshold_per_label": {"anger": 0.5}},
    ],
)
def test_settings_that_do_not_fit_are_told_in_one_line(tiny_encoder, tmp_path, change):
    small_model(tiny_encoder).save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / "emotions.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match="is damaged") as error:
        EmotionClassifier.from_pretrained(tmp_path / "model")
    assert "\n" not in str(error.value)
