"""The model card: metadata that the hub reads, and the figures of the run."""

import socket

from huggingface_hub import ModelCard

from emotions.data import encoders
from emotions.training import card
from tests.conftest import LABELS, small_params

COUNTS = {"train_comments": 4711, "validation_comments": 815}
VALIDATION = {"validation_loss": 0.11, "validation_f1_micro": 0.6123, "validation_average_precision_macro": 0.4567}


def test_the_card_describes_the_model_and_its_quality(small_classifier):
    text = card.write(small_params(encoder="owner/name"), small_classifier, COUNTS | VALIDATION)
    for expected in (*LABELS, "any of 4 labels", "`data/comments.csv`", "4711 comments", "815 validation", "32 tokens"):
        assert expected in text
    for row in ("| Binary cross-entropy | 0.11 |", "| F1, micro | 0.6123 |", "| Average precision, macro | 0.4567 |"):
        assert row in text
    assert "$" not in text


def test_the_card_of_a_model_without_validation_says_so(small_classifier):
    text = card.write(small_params(), small_classifier, COUNTS | {"validation_comments": 0})
    assert "There was no validation part" in text and "| F1" not in text
    assert ModelCard(text).data.eval_results is None


def test_the_metadata_is_what_the_hub_reads(small_classifier, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    parsed = ModelCard(card.write(small_params(encoder="owner/name"), small_classifier, COUNTS | VALIDATION)).data
    assert (parsed.pipeline_tag, parsed.library_name) == ("text-classification", "transformers")
    assert (parsed.base_model, parsed.license) == ("owner/name", "unknown")
    assert {result.metric_name: result.metric_value for result in parsed.eval_results} == {
        "F1, micro (validation)": 0.6123,
        "Average precision, macro (validation)": 0.4567,
        "Binary cross-entropy (validation)": 0.11,
    }


def test_a_folder_is_no_base_model(small_classifier, tiny_encoder):
    text = card.write(small_params(encoder=str(tiny_encoder)), small_classifier, COUNTS | VALIDATION)
    assert ModelCard(text).data.base_model is None


def test_every_pinned_encoder_has_a_licence():
    assert card.LICENCES.keys() == encoders.REVISIONS.keys()
