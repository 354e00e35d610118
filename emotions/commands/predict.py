"""Prints the labels of texts."""

import csv
import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from emotions.core.errors import InputError

PIECE = 2_000  # texts read and predicted at a time, so that a file of any size needs little memory


def run(arguments: Namespace) -> None:
    """Print the labels of each text, in the given order; missing or faulty texts or models raise `InputError`."""
    if bool(arguments.text) == bool(arguments.file):
        raise InputError("give texts, or --file with a file of them (- is standard input); not both")
    file = "-" if arguments.text == ["-"] else arguments.file
    texts = read(file) if file else _checked(arguments.text, "text", 1)
    piece = list(islice(texts, PIECE))
    if not piece:
        raise InputError(f"{'standard input' if file == '-' else file} is empty: it should hold comments")

    import transformers.utils  # takes seconds, and wrong texts need not wait for it

    # With scikit-learn, which transformers needs for generating text alone, starting takes a third longer.
    transformers.utils.is_sklearn_available = lambda: False
    from emotions.model.classifier import Classifier
    from emotions.model.prediction import predict_texts

    classifier = Classifier.load(arguments.model)
    thresholds = classifier.thresholds.choose(arguments.threshold)
    while piece:
        for text, probabilities in zip(piece, predict_texts(classifier, piece), strict=True):
            print(_line(text, classifier.label_names, probabilities, thresholds, arguments.json))
        piece = list(islice(texts, PIECE))


def read(file: str) -> Iterator[str]:
    """Yield the texts of a file: the column `text` of CSV or parquet, else every line; `-` is standard input.

    A missing or faulty file, column or text raises `InputError`, with its line or row, of which the first is 1.
    """
    from emotions.data.formats import decoded  # imports Arrow, for which a sentence on the command line need not wait

    path = Path(file)
    if file != "-" and not path.is_file():
        raise InputError(f"{file} is no file here: --file should name a text, CSV or parquet file, or be -")
    if path.suffix.lower() == ".parquet":
        return _checked(_parquet(path), f"{file}, row", 1)
    if path.suffix.lower() == ".csv":
        return _checked(_csv(decoded(path.open("rb"), path), path), f"{file}, row", 2)
    stream, name = (sys.stdin.buffer, "standard input") if file == "-" else (path.open("rb"), file)
    return _checked((line.rstrip("\r\n") for line in decoded(stream, name)), f"{name}, line", 1)


def _checked(texts: Iterable[object], place: str, first: int) -> Iterator[str]:
    for number, text in enumerate(texts, first):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{place} {number}: the text is {text!r}, but should be a comment")
        if any("\ud800" <= character <= "\udfff" for character in text):  # bytes that Python could not decode
            raise InputError(f"{place} {number}: {text!a} is not UTF-8")
        yield text


def _csv(lines: Iterator[str], path: Path) -> Iterator[str]:
    rows = csv.reader(lines, strict=True)
    try:
        header = next(rows, ["text"])
        if "text" not in header:
            raise InputError(f"{path} has no column text")
        for number, row in enumerate(filter(None, rows), 2):
            if len(row) != len(header):
                raise InputError(f"{path}, row {number} has {len(row)} columns, but the header has {len(header)}")
            yield row[header.index("text")]
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}; is a quote not closed?") from None


def _parquet(path: Path) -> Iterator[object]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise InputError(f"{path} has no column text")
            for batch in file.iter_batches(columns=["text"]):
                yield from batch.column("text").to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no valid parquet file: {str(error)[:160]}") from None


def _line(text: str, names: Sequence[str], probabilities: np.ndarray, thresholds: np.ndarray, as_json: bool) -> str:
    by_label = dict(zip(names, probabilities.tolist(), strict=True))
    likeliest_first = np.argsort(-probabilities, kind="stable")
    predicted = [names[label] for label in likeliest_first if probabilities[label] >= thresholds[label]]
    if as_json:
        rounded = {name: round(value, 5) for name, value in by_label.items()}
        line = {"text": text, "labels": predicted, "probabilities": rounded}
        return json.dumps(line, ensure_ascii="utf" not in sys.stdout.encoding.lower())
    shown = ", ".join(f"{name} {by_label[name]:.2f}" for name in predicted or [names[likeliest_first[0]]])
    return f"{shown if predicted else f'none (likeliest: {shown})'}\t{' '.join(text.split())}"
