"""The classifier: pooling, its first predictions, and that it comes back from its folder as it went in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel

from emotions import batches, encoders
from emotions.errors import InputError
from emotions.model import NAME_WEIGHT, NAMING, EmotionClassifier
from emotions.prediction import load, predict_texts
from emotions.thresholds import Thresholds
from tests.conftest import LABELS

TEXTS = ["furious", "happy people on the way to a house", "wow it was there for you all day long"]
KINDS = {
    "bert": ("attention", "mean", "cls", "pooler"),
    "roberta": ("attention", "mean", "cls", "pooler"),
    "distilbert": ("attention", "mean", "cls"),
    "mpnet": ("attention", "mean", "cls", "pooler"),  # has no stock form
}
every_kind_and_pooling = pytest.mark.parametrize(
    ("kind", "pooling"), [(kind, pooling) for kind, poolings in KINDS.items() for pooling in poolings]
)

# For training and export; and for prediction.
every_opening = pytest.mark.parametrize("open_folder", [EmotionClassifier.from_pretrained, load])


def small_model(folder: Path, pooling: str = "mean", kind: str = "bert") -> EmotionClassifier:
    """Return a classifier that has all that a trained one has; of a kind other than BERT it takes the tokenizer."""
    torch.manual_seed(0)
    encoder, tokenizer = encoders.load_encoder(folder), encoders.load_tokenizer(folder)
    if kind != "bert":
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "pad_token_id": 0}
        encoder = AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes))
    model = EmotionClassifier(encoder, LABELS, pooling, dropout=0.1, max_length=32)
    model.tokenizer = tokenizer
    if pooling == "attention":
        torch.nn.init.normal_(model.queries.weight)
    model.thresholds = Thresholds(per_label=(0.45, 0.5, 0.55, 0.4), common=0.48)
    return model.eval()


def inputs_of(model: EmotionClassifier, texts: list[str]) -> dict[str, torch.Tensor]:
    tokens, _ = batches.tokenise(model.backend_tokenizer, texts, model.max_length)
    return batches.collate(tokens, np.arange(len(texts)), model.tokenizer.pad_token_id)


@every_kind_and_pooling
@torch.no_grad()
def test_logits_are_the_head_of_the_pooled_states_of_the_comment_without_padding(tiny_encoder, kind, pooling):
    model = small_model(tiny_encoder, pooling, kind)
    found = model(**inputs_of(model, TEXTS))
    for text, logits in zip(TEXTS, found, strict=True):
        # Alone, a comment has no padding.
        states = model.encoder(**inputs_of(model, [text])).last_hidden_state[0]
        pooled = states[0]
        if pooling == "mean":
            pooled = sum(states) / len(states)
        if pooling == "attention":
            weights = (states @ model.queries.weight.T).softmax(dim=0)
            averages = [sum(weights[:, query, None] * states) for query in model.groups]
            expected = torch.stack([row @ average for row, average in zip(model.head.weight, averages, strict=True)])
            torch.testing.assert_close(logits, expected + model.head.bias)
            assert (weights.std(dim=0) > 0.01).all()
            continue
        if pooling == "pooler":
            pooled = torch.tanh(model.encoder.pooler.dense.weight @ states[0] + model.encoder.pooler.dense.bias)
        torch.testing.assert_close(logits, model.head.weight @ pooled + model.head.bias)


@pytest.mark.parametrize("pooling", KINDS["bert"])
@torch.no_grad()
def test_the_opinion_head_starts_as_the_head_and_speaks_in_training_alone(tiny_encoder, pooling):
    model = small_model(tiny_encoder, pooling)
    model.dropout.p = 0.0
    model.head.bias.copy_(torch.tensor([0.5, -1.0, 0.0, 2.0]))
    inputs = inputs_of(model, TEXTS)
    logits = model(**inputs)
    model.add_opinion_head(np.array([0.5, 0.5, 0.5, 0.9]))
    assert torch.equal(model(**inputs), logits)
    model.train()
    both = model(**inputs)
    assert both.shape == (3, 8) and torch.allclose(both[:, :4], logits, atol=1e-6)
    bias = torch.tensor([0.0, 0.0, 0.0, 9.0]).clamp(1).log()
    assert torch.allclose(both[:, 4:], logits - model.head.bias + bias, atol=1e-5)


def test_an_encoder_without_a_pooler_is_refused_for_it(tiny_encoder):
    with pytest.raises(InputError, match="a distilbert encoder has no pooler; use mean or cls"):
        small_model(tiny_encoder, "pooler", "distilbert")


def test_the_head_starts_at_the_frequencies(tiny_encoder):
    model = small_model(tiny_encoder)
    frequencies = np.array([0.0, 0.1, 0.6, 1.0])
    model.start_head(frequencies)
    torch.nn.init.zeros_(model.head.weight)
    np.testing.assert_allclose(predict_texts(model, TEXTS), np.tile(frequencies, (3, 1)), rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("training", [True, False])
def test_a_comment_that_is_a_labels_name_is_first_taken_for_that_label(tiny_encoder, training):
    model = small_model(tiny_encoder).train(training)
    model.start_head(np.full(4, 0.2))
    assert model.training is training
    torch.testing.assert_close(model.head.weight.norm(dim=1), torch.full((4,), NAME_WEIGHT))
    sentences = [form.format(name) for name in LABELS for form in NAMING]
    likeliest = predict_texts(model, sentences).reshape(4, len(NAMING), 4).mean(axis=1).argmax(axis=1)
    assert likeliest.tolist() == [0, 1, 2, 3]


def test_the_configuration_tells_neither_a_path_nor_a_version(tiny_encoder, tmp_path):
    small_model(tiny_encoder).save_pretrained(tmp_path / "model")
    content = (tmp_path / "model" / "config.json").read_text()
    assert str(tiny_encoder.parent) not in content and "version" not in content and "name_or_path" not in content


@every_kind_and_pooling
def test_a_model_comes_back_from_its_folder_the_same(tiny_encoder, tmp_path, kind, pooling):
    model = small_model(tiny_encoder, pooling, kind)
    model.save_pretrained(tmp_path / "model")
    loaded = EmotionClassifier.from_pretrained(tmp_path / "model")
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    # Where a matrix lies in memory can decide the last digit of a product.
    np.testing.assert_allclose(predict_texts(loaded, TEXTS), predict_texts(model, TEXTS), rtol=1e-6)
    for name in ("label_names", "thresholds", "pooling", "max_length", "training"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.dropout.p == model.dropout.p
    assert batches.fingerprint(loaded.backend_tokenizer) == batches.fingerprint(model.backend_tokenizer)


@every_kind_and_pooling
def test_the_folder_claims_a_stock_classifier_where_it_is_one(tiny_encoder, tmp_path, kind, pooling):
    small_model(tiny_encoder, pooling, kind).save_pretrained(tmp_path / "model")
    (claimed,) = json.loads((tmp_path / "model" / "config.json").read_text())["architectures"]
    assert claimed.endswith("Model" if kind == "mpnet" else "ForSequenceClassification")


@every_opening
def test_a_missing_model_folder_is_told_with_what_to_do(tmp_path, open_folder):
    with pytest.raises(InputError, match="does not exist: train one with `dvc repro train`"):
        open_folder(tmp_path / "model")


@pytest.mark.parametrize(
    "name", ["config.json", "emotions.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
)
@pytest.mark.parametrize("damage", ["missing", "cut short"])
@every_opening
def test_a_model_folder_with_a_file_missing_or_cut_short_is_told_in_one_line(
    tiny_encoder, tmp_path, name, damage, open_folder
):
    small_model(tiny_encoder).save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut short":
        path.write_bytes(content[: len(content) // 2])
    if name == "tokenizer_config.json" and damage == "cut short" and open_folder is load:
        return  # nothing of it is needed to predict
    with pytest.raises(InputError, match=str(tmp_path / "model")) as error:
        open_folder(tmp_path / "model")
    assert "\n" not in str(error.value)
