"""Texts to predict on, read piece by piece, so that a file of any size needs little memory."""

import csv
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from emotions.errors import InputError


def read(file: str) -> Iterator[str]:
    """Yield the texts of a file: the column `text` of CSV or parquet, or every line; `-` is standard input.

    Raises `InputError`, with the line or row (the first line of a file is 1), for a file that is missing or damaged, a
    column that is missing or holds no strings, a text that is empty, and bytes that are not UTF-8.
    """
    if file == "-":
        return _some(_lines(sys.stdin.buffer, "standard input"), "standard input")
    path = Path(file)
    if path.is_dir():
        raise InputError(f"{file} is a folder: --file should name a text, CSV or parquet file")
    if not path.is_file():
        raise InputError(
            f"{file} does not exist: --file should name a text, CSV or parquet file, or be - for standard input"
        )
    if path.suffix.lower() == ".parquet":
        return _some(_parquet(path), file)
    if path.suffix.lower() == ".csv":
        return _some(_csv(path), file)
    return _some(_lines(path.open("rb"), file), file)


def _some(texts: Iterator[str], name: str) -> Iterator[str]:
    first = next(texts, None)
    if first is None:
        raise InputError(f"{name} is empty: it should hold comments")
    yield first
    yield from texts


def pieces(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield lists of `size` texts; the last one may be shorter."""
    piece: list[str] = []
    for text in texts:
        piece.append(text)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece


def _decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    """Yield the lines of a stream with their ends."""
    with stream:
        for number, line in enumerate(stream, 1):
            try:
                yield line.decode("utf-8").removeprefix("\ufeff" if number == 1 else "")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                raise InputError(f"{name}, line {number}: byte 0x{byte:02x} is not UTF-8; save it as UTF-8") from None


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(_decoded(stream, name), 1):
        if not line.strip():
            raise InputError(f"{name}, line {number} is empty: it should be a comment")
        yield line.rstrip("\r\n")


def _csv(path: Path) -> Iterator[str]:
    rows = csv.reader(_decoded(path.open("rb"), str(path)), strict=True)
    try:
        header = next(rows, None)
        if header is None:
            raise InputError(f"{path} is empty")
        if "text" not in header:
            raise InputError(f"{path} has no column text")
        column = header.index("text")
        for number, row in enumerate(filter(None, rows), 2):
            if len(row) != len(header):
                raise InputError(f"{path}, row {number} has {len(row)} columns, but the header has {len(header)}")
            yield _checked(row[column], path, number)
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}; is a quote not closed?") from None


def _parquet(path: Path) -> Iterator[str]:
    import pyarrow as pa  # an answer about one sentence need not wait for it
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise InputError(f"{path} has no column text")
            columns = (batch.column("text").to_pylist() for batch in file.iter_batches(columns=["text"]))
            for number, text in enumerate(chain.from_iterable(columns), 1):
                yield _checked(text, path, number)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no valid parquet file: {str(error)[:160]}") from None


def _checked(text: object, path: Path, row: int) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{path}, row {row}: the text is {text!r}, but should be a comment")
    return text
