"""Probabilities of comments, with a trained model or one in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import PreTrainedModel

from emotions.core import progress
from emotions.data.tokens import Tokens
from emotions.model import batches

if TYPE_CHECKING:
    from emotions.model.classifier import Classifier

BATCH_TOKENS = 2048  # enough for fast matrix products, few enough to stay in a CPU's caches


# Not `inference_mode`: weights that a sharded model gathers in it cannot be trained afterwards.
@torch.no_grad()
def predict_logits(model: PreTrainedModel, tokens: Tokens, positions: np.ndarray) -> np.ndarray:
    """Return logits, (m, L) float32, of the comments at `positions`, (m,), computed without padding.

    The model stays in the mode, training or evaluation, that it was in.
    """
    logits = np.empty((len(positions), model.config.num_labels), np.float32)
    was_training = model.training
    model.eval()
    with progress.bar("predicting", len(positions)) as shown:
        for batch in batches.of_equal_length(tokens.lengths[positions], BATCH_TOKENS):
            inputs = batches.collate(tokens, positions[batch], pad_id=0)
            inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
            logits[batch] = model(**inputs).logits.float().cpu().numpy()
            shown.update(len(batch))
    model.train(was_training)
    return logits


def predict_texts(classifier: Classifier, texts: list[str]) -> np.ndarray:
    """Return the probability of each of L labels for each of n texts, (n, L) float32."""
    tokens = classifier.tokenise(texts)
    return probabilities(predict_logits(classifier.model, tokens, np.arange(len(tokens))))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the sigmoid of logits: labels do not exclude each other, so each has a probability of its own."""
    return torch.from_numpy(logits).sigmoid().numpy()
