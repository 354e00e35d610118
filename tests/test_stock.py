"""The stock form: the same probabilities from transformers' own classes, padded or not, and the way back."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from emotions import model_card, stock
from emotions.model import EmotionClassifier
from emotions.prediction import predict_texts
from tests.test_model import TEXTS, small_model

CASES = [
    (kind, pooling)
    for kind, family in stock.FAMILIES.items()
    for pooling in ("attention", "mean", "cls", *(["pooler"] if family.tanh else []))
]


def random_model(kind: str, pooling: str, size: int = 32, labels: int = 8, pad: int = 1) -> EmotionClassifier:
    """Return a classifier with weights, biases and norms far from how they start, and logits from -10 to 10 or so."""
    torch.manual_seed(0)
    sizes = {"hidden_size": size, "num_hidden_layers": 2, "num_attention_heads": 2, "pad_token_id": pad}
    other = {"embedding_size": 12} if kind == "electra" else {}
    encoder = AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=60, **sizes, **other))
    for weight in encoder.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    model = EmotionClassifier(encoder, tuple(f"label {i}" for i in range(labels)), pooling, 0.1, 32)
    if pooling == "attention":
        torch.nn.init.normal_(model.queries.weight, std=0.5)  # attention that is far from even
        model.groups.copy_(torch.tensor([1, 0, 1, 1, 0, 0, 1, 0])[:labels])
    model.head.weight.data *= 10 if pooling != "pooler" else 30
    model.head.bias.data -= 2
    encoder.config.num_labels = labels
    return model.eval()


def padded_batch(model: EmotionClassifier) -> dict[str, torch.Tensor]:
    """Return 24 comments of 1 to 24 tokens, those after them of the padding token."""
    mask = torch.ones(24, 24, dtype=torch.int64).tril()
    ids = torch.randint(2, 60, (24, 24), generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids.where(mask.bool(), model.encoder.config.pad_token_id), "attention_mask": mask}


def opened(model: EmotionClassifier) -> torch.nn.Module:
    config, weights = stock.to_stock(model.encoder.config, model.state_dict(), model.pooling, model.groups)
    classifier = AutoModelForSequenceClassification.from_config(config).eval()
    assert type(classifier).__name__ == config.architectures[0]
    classifier.load_state_dict(weights)  # strict: none is missing, none is left
    return classifier


@pytest.mark.parametrize(("kind", "pooling"), CASES)
@torch.no_grad()
def test_the_stock_classifier_gives_the_same_probabilities(kind, pooling):
    model = random_model(kind, pooling)
    classifier, inputs = opened(model), padded_batch(model)
    expected = model(**inputs)
    assert expected.std() > 1 and expected.abs().max() > 4
    torch.testing.assert_close(
        classifier(**inputs).logits.sigmoid(), expected.sigmoid(), rtol=0, atol=3e-6, msg="in a padded batch"
    )
    for row in (0, 5, 23):
        alone = {"input_ids": inputs["input_ids"][row : row + 1, : row + 1]}
        torch.testing.assert_close(classifier(**alone).logits[0].sigmoid(), expected[row].sigmoid(), rtol=0, atol=3e-6)


@pytest.mark.parametrize(("kind", "pooling"), CASES)
def test_the_way_back_is_exact(kind, pooling):
    model = random_model(kind, pooling)
    config, weights = stock.to_stock(model.encoder.config, model.state_dict(), pooling, model.groups)
    assert stock.is_stock(config) and not stock.is_stock(model.encoder.config)
    encoder, back = stock.from_stock(config, weights, pooling, model.groups)
    assert encoder.num_hidden_layers == model.encoder.config.num_hidden_layers == 2
    assert back.keys() == model.state_dict().keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in model.state_dict().items())


@torch.no_grad()
def test_half_precision_is_as_good_as_it_was_or_no_number_at_all():
    model = random_model("bert", "mean")
    inputs, classifier = padded_batch(model), opened(model)
    exact = model(**inputs).sigmoid()
    ours = (model.bfloat16()(**inputs).float().sigmoid() - exact).abs().mean()
    assert (classifier.bfloat16()(**inputs).logits.float().sigmoid() - exact).abs().mean() < 2 * ours
    assert opened(random_model("bert", "mean")).half()(**inputs).logits.isnan().all()


def test_what_has_no_stock_form_is_known_beforehand():
    config = random_model("bert", "mean", size=32).encoder.config
    assert stock.has_stock_form(config, "mean", 15) and not stock.has_stock_form(config, "mean", 16)
    assert stock.has_stock_form(config, "attention", 15) and not stock.has_stock_form(config, "attention", 16)
    assert stock.has_stock_form(config, "cls", 16) and not stock.has_stock_form(config, "cls", 17)
    assert stock.has_stock_form(config, "pooler", 40)
    assert not stock.has_stock_form(AutoConfig.for_model("mpnet"), "cls", 2)
    config.is_decoder = True
    assert not stock.has_stock_form(config, "cls", 2)


def test_transformers_alone_opens_the_folder_as_the_card_says(tiny_encoder, tmp_path):
    """In a process that cannot import this repository."""
    model = small_model(tiny_encoder)
    model.save_pretrained(tmp_path / "model")
    texts = [*TEXTS, "happy " * 200]  # longer than the encoder can take
    metrics = {"train_comments": 9, "extra_comments": 0, "second_opinions": 0, "validation_comments": 0}
    card = model_card.write("encoder", "data/comments.csv", "data/replies.csv", "data/opinions.csv", model, metrics)
    code = card.split("```python\n")[1].split("```")[0]
    code += (
        "import json, sys\n"
        "assert 'emotions' not in sys.modules and classify.tokenizer.model_max_length == 32\n"
        f"print(json.dumps([classify({texts!r}), classify({texts!r}, batch_size=4)]))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    for found in json.loads(done.stdout.splitlines()[-1]):
        scores = [{row["label"]: row["score"] for row in rows} for rows in found]
        probabilities = [[row[name] for name in model.label_names] for row in scores]
        np.testing.assert_allclose(probabilities, predict_texts(model, texts), rtol=0, atol=1e-5)
