"""comments.parquet: what is written comes back; what is not whole is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions import comments
from emotions.batches import Tokens
from emotions.errors import InputError

# Three comments, one id twice, one without tokens.
EXAMPLE = comments.Comments(
    ids=pa.chunked_array([["a", "NA", "a"]]),
    texts=pa.chunked_array([['two\nlines, "quoted"', "null", "größe \U0001f642"]]),
    labels=np.array([[1, 0], [0, 1], [1, 1]], np.uint8),
    label_names=("anger", "größe"),
    tokens=Tokens(np.array([101, 7, 102, 101, 102], np.int32), np.array([0, 3, 3, 5])),
    parts=None,
    tokenizer="f00d",
)


def write(path: Path, *pieces: comments.Comments) -> Path:
    with comments.writing(path, EXAMPLE.label_names, EXAMPLE.tokenizer) as add:
        for piece in pieces:
            add(piece.ids, piece.texts, piece.labels, piece.tokens, piece.parts)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "comments.parquet", EXAMPLE)


def fault(path: Path) -> str:
    """Return what is said about a file, which is one line with the file and the remedy."""
    with pytest.raises(InputError) as caught:
        comments.read(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and message.endswith("run `dvc repro preprocess`")
    return message


@pytest.mark.parametrize("parts", [None, np.array(["train", "test", "validation"])])
def test_comments_come_back_as_they_were_written(path: Path, parts: np.ndarray | None):
    write(path, replace(EXAMPLE, parts=parts))
    read = comments.read(path)
    assert read.ids.equals(EXAMPLE.ids) and read.texts.equals(EXAMPLE.texts)
    np.testing.assert_array_equal(read.labels, EXAMPLE.labels, strict=True)
    np.testing.assert_array_equal(read.tokens.ids, EXAMPLE.tokens.ids, strict=True)
    np.testing.assert_array_equal(read.tokens.offsets, EXAMPLE.tokens.offsets, strict=True)
    assert (read.label_names, read.tokenizer) == (EXAMPLE.label_names, EXAMPLE.tokenizer)
    assert read.parts is None if parts is None else read.parts.tolist() == parts.tolist()


@pytest.mark.parametrize("pieces", [[], [EXAMPLE], [EXAMPLE] * 3])
def test_tokens_come_mapped_into_memory_and_leave_nothing_behind(tmp_path: Path, pieces):
    path = write(tmp_path / "comments.parquet", *pieces)
    mapped, expected = comments.read_tokens(path), comments.read(path).tokens
    np.testing.assert_array_equal(mapped.ids, expected.ids, strict=True)
    np.testing.assert_array_equal(mapped.offsets, expected.offsets, strict=True)
    assert isinstance(mapped.ids, np.memmap) or not pieces
    assert list(tmp_path.iterdir()) == [path]


def test_other_tokens_follow_those_of_the_file(path: Path):
    own = comments.read(path).tokens
    both = comments.read_tokens(path, Tokens(np.array([7, 8, 9], np.int32), np.array([0, 1, 3])))
    assert len(both) == len(own) + 2
    assert both.ids.tolist() == [*own.ids.tolist(), 7, 8, 9]
    assert both.offsets[len(own) :].tolist() == [len(own.ids), len(own.ids) + 1, len(own.ids) + 3]


def test_tokens_of_a_file_that_is_missing_or_damaged_are_told(tmp_path: Path):
    path = tmp_path / "comments.parquet"
    for content in (None, b"PAR1 no more"):
        if content:
            path.write_bytes(content)
        with pytest.raises(InputError, match="run `dvc repro preprocess`"):
            comments.read_tokens(path)


def test_only_what_is_wanted_is_read(path: Path):
    read = comments.read(path, ["labels"])
    assert read.labels.tolist() == EXAMPLE.labels.tolist() and read.label_names == EXAMPLE.label_names
    assert (read.ids, read.texts, read.tokens, read.parts) == (None,) * 4


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_gives_the_same_piece_by_piece(path: Path, monkeypatch: pytest.MonkeyPatch, size: int):
    parts = np.array(["train", "test", "validation"])
    write(path, *[replace(EXAMPLE, parts=parts)] * 3)
    whole = comments.read(path)
    monkeypatch.setattr(comments, "PIECE", size)
    pieces = list(comments.stream(path, tuple(comments.COLUMNS)))
    assert max(len(piece.ids) for piece in pieces) <= size
    for name in ("ids", "texts"):
        joined = [value for piece in pieces for value in getattr(piece, name).to_pylist()]
        assert joined == getattr(whole, name).to_pylist()
    for name in ("labels", "parts"):
        np.testing.assert_array_equal(np.concatenate([getattr(piece, name) for piece in pieces]), getattr(whole, name))
    for name in ("ids", "lengths"):
        joined = np.concatenate([getattr(piece.tokens, name) for piece in pieces])
        np.testing.assert_array_equal(joined, getattr(whole.tokens, name))


def test_an_error_on_the_way_leaves_the_old_file(path: Path):
    before = path.read_bytes()
    with pytest.raises(RuntimeError), comments.writing(path, EXAMPLE.label_names, "f00d") as add:
        add(EXAMPLE.ids, EXAMPLE.texts, EXAMPLE.labels, EXAMPLE.tokens, None)
        raise RuntimeError
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_the_same_comments_give_the_same_bytes(path: Path):
    before = path.read_bytes()
    write(path, EXAMPLE)
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
