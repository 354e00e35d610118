"""Merging the judgements of a comment's raters into one row with the labels that enough of them gave."""

from dataclasses import dataclass

import numpy as np

from emotions.corpus import Judgements
from emotions.errors import InputError


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

    Raises `InputError` when no comment is left.
    """
    clear = np.flatnonzero(~judgements.unclear)
    comments = np.arange(len(judgements.ids))
    if min_votes > 0 and judgements.parts is None:
        number: dict[str, int] = {}
        comments = np.array([number.setdefault(comment, len(number)) for comment in judgements.ids])

    votes = np.zeros((comments.max() + 1, len(judgements.label_names)), np.uint32)
    np.add.at(votes, comments[clear], judgements.labels[clear])
    needed = 1 if judgements.parts is not None else max(1, min_votes)
    labels = (votes >= needed).astype(np.uint8)
    kept = np.flatnonzero(labels.any(axis=1))
    if not len(kept):
        raise InputError(
            f"no comment is left of {len(judgements.ids):,} rows, {int(judgements.unclear.sum()):,} of them unclear: "
            f"none has a label with min_votes {min_votes}" + ("; lower it" if min_votes > 1 else "")
        )
    _, first = np.unique(comments, return_index=True)
    judged = len(np.unique(comments[clear]))
    return Merged(
        rows=first[kept],
        labels=labels[kept],
        unclear=len(judgements.ids) - len(clear),
        merged=len(clear) - judged,
        unlabelled=judged - len(kept),
    )
