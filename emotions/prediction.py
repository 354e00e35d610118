"""Probabilities of comments, with a trained model or one in training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer

from emotions import batches, model_folder, plain_bert
from emotions.batches import Tokens
from emotions.progress import Progress

if TYPE_CHECKING:
    from emotions.model import EmotionClassifier

# Tokens of a batch: enough for fast matrix products, few enough to stay in a CPU's caches.
BATCH_TOKENS = 2048


def load(folder: str | Path) -> plain_bert.PlainBert | EmotionClassifier:
    """Return the model in a folder, ready to predict, on the GPU where there is one.

    Raises `InputError` when the folder is missing, lacks a file, or has one that is cut short.
    """
    saved = model_folder.read(folder)
    if plain_bert.supports(saved.config):
        with model_folder.told_when_damaged(folder):
            tokenizer = Tokenizer.from_file(str(Path(folder, model_folder.TOKENIZER)))
            model = plain_bert.PlainBert(saved, tokenizer).eval()
    else:
        from emotions.model import EmotionClassifier  # takes seconds to import

        model = EmotionClassifier.from_saved(saved, folder)
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


# Not `inference_mode`: weights that a sharded model gathers in it cannot be trained afterwards.
@torch.no_grad()
def predict_logits(
    model: plain_bert.PlainBert | EmotionClassifier, tokens: Tokens, positions: np.ndarray
) -> np.ndarray:
    """Return logits, (len(positions), L) float32, of the comments at `positions`, on the model's device.

    The model is left in the mode, training or evaluation, that it was in.
    """
    device = next(iter(model.state_dict().values())).device
    logits = np.empty((len(positions), len(model.label_names)), np.float32)
    was_training = model.training
    model.eval()
    with Progress("predicting", len(positions)) as progress:
        for batch in batches.of_equal_length(tokens.lengths[positions], BATCH_TOKENS):
            # Equally long comments have no padding, and need no mask.
            inputs = batches.collate(tokens, positions[batch], pad_id=0, device=device)
            logits[batch] = model(**inputs).float().cpu().numpy()
            progress.add(len(batch))
    model.train(was_training)
    return logits


def predict_texts(model: plain_bert.PlainBert | EmotionClassifier, texts: list[str]) -> np.ndarray:
    """Return the probability of each label for each text, (n, L) float32."""
    tokens, _ = batches.tokenise(model.backend_tokenizer, texts, model.max_length)
    return probabilities(predict_logits(model, tokens, np.arange(len(tokens))))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the sigmoid of logits: labels do not exclude each other, so each has a probability of its own."""
    return torch.from_numpy(logits).sigmoid().numpy()
