"""The classifier: stock classes with a head that starts well, and a folder that transformers alone can open."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from emotions.core.errors import InputError
from emotions.data import encoders
from emotions.data.tokens import fingerprint
from emotions.model import classifier
from emotions.model.classifier import Classifier
from emotions.model.prediction import predict_texts
from tests.conftest import LABELS

TEXTS = ["happy happy day", "the house was sudden and all the people smiling", "rage"]
KINDS = ["bert", "roberta", "distilbert", "electra", "mpnet", "deberta-v2", "modernbert"]
FREQUENCIES = np.array([0.01, 0.1, 0.6, 0.9])


def small(kind: str, tiny_encoder, folder, dropout: float = 0.1) -> Classifier:
    """Return an untrained classifier on a random encoder of this kind."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "pad_token_id": 0}
    config = AutoConfig.for_model(
        kind, vocab_size=200, **({"dim": 32, "n_layers": 2, "n_heads": 2} if kind == "distilbert" else sizes)
    )
    AutoModel.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(folder)
    return classifier.create(folder, LABELS, max_length=32, dropout=dropout)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_encoder_becomes_its_stock_classifier_with_a_head_that_starts_at_the_frequencies(
    kind, tiny_encoder, tmp_path
):
    made = small(kind, tiny_encoder, tmp_path / "encoder")
    assert type(made.model).__name__.endswith("ForSequenceClassification")
    assert made.label_names == LABELS and made.model.dtype == torch.float32
    classifier.start_head(made, FREQUENCIES)
    predicted = predict_texts(made, TEXTS)
    # Weights of length 1 move logits by a little around the log-odds.
    assert (np.diff(predicted.mean(axis=0)) > 0).all() and predicted[:, 0].max() < 0.2 < 0.5 < predicted[:, 3].min()


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_before_the_head_and_nowhere_else(kind, tiny_encoder, tmp_path):
    made = small(kind, tiny_encoder, tmp_path / "encoder", dropout=0.25)
    inside, outside = set(), set()
    for name, module in made.model.named_modules():
        if "Dropout" in type(module).__name__:
            probability = getattr(module, "p", getattr(module, "drop_prob", None))
            (inside if name.startswith(made.model.base_model_prefix + ".") else outside).add(probability)
    assert inside <= {0.0} and outside == {0.25}


@pytest.mark.parametrize("kind", ["bert", "roberta", "mpnet"])
@torch.no_grad()
def test_a_tanh_head_starts_as_a_linear_layer_on_the_first_token(kind, tiny_encoder, tmp_path):
    made = small(kind, tiny_encoder, tmp_path / "encoder")
    classifier.start_head(made, FREQUENCIES)
    ids = torch.tensor([[2, 9, 11, 3]])
    first = made.model.base_model(ids).last_hidden_state[:, 0]
    head = made.model.classifier if kind == "bert" else made.model.classifier.out_proj
    torch.testing.assert_close(made.model(ids).logits, head(torch.tanh(first)))


@torch.no_grad()
def test_a_comment_that_is_a_labels_name_is_first_taken_for_that_label(small_classifier):
    classifier.start_head(small_classifier, np.full(4, 0.2))
    weights = small_classifier.model.classifier.weight
    torch.testing.assert_close(weights.norm(dim=1), torch.ones(4))
    sentences = [form.format(name) for name in LABELS for form in classifier.NAMING]
    likeliest = predict_texts(small_classifier, sentences).reshape(4, len(classifier.NAMING), 4).mean(axis=1)
    assert likeliest.argmax(axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["bert", "distilbert", "mpnet"])
