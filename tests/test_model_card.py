"""The model card: metadata that can be read, and the numbers of the run."""

import pytest
import yaml

from emotions import model_card
from tests.conftest import LABELS
from tests.test_model import small_model

COUNTS = {"epochs": 2, "steps": 12, "train_comments": 4711, "validation_comments": 815, "train_loss": 0.1}
VALIDATION = {"validation_loss": 0.11, "validation_f1_micro": 0.6123, "validation_average_precision_macro": 0.4567}


@pytest.fixture
def card(tiny_encoder):
    """Write the card of a small model for some metrics."""
    return lambda metrics: model_card.write("owner/name", "data/comments.csv", small_model(tiny_encoder), metrics)


def test_the_card_says_what_the_model_is_and_how_good(card):
    text = card(COUNTS | VALIDATION)
    assert yaml.safe_load(text.split("---\n")[1])["base_model"] == "owner/name"
    for said in (*LABELS, "any of 4 labels", "`data/comments.csv`", "mean pooling", "4711 training", "815 validation"):
        assert said in text
    assert "32 tokens" in text and "(0.48)" in text and "$" not in text
    for row in ("| loss | 0.11 |", "| f1 micro | 0.6123 |", "| average precision macro | 0.4567 |"):
        assert row in text


def test_the_card_of_a_model_without_validation_says_so(card):
    text = card(COUNTS | {"validation_comments": 0})
    assert "No validation part was kept" in text and "| loss |" not in text
    assert "chosen on 0 validation comments" not in text
