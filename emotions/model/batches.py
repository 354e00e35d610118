"""Batches of comments of like length: seeded for training, unpadded for prediction."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, Dataset

from emotions.data.tokens import Tokens

POOL = 200  # batches whose comments are sorted by length together: more of them pad less, fewer shuffle better
FILLER = -1  # the row that fills up an epoch's last batch; it has no weight in the loss


class LengthGroupedSampler(BatchSampler):
    """Batches of an `epoch`, counted from 1: each training row once, in an order set by seed and epoch alone.

    Rows are shuffled, sorted by length inside pools of `POOL` batches so that little padding is needed, and the batches
    are shuffled again. All batches are full: the last is filled up with `FILLER`, so that processes that share a batch
    get equally many rows.
    """

    drop_last = False

    def __init__(self, lengths: np.ndarray, batch_size: int, accumulation: int, seed: int):
        """Sample rows of these lengths, (n,), and yield each batch in `accumulation` pieces."""
        self.lengths, self.seed, self.epoch = lengths, seed, 1
        self.batch_size = batch_size // accumulation
        self._batch, self._pieces = batch_size, accumulation

    def __len__(self) -> int:
        return -(-len(self.lengths) // self._batch) * self._pieces

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.lengths))
        pool = POOL * self._batch
        pools = (order[start : start + pool] for start in range(0, len(order), pool))
        order = np.concatenate([rows[np.argsort(self.lengths[rows], kind="stable")] for rows in pools])
        missing = -len(order) % self._batch
        batches = np.append(order, np.full(missing, FILLER)).reshape(-1, self._batch)
        for batch in random.permutation(batches):
            yield from batch.reshape(self._pieces, -1).tolist()


class TrainingRows(Dataset):
    """The m comments to train on, which come collated; the DataLoader's `collate_fn` returns them as they are."""

    def __init__(self, tokens: Tokens, labels: np.ndarray, positions: np.ndarray, pad_id: int):
        """Take the m comments at `positions` among n with labels (n, L)."""
        self.tokens, self.labels, self.positions, self.pad_id = tokens, labels, positions, pad_id
        self._shortest = int(tokens.lengths[positions].argmin())

    def __len__(self) -> int:
        return len(self.positions)

    def __getitems__(self, rows: list[int]) -> dict[str, Tensor]:
        """Return input_ids and attention_mask, and row (batch,), weight (batch,) and labels (batch, L)."""
        row = np.array(rows)
        weight = (row != FILLER).astype(np.float32)
        positions = self.positions[np.where(row == FILLER, self._shortest, row)]
        labels = torch.from_numpy(self.labels[positions].astype(np.float32))
        more = {"row": torch.from_numpy(row), "weight": torch.from_numpy(weight), "labels": labels}
        return collate(self.tokens, positions, self.pad_id) | more


def of_equal_length(lengths: np.ndarray, tokens: int) -> Iterator[np.ndarray]:
    """Yield positions in `lengths`, (n,), of equally long comments, `tokens` at most in all or else one comment."""
    order = np.argsort(lengths, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        size = max(1, tokens // lengths[group[0]]) if len(group) else 1
        for start in range(0, len(group), size):
            yield group[start : start + size]


def collate(tokens: Tokens, positions: np.ndarray, pad_id: int) -> dict[str, Tensor]:
    """Return input_ids and attention_mask, (batch, longest of the batch) int64, padded on the right.

    Where all are equally long there is no mask, which would hide nothing, and transformers would wait to find that out.
    """
    lengths = tokens.offsets[positions + 1] - tokens.offsets[positions]
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, np.int64)
    ids[mask] = np.concatenate([tokens.ids[tokens.offsets[i] : tokens.offsets[i + 1]] for i in positions])
    inputs = {"input_ids": torch.from_numpy(ids)}
    return inputs if mask.all() else inputs | {"attention_mask": torch.from_numpy(mask.astype(np.int64))}
