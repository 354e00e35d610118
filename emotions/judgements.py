"""One table of judgements: who gave which labels to which comment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Judgements:
    """n judgements as they stand in the files, in their order.

    ids, texts: n strings each. unclear: n booleans, the rater could not tell. labels: (n, L) uint8, 0 or 1.
    parts: n names out of train, validation and test, or None where the data has no parts of its own; data with parts
    is finished, one judgement a comment, otherwise there is one judgement for each rater of a comment.
    """

    ids: pa.ChunkedArray
    texts: pa.ChunkedArray
    unclear: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    parts: np.ndarray | None


@dataclass(frozen=True, order=True)
class Clash:
    """Two judgements that should not both be there; the least of several is the one to tell.

    twice: False where one id comes with two texts, True where finished data holds an id twice. row: of the later
    judgement. id: theirs. first, other: their texts.
    """

    twice: bool
    row: int
    id: str
    first: str
    other: str


def join(pieces: Sequence[Judgements]) -> Judgements:
    """Put pieces of one data set together."""
    return Judgements(
        pa.chunked_array([chunk for piece in pieces for chunk in piece.ids.chunks], pa.string()),
        pa.chunked_array([chunk for piece in pieces for chunk in piece.texts.chunks], pa.string()),
        np.concatenate([piece.unclear for piece in pieces]),
        np.concatenate([piece.labels for piece in pieces]),
        pieces[0].label_names,
        None if pieces[0].parts is None else np.concatenate([piece.parts for piece in pieces]),
    )


def number(ids: pa.ChunkedArray) -> np.ndarray:
    """Return for each of n ids the number of its comment, (n,), counted from 0 by first appearance."""
    return ids.combine_chunks().dictionary_encode().indices.to_numpy()


def find_clash(judgements: Judgements) -> Clash | None:
    """Return the least clash, its row an index of the judgements, or None."""
    comments = number(judgements.ids)
    rows = np.arange(len(comments))
    _, first = np.unique(comments, return_index=True)
    first = first[comments]
    again = rows[first != rows]
    differs = pc.not_equal(judgements.texts.take(again), judgements.texts.take(first[again])).to_numpy()
    if differs.any():
        row = int(again[differs][0])
    elif judgements.parts is not None and len(again):
        row = int(again[0])
    else:
        return None
    one, other = judgements.texts[first[row]].as_py(), judgements.texts[row].as_py()
    return Clash(not differs.any(), row, judgements.ids[row].as_py(), one, other)
