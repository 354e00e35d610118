"""Tokenised comments as flat arrays, and seeded batches of comments of like length."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

# Comments that are tokenised at a time: enough to keep every core busy, few enough to show progress.
CHUNK = 10_000
# Batches whose comments are sorted by length together: more of them pad less, fewer shuffle better.
POOL = 200


@dataclass(frozen=True)
class Tokens:
    """The token ids of n comments, special tokens included, unpadded.

    ids: int32, all comments one after the other. offsets: int64, n + 1 positions: comment i is
    ids[offsets[i]:offsets[i + 1]].
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each comment, (n,) int64."""
        return np.diff(self.offsets)


def tokenise(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> tuple[Tokens, int]:
    """Return the tokens of each text, cut off after `max_length`, and the number of texts that were cut."""
    tokenizer.enable_truncation(max_length)
    tokenizer.no_padding()
    ids: list[np.ndarray] = []
    truncated = 0
    for start in range(0, len(texts), CHUNK):
        encodings = tokenizer.encode_batch_fast(list(texts[start : start + CHUNK]))
        ids += [np.array(encoding.ids, np.int32) for encoding in encodings]
        truncated += sum(bool(encoding.overflowing) for encoding in encodings)
    offsets = np.zeros(len(ids) + 1, np.int64)
    np.cumsum([len(sequence) for sequence in ids], out=offsets[1:])
    return Tokens(np.concatenate(ids) if ids else np.zeros(0, np.int32), offsets), truncated


def fingerprint(tokenizer: Tokenizer) -> str:
    """Return a sha256 over all that decides how a text becomes token ids."""
    state = json.loads(tokenizer.to_str())
    # What the last call asked for, not what the tokenizer is.
    del state["truncation"], state["padding"]
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def shuffled(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return the batches of one epoch: arrays of positions in `lengths`, each position in exactly one of them.

    The order depends on the seed and the epoch alone. Comments are shuffled, sorted by length inside pools of `POOL`
    batches, so that little padding is needed, and the batches are shuffled again.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    pools = (order[start : start + POOL * batch_size] for start in range(0, len(order), POOL * batch_size))
    order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[index] for index in random.permutation(len(batches))]


def of_equal_length(lengths: np.ndarray, tokens: int) -> Iterator[np.ndarray]:
    """Yield batches of positions of equally long comments, for prediction: of `tokens` tokens at most, or one comment.

    They go from the shortest comments to the longest.
    """
    order = np.argsort(lengths, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        size = max(1, tokens // lengths[group[0]]) if len(group) else 1
        for start in range(0, len(group), size):
            yield group[start : start + size]


def collate(
    tokens: Tokens, positions: np.ndarray, pad_id: int, device: torch.device | str = "cpu"
) -> dict[str, torch.Tensor]:
    """Return input_ids and attention_mask, (batch, longest of the batch) int64, padded on the right.

    Where all comments are equally long there is no mask: it would mask nothing, and for BERT and its kin transformers
    waits until a GPU has seen that.
    """
    lengths = tokens.offsets[positions + 1] - tokens.offsets[positions]
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, np.int64)
    ids[mask] = np.concatenate([tokens.ids[tokens.offsets[i] : tokens.offsets[i + 1]] for i in positions])
    inputs = {"input_ids": ids} if mask.all() else {"input_ids": ids, "attention_mask": mask.astype(np.int64)}
    return {name: on_device(array, device) for name, array in inputs.items()}


def on_device(array: np.ndarray, device: torch.device | str) -> torch.Tensor:
    """Return an array as a tensor on the device; on a CPU they may share their memory.

    To pin memory first is slower for a single copy. But only from there a GPU fetches it by itself, when it is done
    with what it was told before, while the CPU goes on
    (https://docs.pytorch.org/tutorials/intermediate/pinmem_nonblock.html).
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))  # others are copied through memory that is not pinned
    return tensor.pin_memory().to(device, non_blocking=True) if torch.device(device).type == "cuda" else tensor
