"""split.parquet: the part that each comment belongs to, row by row with comments.parquet."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotions import arrow
from emotions.errors import InputError
from emotions.files import replacing


def write(path: str | Path, ids: pa.ChunkedArray, parts: np.ndarray) -> None:
    """Write the parts, n names out of `splitting.PARTS`, of n comments."""
    table = pa.table({"id": ids, "part": pa.array(parts, pa.string())})
    with replacing(path) as partial:
        pq.write_table(table, partial)


def read(path: str | Path, ids: pa.ChunkedArray) -> np.ndarray:
    """Return the parts, n names, of the n comments with these ids.

    Raises `InputError` when the file is missing, damaged, or was made for other comments.
    """
    if not Path(path).exists():
        raise InputError(f"{path} does not exist: run `dvc repro split`")
    try:
        table = pq.read_table(path)
        fits = table["id"].equals(ids)
        parts = arrow.names_of(table["part"])
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}): run `dvc repro split`") from None
    if not fits:
        raise InputError(f"{path} was made for other comments than comments.parquet: run `dvc repro split`")
    return parts
