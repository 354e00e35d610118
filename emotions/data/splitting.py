"""Assigns comments to the training, validation and test parts."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from sklearn.model_selection import train_test_split

from emotions.core.errors import InputError

PARTS = ("train", "validation", "test")


def grouped(
    texts: Iterable[str], labels: np.ndarray, test_size: float, validation_size: float, seed: int
) -> np.ndarray:
    """Split so that equal texts stay in one part and every label reaches every part in proportion.

    Case and white space make no difference between texts.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data, ECML PKDD
    2011), with groups of equal texts in place of single comments.

    Args:
        texts: n texts, iterated once.
        labels: (n, L) of 0 and 1.
        test_size: Share of all comments.
        validation_size: Share of the comments that are not in the test part.
        seed: Of the order of the groups.

    Returns:
        n names out of `PARTS`.
    """
    groups = _number(texts)
    sizes = np.bincount(groups)
    # Comments of each label in each group, in as few bytes as hold the largest group.
    counts = np.empty((len(sizes), labels.shape[1]), np.min_scalar_type(sizes.max()))
    for column in range(labels.shape[1]):
        counts[:, column] = np.bincount(groups[labels[:, column] > 0], minlength=len(sizes))

    validation = (1 - test_size) * validation_size
    fractions = np.array([1 - test_size - validation, validation, test_size])
    remaining = counts.sum(axis=0, dtype=float)
    wanted, wanted_sizes = fractions[:, None] * remaining, fractions * sizes.sum()
    random = np.random.default_rng(seed)
    order = random.permutation(len(sizes))
    part = np.full(len(sizes), -1, np.int8)
    while remaining.any():
        # The rarest label first: later groups can still balance a common one.
        label = np.where(remaining > 0, remaining, np.inf).argmin()
        for group in order[(part[order] < 0) & (counts[order, label] > 0)]:
            # To the part that lacks most of this label; among equals to the one that lacks most comments.
            chosen = max(range(3), key=lambda k: (wanted[k, label], wanted_sizes[k], random.random()))
            part[group] = chosen
            wanted[chosen] -= counts[group]
            wanted_sizes[chosen] -= sizes[group]
            remaining -= counts[group]
    return np.array(PARTS)[part[groups]]


def rows(count: int, test_size: float, validation_size: float, seed: int) -> np.ndarray:
    """Split `count` rows at random with scikit-learn's `train_test_split`; return `count` names out of `PARTS`.

    The rows outside the test part are split again for validation. Rows of one comment can land in different parts.
    """
    parts = np.full(count, "train", dtype="<U10")
    try:
        rest, test = train_test_split(np.arange(count), test_size=test_size, random_state=seed)
        parts[test] = "test"
        if validation_size > 0:
            _, validation = train_test_split(rest, test_size=validation_size, random_state=seed)
            parts[validation] = "validation"
    except ValueError as error:
        raise InputError(f"{count} comments cannot be split: {error}") from None
    return parts


def check(parts: np.ndarray, labels: np.ndarray, label_names: Sequence[str], validation: bool) -> None:
    """Check the parts, n names, of n comments with labels (n, L) of 0 and 1.

    Raises:
        InputError: A part is empty, unless it is validation and `validation` is false; or a label is on no comment for
            training or testing.
    """
    for part in PARTS:
        if not (parts == part).any() and (part != "validation" or validation):
            raise InputError(f"the split leaves no comment for {part}: use more comments, or other sizes")
    for part in ("train", "test"):
        counts = labels[parts == part].sum(axis=0)
        if not counts.all():
            name, total = label_names[counts.argmin()], int(labels[:, counts.argmin()].sum())
            raise InputError(
                f"the split is too small for its labels: {name!r}, on {total} of all comments, is on none for {part}; "
                "use more comments, or a lower min_votes"
            )


def _number(texts: Iterable[str]) -> np.ndarray:
    """Return the number of each text's group of equal texts, (n,), counted from 0 by first appearance."""
    digests = bytearray()  # of 16 bytes, because the texts themselves might not fit in memory
    for text in texts:
        digests += hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=16).digest()
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(digests) // 16, [None, pa.py_buffer(digests)])
    return column.dictionary_encode().indices.to_numpy()
