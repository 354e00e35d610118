"""The model card: metadata that the hub reads, and the figures of the run."""

import pytest
from huggingface_hub import ModelCard

from emotions.data import encoders
from emotions.training import card
from tests.conftest import LABELS, small_params

METRICS = {"train_comments": 4711, "validation_comments": 815, "validation_loss": 0.11, "validation_f1_micro": 0.6123}


def test_the_card_describes_the_model_and_its_quality(small_classifier):
    text = card.write(small_params(encoder="owner/name"), small_classifier, METRICS)
    for expected in (*LABELS, "any of 4 labels", "`data/comments.csv`", "4711 comments", "815 validation", "32 tokens"):
        assert expected in text
    assert "| loss | 0.11 |" in text and "| f1 micro | 0.6123 |" in text and "$" not in text


@pytest.mark.parametrize(
    ("encoder", "base", "licence"), [("owner/name", "owner/name", "unknown"), (None, None, "unknown")]
)
def test_the_metadata_is_what_the_hub_reads(small_classifier, tiny_encoder, encoder, base, licence):
    text = card.write(small_params(encoder=encoder or str(tiny_encoder)), small_classifier, METRICS)
    parsed = ModelCard(text).data
    assert (parsed.pipeline_tag, parsed.library_name) == ("text-classification", "transformers")
    assert (parsed.base_model, parsed.license) == (base, licence)


def test_every_pinned_encoder_has_a_licence():
    assert card.LICENCES.keys() == encoders.REVISIONS.keys()
