"""comments.parquet: what is written comes back; what is not whole is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from emotions import comments
from emotions.batches import Tokens
from emotions.errors import InputError

# Three comments, one id twice, one without tokens.
EXAMPLE = comments.Comments(
    ids=np.array(["a", "NA", "a"], object),
    texts=np.array(['two\nlines, "quoted"', "null", "größe \U0001f642"], object),
    labels=np.array([[1, 0], [0, 1], [1, 1]], np.uint8),
    label_names=("anger", "größe"),
    tokens=Tokens(np.array([101, 7, 102, 101, 102], np.int32), np.array([0, 3, 3, 5])),
    parts=None,
    tokenizer="f00d",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    comments.write(tmp_path / "comments.parquet", EXAMPLE)
    return tmp_path / "comments.parquet"


def fault(path: Path) -> str:
    """Return what is said about a file, which is one line with the file and the remedy."""
    with pytest.raises(InputError) as caught:
        comments.read(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and message.endswith("run `dvc repro preprocess`")
    return message


@pytest.mark.parametrize("parts", [None, np.array(["train", "test", "validation"])])
def test_comments_come_back_as_they_were_written(path: Path, parts: np.ndarray | None):
    comments.write(path, replace(EXAMPLE, parts=parts))
    read = comments.read(path)
    for name in ("ids", "texts", "labels"):
        np.testing.assert_array_equal(getattr(read, name), getattr(EXAMPLE, name), strict=True)
    np.testing.assert_array_equal(read.tokens.ids, EXAMPLE.tokens.ids, strict=True)
    np.testing.assert_array_equal(read.tokens.offsets, EXAMPLE.tokens.offsets, strict=True)
    assert (read.label_names, read.tokenizer) == (EXAMPLE.label_names, EXAMPLE.tokenizer)
    assert read.parts is None if parts is None else read.parts.tolist() == parts.tolist()


def test_the_same_comments_give_the_same_bytes(path: Path):
    before = path.read_bytes()
    comments.write(path, EXAMPLE)
    assert path.read_bytes() == before


def test_a_missing_file_is_told_with_the_remedy(path: Path):
    path.unlink()
    assert "does not exist" in fault(path)


@pytest.mark.parametrize("damage", ["empty", "cut off", "overwritten", "another format"])
def test_a_damaged_file_is_told_with_the_remedy(path: Path, damage: str):
    good = path.read_bytes()
    damaged = {"empty": b"", "cut off": good[:-9], "overwritten": good[:4] + bytes(200) + good[204:]}
    path.write_bytes(damaged.get(damage, b"id,text\na,so kind\n"))
    assert "is damaged" in fault(path)


@pytest.mark.parametrize("column", ["id", "text", "labels", "input_ids", "part"])
def test_a_file_without_a_column_is_refused(path: Path, column: str):
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    assert "is damaged" in fault(path) and column in fault(path)
