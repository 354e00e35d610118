"""Texts to predict on, read piece by piece, so that a file of any size needs little memory."""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from emotions.errors import InputError


def read(file: str) -> Iterator[str]:
    """Yield the texts of a file: the column `text` of CSV or parquet, or every line; `-` is standard input.

    Raises `InputError`, with the line or row (the first line of a file is 1), for a file that is missing or damaged, a
    column that is missing or holds no strings, a text that is empty, and bytes that are not UTF-8.
    """
    if file == "-":
        return _lines(sys.stdin.buffer, "standard input")
    path = Path(file)
    if not path.is_file():
        raise InputError(
            f"{file} does not exist: --file should name a text, CSV or parquet file, or be - for standard input"
        )
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".csv":
        return _csv(path)
    return _lines(path.open("rb"), file)


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


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    with stream:
        for number, line in enumerate(stream, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise InputError(f"{name}, line {number}: byte 0x{line[error.start]:02x} is not UTF-8") from None
            if not text.strip():
                raise InputError(f"{name}, line {number} is empty: it should be a comment")
            yield text


def _csv(path: Path) -> Iterator[str]:
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    converting = pyarrow.csv.ConvertOptions(
        include_columns=["text"],
        column_types={"text": pa.string()},
        strings_can_be_null=False,
        quoted_strings_can_be_null=False,
    )
    reading = pyarrow.csv.ReadOptions(use_threads=False)
    try:
        with pyarrow.csv.open_csv(path, reading, parsing, converting) as reader:
            yield from _column(reader, path, first_row=2)
    except pa.ArrowKeyError:
        raise InputError(f"{path} has no column text") from None
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} is no valid CSV: {' '.join(str(error).split())[:160]}") from None


def _parquet(path: Path) -> Iterator[str]:
    try:
        with pq.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise InputError(f"{path} has no column text")
            yield from _column(file.iter_batches(columns=["text"]), path, first_row=1)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} is no valid parquet file: {' '.join(str(error).split())[:160]}") from None


def _column(batches: Iterable[pa.RecordBatch], path: Path, first_row: int) -> Iterator[str]:
    texts = chain.from_iterable(batch.column("text").to_pylist() for batch in batches)
    for row, text in enumerate(texts, first_row):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{path}, row {row}: the text is {text!r}, but should be a comment")
        yield text
