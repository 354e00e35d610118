"""The Parquet files come back as they were written, and damaged ones are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions.core.errors import InputError
from emotions.data import store
from emotions.data.raters import Piece
from emotions.data.tokens import Tokens

# Three comments, one id twice, one without tokens.
EXAMPLE = store.Comments(
    ids=pa.chunked_array([["a", "NA", "a"]]),
    texts=pa.chunked_array([['two\nlines, "quoted"', "null", "größe \U0001f642"]]),
    labels=np.array([[1, 0], [0, 1], [1, 1]], np.uint8),
    label_names=("anger", "größe"),
    tokens=Tokens(np.array([101, 7, 102, 101, 102], np.int32), np.array([0, 3, 3, 5])),
    parts=None,
    tokenizer="f00d",
)


def piece_of(comments: store.Comments) -> Piece:
    parts = None if comments.parts is None else pa.chunked_array([comments.parts], pa.string())
    return Piece(comments.ids, comments.texts, comments.labels, parts)


def write(path: Path, *pieces: store.Comments) -> Path:
    with store.writing(path, EXAMPLE.label_names, EXAMPLE.tokenizer) as add:
        for piece in pieces:
            add(piece_of(piece), piece.tokens)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "comments.parquet", EXAMPLE)


def fault(path: Path) -> str:
    """Return the error about a file: one line with its name and the remedy."""
    with pytest.raises(InputError) as caught:
        store.read(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and message.endswith("run `dvc repro preprocess`")
    return message


@pytest.mark.parametrize("parts", [None, np.array(["train", "test", "validation"])])
def test_comments_come_back_as_they_were_written(path: Path, parts: np.ndarray | None):
    write(path, replace(EXAMPLE, parts=parts))
    read = store.read(path)
    assert read.ids.equals(EXAMPLE.ids) and read.texts.equals(EXAMPLE.texts)
    np.testing.assert_array_equal(read.labels, EXAMPLE.labels, strict=True)
    np.testing.assert_array_equal(read.tokens.ids, EXAMPLE.tokens.ids, strict=True)
    np.testing.assert_array_equal(read.tokens.offsets, EXAMPLE.tokens.offsets, strict=True)
    assert (read.label_names, read.tokenizer) == (EXAMPLE.label_names, EXAMPLE.tokenizer)
    assert read.parts is None if parts is None else read.parts.tolist() == parts.tolist()


@pytest.mark.parametrize("pieces", [[], [EXAMPLE], [EXAMPLE] * 3])
def test_tokens_come_mapped_into_memory_and_leave_nothing_behind(tmp_path: Path, pieces):
    path = write(tmp_path / "comments.parquet", *pieces)
    mapped, expected = store.read_tokens(path), store.read(path).tokens
    np.testing.assert_array_equal(mapped.ids, expected.ids, strict=True)
    np.testing.assert_array_equal(mapped.offsets, expected.offsets, strict=True)
    assert isinstance(mapped.ids, np.memmap) or not pieces
    assert list(tmp_path.iterdir()) == [path]


def test_tokens_of_a_file_that_is_missing_or_damaged_are_refused(tmp_path: Path):
    path = tmp_path / "comments.parquet"
    for content in (None, b"PAR1 no more"):
        if content:
            path.write_bytes(content)
        with pytest.raises(InputError, match="run `dvc repro preprocess`"):
            store.read_tokens(path)


def test_only_what_is_wanted_is_read(path: Path):
    read = store.read(path, ["labels"])
    assert read.labels.tolist() == EXAMPLE.labels.tolist() and read.label_names == EXAMPLE.label_names
    assert (read.ids, read.texts, read.tokens, read.parts) == (None,) * 4


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_gives_the_same_piece_by_piece(path: Path, monkeypatch: pytest.MonkeyPatch, size: int):
    parts = np.array(["train", "test", "validation"])
    write(path, *[replace(EXAMPLE, parts=parts)] * 3)
    whole = store.read(path)
    monkeypatch.setattr(store, "PIECE", size)
    pieces = list(store.stream(path, tuple(store.COLUMNS)))
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
    with pytest.raises(RuntimeError), store.writing(path, EXAMPLE.label_names, "f00d") as add:
        add(piece_of(EXAMPLE), EXAMPLE.tokens)
        raise RuntimeError
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_the_same_comments_give_the_same_bytes(path: Path):
    before = path.read_bytes()
    write(path, EXAMPLE)
    assert path.read_bytes() == before


def test_a_missing_file_is_reported_with_the_remedy(path: Path):
    path.unlink()
    assert "does not exist" in fault(path)


@pytest.mark.parametrize("damage", ["empty", "cut off", "overwritten", "another format"])
def test_a_damaged_file_is_reported_with_the_remedy(path: Path, damage: str):
    good = path.read_bytes()
    damaged = {"empty": b"", "cut off": good[:-9], "overwritten": good[:4] + bytes(200) + good[204:]}
    path.write_bytes(damaged.get(damage, b"id,text\na,so kind\n"))
    assert "is damaged" in fault(path)


@pytest.mark.parametrize("column", ["id", "text", "labels", "input_ids", "part"])
def test_a_file_without_a_column_is_refused(path: Path, column: str):
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    assert "is damaged" in fault(path) and column in fault(path)


IDS = pa.chunked_array([["a", "NA"], ["a", "c"]])
PARTS = np.array(["train", "test", "validation", "train"])


@pytest.fixture
def split(tmp_path: Path) -> Path:
    store.write_split(tmp_path / "split.parquet", IDS, PARTS)
    return tmp_path / "split.parquet"


def test_parts_come_back_as_they_were_written_wherever_ids_are_cut_into_chunks(split: Path):
    assert pq.read_table(split).to_pydict() == {"id": IDS.to_pylist(), "part": PARTS.tolist()}
    ids = IDS.to_pylist()
    for cut in range(len(ids)):
        assert store.read_split(split, pa.chunked_array([ids[:cut], ids[cut:]], pa.string())).tolist() == PARTS.tolist()


@pytest.mark.parametrize("ids", ["c a NA a", "a NA a", "a NA a c d", "a NA a d"])
def test_parts_of_other_comments_are_refused(split: Path, ids: str):
    with pytest.raises(InputError, match=r"made for other comments .*: run `dvc repro split`$"):
        store.read_split(split, pa.chunked_array([ids.split()]))


@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "overwritten", "id", "part"])
def test_a_missing_or_damaged_split_is_refused(split: Path, damage: str):
    good = split.read_bytes()
    if damage in ("id", "part"):
        pq.write_table(pq.read_table(split).drop_columns(damage), split)
    elif damage == "missing":
        split.unlink()
    else:
        split.write_bytes({"empty": b"", "cut off": good[:-9], "overwritten": good[:4] + bytes(60) + good[64:]}[damage])
    with pytest.raises(InputError, match=r"split.parquet (is damaged|does not exist).*: run `dvc repro split`$"):
        store.read_split(split, IDS)


def test_predictions_have_names_and_probabilities_for_every_comment(tmp_path: Path):
    path = tmp_path / "predictions" / "test.parquet"
    ids, thresholds = np.array(["a", "NA", "a"], object), np.array([0.5, 0.75, 0.5])
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.uint8)
    probabilities = np.array([[0.875, 0.25, 0.5], [0.125, 0.75, 0.375], [0.0, 0.5, 0.25]], np.float32)
    store.write_predictions(path, ids, labels, probabilities, thresholds, ("anger", "joy", "fear"))
    table = pd.read_parquet(path)
    assert list(table.columns) == ["id", "labels", "predicted", "p_anger", "p_joy", "p_fear"]
    assert [list(names) for names in table["labels"]] == [["anger", "fear"], ["joy"], ["fear"]]
    # A probability that just reaches the threshold is enough.
    assert [list(names) for names in table["predicted"]] == [["anger", "fear"], ["joy"], []]
    for read in (store.read_predictions(path), store.read_predictions(path.read_bytes(), "predictions")):
        assert (read.ids, read.label_names) == (["a", "NA", "a"], ("anger", "joy", "fear"))
        assert read.labels.tolist() == labels.tolist() and read.predicted.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
        np.testing.assert_array_equal(read.probabilities, probabilities, strict=True)


def test_damaged_and_other_predictions_are_named(tmp_path: Path):
    pd.DataFrame({"id": ["a"], "p_joy": [0.5]}).to_parquet(tmp_path / "other.parquet")
    table = pd.DataFrame({"id": ["a"], "labels": [["anger"]], "predicted": [["joy"]], "p_joy": [0.5]})
    table.to_parquet(tmp_path / "labels.parquet")
    contents = [b"", b"no parquet"] + [(tmp_path / name).read_bytes() for name in ("other.parquet", "labels.parquet")]
    for content in contents:
        with pytest.raises(InputError, match=r"predictions is damaged .*dvc repro evaluate"):
            store.read_predictions(content, "predictions")
