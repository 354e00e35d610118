"""Second opinions: how likely a label of a comment is in the eyes of somebody who did not see what its raters gave.

An opinion says more than a rater's 0 or 1 does: what else the comment could be taken for, and how sure that is. They
come in a CSV file with a column id, a column for each label, whose values are probabilities (an empty one is 0), and,
if it likes, a column text_digest, by which an opinion on another text with the same id is known (`digest`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from emotions import corpus
from emotions.errors import InputError
from emotions.splitting import same_text

DIGEST = "text_digest"


@dataclass(frozen=True)
class Opinions:
    """values: m opinions on L labels, (m, L) float16 from 0 to 1. rows: which of them each of n comments has, or -1."""

    values: np.ndarray
    rows: np.ndarray

    def at(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the opinions on the k comments at `positions`, (k, L), and whether each has one, (k,) bool.

        Where there is none the values mean nothing.
        """
        rows = self.rows[positions]
        return self.values[rows], rows >= 0

    def only(self, positions: np.ndarray) -> "Opinions":
        """Return the same without the opinions on comments that are not at `positions`."""
        rows = np.full_like(self.rows, -1)
        rows[positions] = self.rows[positions]
        return Opinions(self.values, rows)

    def mean(self, positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the mean of the opinions on comments that count by `weights`, both (k,); 0 where there are none."""
        rows, known = self.rows[positions], self.rows[positions] >= 0
        shares = np.bincount(rows[known], weights[known], minlength=len(self.values))
        return shares @ self.values.astype(float) / (shares.sum() or 1.0)

    @property
    def count(self) -> int:
        """How many of the comments have an opinion."""
        return int((self.rows >= 0).sum())


def read(
    path: str | Path, label_names: Sequence[str], comments: Iterable[tuple[pa.ChunkedArray, pa.ChunkedArray]]
) -> Opinions | None:
    """Return the opinions in a file on n comments. comments: their ids and texts, in pieces.

    None where the file has other labels than the L of `label_names`.

    Raises `InputError` when the file is missing, is no such CSV file, has an id twice, or a value that is no
    probability.
    """
    if not Path(path).exists():
        raise InputError(f"{path} does not exist: name a CSV file of opinions")
    ids, digests, values = [], [], []
    for table in corpus.parse(Path(path), column_names=None, delimiter=","):
        names = [name for name in table.column_names if name not in ("id", DIGEST)]
        if "id" not in table.column_names or len(set(table.column_names)) < len(table.column_names):
            raise InputError(f"{path}: the header should be id and the labels, each once")
        if set(names) != set(label_names):
            return None
        columns = [_probabilities(path, 2 + len(ids), table, name) for name in label_names]
        values.append(np.stack(columns, axis=1))
        ids += table["id"].to_pylist()
        digests += table[DIGEST].to_pylist() if DIGEST in table.column_names else [""] * len(table)
    known = pa.array(ids)
    if len(pc.unique(known)) < len(known):
        twice = pc.value_counts(known).sort(order="descending", by="counts")[0]["values"]
        raise InputError(f"{path}: the id {twice.as_py()!r} comes twice")
    rows = [np.zeros(0, np.int32)]
    for some, texts in comments:
        found = pc.fill_null(pc.index_in(some, known), -1).to_numpy().astype(np.int32)
        for position in np.flatnonzero(found >= 0):
            expected = digests[found[position]]
            if expected and digest(texts[position].as_py()) != expected:
                found[position] = -1
        rows.append(found)
    return Opinions(np.concatenate(values), np.concatenate(rows))


def digest(text: str) -> str:
    """Return the eight hexadecimal digits that a text and others that differ in case and white space have."""
    return same_text(text)[:4].hex()


def _probabilities(path: str | Path, first_row: int, table: pa.Table, name: str) -> np.ndarray:
    """Return a column as float16. first_row: the table's, in the file."""
    column = table[name].to_pandas()
    numbers = pd.to_numeric(column.where(column != "", "0"), errors="coerce")
    wrong = np.flatnonzero(~numbers.between(0, 1))
    if len(wrong):
        raise InputError(
            f"{path}, row {first_row + wrong[0]}: {name} is {column[wrong[0]]!r}, but should be from 0 to 1, or empty"
        )
    return numbers.to_numpy(np.float16)
