"""The plain forward pass gives what transformers' gives, and needs none of it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emotions import batches, plain_bert, prediction
from emotions.errors import InputError
from emotions.model import EmotionClassifier
from tests.conftest import ROOT, small_comments
from tests.test_model import every_kind_and_pooling, small_model

POSITIONS = "bert.embeddings.position_embeddings.weight"
TEXTS = [text for _, text, _ in small_comments(24)]


@every_kind_and_pooling
def test_a_model_predicts_the_same_whichever_way_its_folder_is_opened(tiny_encoder, tmp_path, kind, pooling):
    model = small_model(tiny_encoder, pooling, kind)
    for name, weight in model.named_parameters():
        weight.data += (1 if name == "head.weight" else 0.1) * torch.randn_like(weight)
    model.save_pretrained(tmp_path / "model")
    opened = prediction.load(tmp_path / "model")
    assert isinstance(opened, plain_bert.PlainBert if kind == "bert" else EmotionClassifier)
    found, expected = (prediction.predict_texts(one, TEXTS) for one in (opened, model))
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    for name in ("label_names", "thresholds", "max_length", "training"):
        assert getattr(opened, name) == getattr(model, name)
    assert batches.fingerprint(opened.backend_tokenizer) == batches.fingerprint(model.backend_tokenizer)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "roberta"},
        {"hidden_act": "relu"},
        {"position_embedding_type": "relative_key"},
        {"is_decoder": True},
    ],
)
def test_other_encoders_are_left_to_transformers(change):
    assert plain_bert.supports({"model_type": "bert"})
    assert not plain_bert.supports({"model_type": "bert", **change})


@pytest.mark.parametrize("pooling", ["mean", "pooler"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda config, weights: config.update(num_hidden_layers=config["num_hidden_layers"] - 1),
        lambda config, weights: weights.pop("bert.encoder.layer.0.output.dense.weight"),
        lambda config, weights: weights.update(
            {POSITIONS: weights[POSITIONS][: len(weights[POSITIONS]) // 2].contiguous()}
        ),
        lambda config, weights: weights.update({"bert.encoder.layer.7.output.dense.bias": torch.zeros(32)}),
    ],
    ids=["a layer fewer", "a weight is missing", "a weight is too small", "a weight too many"],
)
def test_weights_that_do_not_fit_the_configuration_are_told(tiny_encoder, tmp_path, damage, pooling):
    folder = tmp_path / "model"
    small_model(tiny_encoder, pooling).save_pretrained(folder)
    config, weights = json.loads((folder / "config.json").read_text()), load_file(folder / "model.safetensors")
    damage(config, weights)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"is damaged .*: train it again"):
        prediction.load(folder)


def test_an_answer_waits_for_none_of_the_large_imports(tiny_encoder, tmp_path):
    small_model(tiny_encoder).save_pretrained(tmp_path / "model")
    code = """
import sys
sys.argv = ["emotions", "predict", "--model", sys.argv[1], "happy people"]
from emotions.__main__ import main
main()
print([name for name in ("transformers", "sklearn", "pandas", "scipy", "pyarrow", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    answer, imported = done.stdout.splitlines()
    assert answer.endswith("\thappy people") and imported == "[]"
