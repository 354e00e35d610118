"""Label matrices and names as Arrow columns, and back."""

import numpy as np
import pyarrow as pa


def column_of(labels: np.ndarray) -> pa.FixedSizeListArray:
    """Return labels, (n, L) uint8, as a column of n lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(labels.reshape(-1)), labels.shape[1])


def matrix_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of n lists of L numbers as an (n, L) array."""
    lists = column.combine_chunks()
    return lists.flatten().to_numpy().reshape(-1, lists.type.list_size)


def names_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of n strings, few of them different, as a numpy array of strings."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.array(encoded.dictionary.to_pylist(), str)[encoded.indices.to_numpy()]
