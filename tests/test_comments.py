"""comments.parquet: what is written comes back; what is not whole is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions import comments
from emotions.batches import Tokens
from emotions.errors import InputError


def example(parts: list[str] | None = None) -> comments.Comments:
    """Three comments, one id twice, one without tokens."""
    return comments.Comments(
        ids=np.array(["a", "NA", "a"], object),
        texts=np.array(['two\nlines, "quoted"', "null", "größe \U0001f642"], object),
        labels=np.array([[1, 0], [0, 1], [1, 1]], np.uint8),
        label_names=("anger", "größe"),
        tokens=Tokens(np.array([101, 7, 102, 101, 102], np.int32), np.array([0, 3, 3, 5])),
        parts=None if parts is None else np.array(parts),
        tokenizer="f00d",
    )


@pytest.mark.parametrize("parts", [None, ["train", "test", "validation"]])
def test_comments_come_back_as_they_were_written(tmp_path: Path, parts: list[str] | None):
    written = example(parts)
    comments.write(tmp_path / "comments.parquet", written)
    read = comments.read(tmp_path / "comments.parquet")
    for name in ("ids", "texts", "labels"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert read.labels.dtype == np.uint8
    assert read.tokens.ids.dtype == np.int32 and read.tokens.ids.tolist() == written.tokens.ids.tolist()
    assert read.tokens.offsets.tolist() == written.tokens.offsets.tolist()
    assert (read.label_names, read.tokenizer) == (written.label_names, written.tokenizer)
    assert (None if read.parts is None else read.parts.tolist()) == parts


def test_the_same_comments_give_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        comments.write(tmp_path / name, example())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def fault(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        comments.read(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and message.endswith("run `dvc repro preprocess`")
    return message


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path):
    assert "does not exist" in fault(tmp_path / "comments.parquet")


@pytest.mark.parametrize(
    "damage",
    [
        lambda good: b"",
        lambda good: b"id,text\n",
        lambda good: good[: len(good) // 2],
        lambda good: good[4:],
        lambda good: good[:4] + bytes(200) + good[204:],
    ],
    ids=["empty", "another format", "cut off", "start lost", "overwritten"],
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, damage):
    path = tmp_path / "comments.parquet"
    comments.write(path, example())
    path.write_bytes(damage(path.read_bytes()))
    assert "is damaged" in fault(path)


@pytest.mark.parametrize("column", ["id", "text", "labels", "input_ids", "part"])
def test_a_file_without_a_column_is_refused(tmp_path: Path, column: str):
    path = tmp_path / "comments.parquet"
    comments.write(path, example())
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    assert "is damaged" in fault(path) and column in fault(path)


def test_a_parquet_file_of_another_program_is_refused(tmp_path: Path):
    pq.write_table(pa.table({"text": ["so kind"]}), tmp_path / "comments.parquet")
    assert "is damaged" in fault(tmp_path / "comments.parquet")
