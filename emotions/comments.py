"""comments.parquet: the comments that the pipeline works on, labelled and tokenised once."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotions import arrow
from emotions.batches import Tokens
from emotions.errors import InputError
from emotions.files import replacing

# What can be read of the file, and the column that it stands in.
COLUMNS = {"ids": "id", "texts": "text", "labels": "labels", "tokens": "input_ids", "parts": "part"}
# Comments that `stream` reads at a time.
PIECE = 1 << 16


@dataclass(frozen=True)
class Comments:
    """n comments with L labels, or what was asked for of them: the rest is None.

    ids, texts: n strings each; an id comes back where raters were not merged. labels: (n, L) uint8, 0 or 1.
    tokens: of the n texts. parts: n names out of train, validation and test, or None where the data has no parts of
    its own. tokenizer: the fingerprint of the tokenizer that made the tokens, see `batches.fingerprint`.
    """

    label_names: tuple[str, ...]
    tokenizer: str
    ids: pa.ChunkedArray | None = None
    texts: pa.ChunkedArray | None = None
    labels: np.ndarray | None = None
    tokens: Tokens | None = None
    parts: np.ndarray | None = None


@contextmanager
def writing(
    path: str | Path, label_names: Sequence[str], tokenizer: str
) -> Iterator[Callable[[pa.ChunkedArray, pa.ChunkedArray, np.ndarray, Tokens, np.ndarray | None], None]]:
    """Yield a function that adds comments to a new comments.parquet: ids, texts, labels, tokens and parts of them.

    The file holds id, text, labels, input_ids, part; label names and tokenizer in its metadata. It appears when the
    block ends without an error.
    """
    schema = pa.schema(
        {
            "id": pa.string(),
            "text": pa.string(),
            "labels": pa.list_(pa.uint8(), len(label_names)),
            "input_ids": pa.large_list(pa.int32()),
            "part": pa.string(),
        },
        {"label_names": json.dumps(label_names), "tokenizer": tokenizer},
    )
    with replacing(path) as partial, pq.ParquetWriter(partial, schema) as writer:

        def add(ids, texts, labels, tokens, parts):
            input_ids = pa.LargeListArray.from_arrays(pa.array(tokens.offsets), pa.array(tokens.ids))
            names = pa.nulls(len(ids), pa.string()) if parts is None else pa.array(parts, pa.string())
            columns = [ids, texts, arrow.column_of(labels), input_ids, names]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))

        yield add


def read(path: str | Path, wanted: Sequence[str] = tuple(COLUMNS)) -> Comments:
    """Read the fields `wanted`, names out of `COLUMNS`, of all comments.

    Raises `InputError` when the file is missing or damaged.
    """
    with _told_when_damaged(path):
        return _comments(pq.read_table(path, columns=[COLUMNS[name] for name in wanted]), wanted)


def stream(path: str | Path, wanted: Sequence[str]) -> Iterator[Comments]:
    """Yield the same as `read`, at most `PIECE` comments at a time."""
    with _told_when_damaged(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(PIECE, columns=[COLUMNS[name] for name in wanted]):
            yield _comments(pa.Table.from_batches([batch]), wanted)


def read_tokens(path: str | Path, more: Tokens | None = None) -> Tokens:
    """Return the tokens of all comments, their ids mapped into memory from a file without a name beside `path`.

    more: tokens of other comments, to follow them. What is not in use takes no memory, and the file goes when the
    tokens do. Every process that calls this makes one. Raises what `read` raises.
    """
    _check_exists(path)
    lengths = [np.zeros(0, np.int64)]
    with tempfile.TemporaryFile(dir=Path(path).parent) as file:
        for piece in stream(path, ["tokens"]):
            piece.tokens.ids.tofile(file)
            lengths.append(piece.tokens.lengths)
        if more:
            more.ids.tofile(file)
            lengths.append(more.lengths)
        file.flush()
        ids = np.memmap(file, np.int32, mode="r") if file.tell() else np.zeros(0, np.int32)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    return Tokens(ids, offsets)


def _check_exists(path: str | Path) -> None:
    if not Path(path).exists():
        raise InputError(f"{path} does not exist: run `dvc repro preprocess`")


@contextmanager
def _told_when_damaged(path: str | Path) -> Iterator[None]:
    _check_exists(path)
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}): run `dvc repro preprocess`") from None


def _comments(table: pa.Table, wanted: Sequence[str]) -> Comments:
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    fields = {name: _field(name, table[COLUMNS[name]]) for name in wanted}
    return Comments(tuple(json.loads(metadata["label_names"])), metadata["tokenizer"], **fields)


def _field(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray | np.ndarray | Tokens | None:
    """Return a column of the file as `Comments` has it."""
    if name == "labels":
        return arrow.matrix_of(column)
    if name == "tokens":
        lists = column.combine_chunks()
        offsets = lists.offsets.to_numpy()
        return Tokens(lists.values.to_numpy()[offsets[0] : offsets[-1]], offsets - offsets[0])
    if name == "parts":
        return None if column.null_count else arrow.names_of(column)
    return column
