"""Merging the judgements of a comment's raters into one row with the labels that enough of them gave."""

from dataclasses import dataclass

import numpy as np

from emotions.errors import InputError
from emotions.judgements import Judgements, number


@dataclass(frozen=True)
class Merged:
    """The comments that are left, and what was left out.

    rows: the index of each comment's first judgement in the `Judgements` that were merged. labels: (n, L) uint8.
    unclear: judgements dropped because their rater could not tell. merged: judgements that went into another of the
    same comment. unlabelled: comments dropped because no label was left to them. The last three and the number of
    rows add up to the number of judgements.
    """

    rows: np.ndarray
    labels: np.ndarray
    unclear: int
    merged: int
    unlabelled: int


def merge(judgements: Judgements, min_votes: int) -> Merged:
    """Give each comment the labels on which at least `min_votes` of its raters agree, in order of first appearance.

    `min_votes` 0 leaves one row for each rater. Data that comes with its own parts is finished already, its labels
    merged by those who released it, and `min_votes` does not touch it.
    """
    clear = ~judgements.unclear
    comments = np.arange(len(clear))
    if min_votes > 0 and judgements.parts is None:
        comments = number(judgements.ids)
    _, first = np.unique(comments, return_index=True)

    needed = 1 if judgements.parts is not None else max(1, min_votes)
    labels = np.empty((len(first), len(judgements.label_names)), np.uint8)
    for label in range(labels.shape[1]):
        given = clear & (judgements.labels[:, label] > 0)
        labels[:, label] = np.bincount(comments[given], minlength=len(first)) >= needed
    kept = np.flatnonzero(labels.any(axis=1))
    judged = len(np.unique(comments[clear]))
    return Merged(
        rows=first[kept],
        labels=labels[kept],
        unclear=len(clear) - int(clear.sum()),
        merged=int(clear.sum()) - judged,
        unlabelled=judged - len(kept),
    )


def check(kept: int, judgements: int, unclear: int, min_votes: int) -> None:
    """Raise `InputError` when no comment is left of so many judgements, so many of them unclear."""
    if not kept:
        raise InputError(
            f"no comment is left of {judgements:,} rows, {unclear:,} of them unclear: "
            f"none has a label with min_votes {min_votes}" + ("; lower it" if min_votes > 1 else "")
        )
