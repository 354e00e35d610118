"""Second opinions: how likely a label of a comment is in the eyes of somebody who did not see what its raters gave.

A CSV file with a column id and one for each label, whose values are probabilities; an empty one is 0. An opinion says
more than a rater's 0 or 1 does: what else the comment could be taken for, and how sure that is.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from emotions.errors import InputError


def read(path: str | Path, label_names: Sequence[str]) -> pd.DataFrame:
    """Return the opinions in a file: ids as its index, a float16 column for each of `label_names`, in their order.

    Where the file has other labels than these, no opinion comes back.

    Raises `InputError` when the file is missing, is no such CSV file, has an id twice, or a value that is no
    probability.
    """
    if not Path(path).exists():
        raise InputError(f"{path} does not exist: name a file of opinions, or set opinion_weight to 0")
    try:
        table = pd.read_csv(path, index_col="id", dtype=str, keep_default_na=False)
    except ValueError as error:  # no column id; no CSV; no UTF-8
        raise InputError(f"{path} should be a CSV file with the columns id and labels: {str(error)[:100]}") from None
    if set(table.columns) != set(label_names):
        print(f"{path} has other labels than the data, and nothing is learned from it")
        return pd.DataFrame(columns=list(label_names), index=table.index[:0], dtype=np.float16)
    if table.index.has_duplicates:
        raise InputError(f"{path}: the id {table.index[table.index.duplicated()][0]!r} comes twice")
    opinions = table[list(label_names)].replace("", "0").apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere(~((opinions >= 0) & (opinions <= 1)).to_numpy())
    if len(wrong):
        row, name = wrong[0][0], label_names[wrong[0][1]]
        raise InputError(
            f"{path}, id {table.index[row]!r}: {name} is {table[name].iloc[row]!r}, but should be from 0 to 1"
        )
    return opinions.astype(np.float16)


def of(opinions: pd.DataFrame, ids: pa.ChunkedArray, positions: np.ndarray) -> np.ndarray | None:
    """Return the opinions on n comments, (n, L) float16, nan where there is none; None where there is none at all.

    ids: of the comments, n strings. positions: of those to learn from; opinions on others, which are for validation or
    testing, are left out.
    """
    rows = np.full(len(ids), -1)
    rows[positions] = pc.fill_null(pc.index_in(ids.take(positions), pa.array(opinions.index, pa.string())), -1)
    if (rows < 0).all():
        return None
    none = np.full((1, opinions.shape[1]), np.nan, np.float16)
    return np.concatenate([opinions.to_numpy(), none])[rows]
