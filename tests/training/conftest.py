"""A function that trains a small classifier, for the tests of the loop."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from accelerate.state import AcceleratorState

from emotions.core import determinism
from emotions.model import classifier
from emotions.model.classifier import Classifier
from emotions.training import loop
from emotions.training.accelerator import start
from emotions.training.checkpoints import Run
from tests.conftest import LABELS, small_comments, small_params

COMMENTS = small_comments(48)
TARGETS = np.array([[label in names for label in LABELS] for _, _, names in COMMENTS]).astype(np.uint8)
TRAIN, VALIDATION, NONE = np.arange(40), np.arange(40, 48), np.arange(0)


@pytest.fixture
def train(tiny_encoder: Path, no_traces: None) -> Callable[..., tuple[Classifier, Run]]:
    """A function that trains a new classifier on `COMMENTS`, with changed parameters, model or accelerator."""

    def run(train=TRAIN, validation=VALIDATION, prepare=lambda model: 0, adapt=lambda accelerator: 0, **changes):
        params = small_params(**{"seed": 1, "warmup": 0.2, "freeze_embeddings": False, **changes})
        AcceleratorState._reset_state(True)
        accelerator = start(params)
        adapt(accelerator)
        determinism.set_up(params.seed, threads=0)
        made = classifier.create(tiny_encoder, LABELS, params.max_length, params.dropout)
        classifier.start_head(made, TARGETS[train].mean(axis=0))
        prepare(made.model)
        examples = loop.Examples(made.tokenise([text for _, text, _ in COMMENTS]), TARGETS, train, validation)
        return made, loop.train(accelerator, made, examples, params)

    return run
