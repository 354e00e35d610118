"""Tokenised comments as flat arrays."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

# Comments tokenised at a time: enough to keep every core busy, few enough for memory.
CHUNK = 10_000


@dataclass(frozen=True)
class Tokens:
    """The token ids of n comments, special tokens included, unpadded.

    Attributes:
        ids: int32, all comments one after the other.
        offsets: int64, (n + 1,): comment i is ids[offsets[i]:offsets[i + 1]].
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
    """Return the tokens of each text, cut off after `max_length` tokens, and the number of texts cut off."""
    tokenizer.enable_truncation(max_length)
    tokenizer.no_padding()
    ids: list[np.ndarray] = []
    truncated = 0
    for start in range(0, len(texts), CHUNK):
        encodings = tokenizer.encode_batch_fast(list(texts[start : start + CHUNK]))
        ids += [np.array(encoding.ids, np.int32) for encoding in encodings]
        truncated += sum(bool(encoding.overflowing) for encoding in encodings)
    offsets = np.cumsum([0, *map(len, ids)], dtype=np.int64)
    return Tokens(np.concatenate(ids) if ids else np.zeros(0, np.int32), offsets), truncated


def fingerprint(tokenizer: Tokenizer) -> str:
    """Return a sha256 over all that decides how a text becomes token ids."""
    state = json.loads(tokenizer.to_str())
    # Settings of the last call, no part of the tokenizer itself.
    del state["truncation"], state["padding"]
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
