"""The model card: metadata that can be read, and the numbers of the run."""

import socket

import pytest
import yaml
from huggingface_hub import ModelCard

from emotions import encoders, model_card
from tests.conftest import LABELS
from tests.test_model import small_model

COUNTS = {"epochs": 2, "steps": 12, "train_comments": 4711, "validation_comments": 815, "train_loss": 0.1}
COUNTS |= {"extra_comments": 0, "second_opinions": 0}
VALIDATION = {"validation_loss": 0.11, "validation_f1_micro": 0.6123, "validation_average_precision_macro": 0.4567}


@pytest.fixture
def card(tiny_encoder):
    """Write the card of a small model for some metrics."""
    model = small_model(tiny_encoder)
    return lambda metrics: model_card.write(
        "owner/name", "data/comments.csv", "data/extra.csv", "data/opinions.csv", model, metrics
    )


def test_the_card_says_what_the_model_is_and_how_good(card):
    text = card(COUNTS | VALIDATION)
    assert yaml.safe_load(text.split("---\n")[1])["base_model"] == "owner/name"
    for said in (*LABELS, "any of 4 labels", "`data/comments.csv`", "mean pooling", "4711 training", "815 validation"):
        assert said in text
    assert "32 tokens" in text and "(0.48)" in text and "$" not in text
    for row in ("| loss | 0.11 |", "| f1 micro | 0.6123 |", "| average precision macro | 0.4567 |"):
        assert row in text


def test_the_card_names_the_extra_data(card):
    assert "extra.csv" not in card(COUNTS)
    text = card(COUNTS | {"extra_comments": 123})
    assert "of `data/comments.csv` and 123 comments of `data/extra.csv`, cut" in text
    assert "`data/comments.csv` are under the MIT license. Whether `data/extra.csv` sets terms" in text


def test_the_card_says_of_synthetic_comments_that_they_are(tiny_encoder):
    counts = COUNTS | {"extra_comments": 123}
    model = small_model(tiny_encoder)
    text = model_card.write("owner/name", "data/mine.csv", "data/replies.csv", "opinions.csv", model, counts)
    assert "and 123 synthetic comments of `data/replies.csv`, cut" in text
    text = model_card.write("owner/name", "data/mine.csv", "data/goemotions", "opinions.csv", model, counts)
    assert "CC BY 4.0" in text and ModelCard(text).data.datasets == [model_card.GOEMOTIONS]


def test_the_card_names_the_second_opinions_and_whose_the_repositorys_own_are(card, tiny_encoder):
    assert "opinions" not in card(COUNTS)
    counts = COUNTS | {"second_opinions": 4000}
    assert "learned second opinions of a language model on 4000 of these comments (`data/opinions.csv`). The" in card(
        counts
    )
    assert "The opinions of `data/opinions.csv` are under the MIT license." in card(counts)
    text = model_card.write("a", "data/mine.csv", "data/more.csv", "mine/views.csv", small_model(tiny_encoder), counts)
    assert "learned second opinions on 4000 of these comments (`mine/views.csv`). The" in text
    assert "Whether `mine/views.csv` sets terms of its own" in text


def test_the_card_of_a_model_without_validation_says_so(card):
    text = card(COUNTS | {"validation_comments": 0})
    assert "No validation part was kept" in text and "| loss |" not in text
    assert "chosen on 0 validation comments" not in text


def test_the_metadata_is_what_the_hub_reads(card, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    parsed = ModelCard(card(COUNTS | VALIDATION)).data
    assert (parsed.pipeline_tag, parsed.library_name, parsed.base_model) == (
        "text-classification",
        "transformers",
        "owner/name",
    )
    assert (parsed.language, parsed.license, parsed.datasets) == ("en", "unknown", None)
    results = {result.metric_name: result for result in parsed.eval_results}
    assert {name: result.metric_value for name, result in results.items()} == {
        "F1, micro (validation)": 0.6123,
        "average precision, macro (validation)": 0.4567,
        "binary cross-entropy (validation)": 0.11,
    }
    for result in results.values():
        assert (result.dataset_name, result.dataset_split) == ("comments.csv", "validation")
    assert ModelCard(card(COUNTS | {"validation_comments": 0})).data.eval_results is None


def test_every_pinned_encoder_has_a_license():
    assert model_card.LICENSES.keys() == encoders.REVISIONS.keys()


@pytest.mark.parametrize("data", ["data/comments.csv", "data/goemotions-devcut", "data/mine.csv"])
def test_license_data_and_language_are_told_as_far_as_they_are_known(tiny_encoder, data):
    model = small_model(tiny_encoder)
    text = model_card.write("FacebookAI/roberta-base", data, "extra", "opinions.csv", model, COUNTS | VALIDATION)
    parsed, terms = ModelCard(text).data, text.split("## License")[1]
    assert parsed.license == "mit" and "keep its license, mit." in terms
    goemotions = data == "data/goemotions-devcut"
    assert parsed.datasets == (["google-research-datasets/go_emotions"] if goemotions else None)
    assert ("CC BY 4.0" in terms) is goemotions
    assert parsed.language == (None if data == "data/mine.csv" else "en")


def test_a_folder_is_no_base_model(tiny_encoder):
    model = small_model(tiny_encoder)
    text = model_card.write(str(tiny_encoder), "data/comments.csv", "extra", "opinions.csv", model, COUNTS | VALIDATION)
    assert ModelCard(text).data.base_model is None and "not known here" in text


def test_a_model_that_is_not_stock_says_how_else_to_use_it(tiny_encoder):
    model = small_model(tiny_encoder, "cls", "mpnet")
    text = model_card.write("owner/name", "data/comments.csv", "extra", "opinions.csv", model, COUNTS | VALIDATION)
    assert ModelCard(text).data.library_name is None
    assert "from transformers import" not in text and "python -m emotions export" in text
