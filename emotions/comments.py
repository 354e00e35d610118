"""comments.parquet: the comments that the pipeline works on, labelled and tokenised once."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotions.batches import Tokens
from emotions.errors import InputError
from emotions.files import replacing


@dataclass(frozen=True)
class Comments:
    """n comments with L labels.

    ids, texts: n strings each; an id comes back where raters were not merged. labels: (n, L) uint8, 0 or 1.
    tokens: of the n texts. parts: n names out of train, validation and test, or None where the data has no parts of
    its own. tokenizer: the fingerprint of the tokenizer that made the tokens, see `encoders.fingerprint`.
    """

    ids: np.ndarray
    texts: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    tokens: Tokens
    parts: np.ndarray | None
    tokenizer: str


def write(path: str | Path, comments: Comments) -> None:
    """Write comments.parquet: id, text, labels, input_ids, part; label names and tokenizer in the file's metadata."""
    n, label_count = comments.labels.shape
    labels = pa.FixedSizeListArray.from_arrays(pa.array(comments.labels.reshape(-1)), label_count)
    input_ids = pa.LargeListArray.from_arrays(pa.array(comments.tokens.offsets), pa.array(comments.tokens.ids))
    parts = pa.nulls(n, pa.string()) if comments.parts is None else pa.array(comments.parts.tolist(), pa.string())
    metadata = {"label_names": json.dumps(comments.label_names), "tokenizer": comments.tokenizer}
    table = pa.table(
        {
            "id": pa.array(comments.ids.tolist(), pa.string()),
            "text": pa.array(comments.texts.tolist(), pa.string()),
            "labels": labels,
            "input_ids": input_ids,
            "part": parts,
        }
    ).replace_schema_metadata(metadata)
    with replacing(path) as partial:
        pq.write_table(table, partial)


def read(path: str | Path) -> Comments:
    """Read what `write` wrote. Raises `InputError` when the file is missing or damaged."""
    if not Path(path).exists():
        raise InputError(f"{path} does not exist: run `dvc repro preprocess`")
    try:
        table = pq.read_table(path).combine_chunks()
        metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        label_names = tuple(json.loads(metadata["label_names"]))
        input_ids = table["input_ids"].combine_chunks()
        labels = table["labels"].combine_chunks().flatten().to_numpy()
        parts = table["part"]
        return Comments(
            ids=np.array(table["id"].to_pylist(), object),
            texts=np.array(table["text"].to_pylist(), object),
            labels=labels.reshape(-1, len(label_names)),
            label_names=label_names,
            tokens=Tokens(input_ids.values.to_numpy(), input_ids.offsets.to_numpy()),
            parts=None if parts.null_count else np.array(parts.to_pylist()),
            tokenizer=metadata["tokenizer"],
        )
    except (pa.ArrowException, OSError, KeyError, AttributeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}): run `dvc repro preprocess`") from None