def test_a_classifier_comes_back_from_its_folder_the_same(kind, tiny_encoder, small_classifier, tmp_path):
    made = small(kind, tiny_encoder, tmp_path / "encoder")
    made.thresholds = small_classifier.thresholds
    made.save(tmp_path / "model")
    loaded = Classifier.load(tmp_path / "model")
    for name, tensor in made.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name].cpu(), tensor), name
    np.testing.assert_allclose(predict_texts(loaded, TEXTS), predict_texts(made, TEXTS), rtol=1e-5)
    assert (loaded.label_names, loaded.thresholds) == (made.label_names, made.thresholds)
    assert loaded.tokenizer.model_max_length == 32 and not loaded.model.training
    assert fingerprint(loaded.tokenizer.backend_tokenizer) == fingerprint(made.tokenizer.backend_tokenizer)


def test_the_configuration_names_neither_a_path_nor_a_version(small_classifier, tiny_encoder, tmp_path):
    small_classifier.save(tmp_path / "model")
    content = (tmp_path / "model" / "config.json").read_text()
    assert str(tiny_encoder.parent) not in content and "version" not in content
    assert json.loads(content)["problem_type"] == "multi_label_classification"


def test_a_pipeline_of_transformers_alone_gives_the_same_scores_in_batches_and_in_half_precision(
    small_classifier, tmp_path
):
    """In a process that cannot import this repository."""
    small_classifier.save(tmp_path / "model")
    texts = [*TEXTS, "happy " * 200]  # longer than the encoder can take
    code = (
        "import json, sys, torch\nfrom transformers import pipeline\n"
        "found = {}\n"
        "for dtype in ('float32', 'float16'):\n"
        "    classify = pipeline('text-classification', model='model', top_k=None, truncation=True,\n"
        "                        dtype=getattr(torch, dtype))\n"
        f"    found[dtype] = [classify({texts!r}), classify({texts!r}, batch_size=4)]\n"
        "assert 'emotions' not in sys.modules\nprint(json.dumps(found))\n"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=clean, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    for dtype, runs in json.loads(done.stdout.splitlines()[-1]).items():
        for run in runs:
            scores = [{row["label"]: row["score"] for row in rows} for rows in run]
            found = [[row[name] for name in LABELS] for row in scores]
            tolerance = 1e-5 if dtype == "float32" else 5e-3
            np.testing.assert_allclose(found, predict_texts(small_classifier, texts), rtol=0, atol=tolerance)


def test_a_missing_model_folder_is_reported_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match="does not exist: train one with `dvc repro train`"):
        Classifier.load(tmp_path / "model")


@pytest.mark.parametrize("name", ["config.json", "thresholds.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_model_folder_with_a_file_missing_or_cut_short_is_refused_in_one_line(
    small_classifier, tmp_path, name, damage
):
    small_classifier.save(tmp_path / "model")
    path = tmp_path / "model" / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut short":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=str(tmp_path / "model")) as error:
        Classifier.load(tmp_path / "model")
    assert "\n" not in str(error.value)


def test_weights_of_another_model_are_refused(small_classifier, tmp_path):
    small_classifier.save(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config["num_hidden_layers"] = 3
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"damaged .*weights missing"):
        Classifier.load(tmp_path / "model")


def test_a_trained_classifier_is_not_taken_for_an_encoder(small_classifier, tmp_path):
    small_classifier.save(tmp_path / "model")
    with pytest.raises(InputError, match="is a trained classifier: name the encoder that it was made from"):
        classifier.create(encoders.locate(str(tmp_path / "model"), "pinned"), LABELS, 32, 0.1)


@pytest.mark.parametrize(
    "content", [None, "{}", '{"model_type": "no such"}', '{"model_type": "bert', '{"model_type": "bert"}']
)
def test_an_encoder_with_a_damaged_configuration_or_lost_weights_is_refused_in_one_line(
    tiny_encoder, tmp_path, content
):
    for file in tiny_encoder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if content:
        (tmp_path / "config.json").write_text(content)
    else:
        (tmp_path / "model.safetensors").write_text("cut")
    with pytest.raises(InputError, match=str(tmp_path)) as error:
        classifier.create(tmp_path, LABELS, 32, 0.1)
    assert "\n" not in str(error.value)
