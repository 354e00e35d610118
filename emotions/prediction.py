"""Probabilities of tokenised comments."""

import numpy as np
import torch

from emotions import batches
from emotions.batches import Tokens
from emotions.model import EmotionClassifier
from emotions.progress import Progress

BATCH_SIZE = 64


@torch.inference_mode()
def predict_logits(model: EmotionClassifier, tokens: Tokens, positions: np.ndarray) -> np.ndarray:
    """Return logits, (len(positions), L) float32, of the comments at `positions`, on the model's device.

    The model is left in the mode, training or evaluation, that it was in.
    """
    device = model.head.weight.device
    logits = np.empty((len(positions), len(model.label_names)), np.float32)
    was_training = model.training
    model.eval()
    with Progress("predicting", len(positions)) as progress:
        for batch in batches.by_length(tokens.lengths[positions], BATCH_SIZE):
            inputs = batches.collate(tokens, positions[batch], model.tokenizer.pad_token_id)
            logits[batch] = model(**{name: tensor.to(device) for name, tensor in inputs.items()}).float().cpu().numpy()
            progress.add(len(batch))
    model.train(was_training)
    return logits


def predict_texts(model: EmotionClassifier, texts: list[str]) -> np.ndarray:
    """Return the probability of each label for each text, (n, L) float32."""
    tokens, _ = batches.tokenise(model.tokenizer, texts, model.max_length)
    return probabilities(predict_logits(model, tokens, np.arange(len(tokens))))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the sigmoid of logits: labels do not exclude each other, so each has a probability of its own."""
    return torch.from_numpy(logits).sigmoid().numpy()
