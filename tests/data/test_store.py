"""The Parquet files come back as they were written, and damaged ones are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions.core.errors import InputError
from emotions.data import store
from emotions.data.raters import Piece
from emotions.data.tokens import Tokens

NAMES = ("anger", "größe")
# Three comments, one id twice, one without tokens.
IDS = pa.chunked_array([["a", "NA", "a"]])
TOKENS = Tokens(np.array([101, 7, 102, 101, 102], np.int32), np.array([0, 3, 3, 5]))
PARTS = np.array(["train", "test", "validation"])
PIECE = Piece(
    IDS, pa.chunked_array([['two\nlines, "quoted"', "null", "größe \U0001f642"]]),
    np.array([[1, 0], [0, 1], [1, 1]], np.uint8), pa.chunked_array([PARTS], pa.string()),
)  # fmt: skip


def write(path: Path, *pieces: Piece) -> Path:
    with store.writing(path, NAMES, "f00d") as add:
        for piece in pieces:
            add(piece, TOKENS)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "comments.parquet", PIECE)


def column(pieces: list, name: str) -> list:
    return [value for piece in pieces for value in np.asarray(getattr(piece, name)).tolist()]


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("parts", [None, PIECE.parts])
def test_comments_come_back_as_they_were_written_whole_and_piece_by_piece(path, parts, monkeypatch, size):
    write(path, *[replace(PIECE, parts=parts)] * 3)
    monkeypatch.setattr(store, "PIECE", size)
    pieces = list(store.stream(path, tuple(store.COLUMNS)))
    assert max(len(piece.ids) for piece in pieces) <= size
    for found in ([store.read(path)], pieces):
        for name in ("ids", "texts", "labels"):
            assert column(found, name) == column([PIECE] * 3, name)
        for name in ("ids", "lengths"):
            assert column([one.tokens for one in found], name) == column([TOKENS] * 3, name)
        assert all((one.labels.dtype, one.tokens.ids.dtype) == (np.uint8, np.int32) for one in found)
        assert {(one.label_names, one.tokenizer, one.parts is None) for one in found} == {(NAMES, "f00d", not parts)}
        assert not parts or column(found, "parts") == PARTS.tolist() * 3
    labels = store.read(path, ["labels"])
    assert len(labels.labels) == 9 and (labels.ids, labels.texts, labels.tokens, labels.parts) == (None,) * 4


def test_the_same_comments_give_the_same_bytes_and_an_error_on_the_way_leaves_the_old_file(path: Path):
    before = path.read_bytes()
    assert write(path, PIECE).read_bytes() == before
    with pytest.raises(RuntimeError), store.writing(path, NAMES, "f00d") as add:
        add(PIECE, TOKENS)
        raise RuntimeError
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["missing", "empty", "cut off", "overwritten", "csv", "id", "part"])
def test_a_missing_or_damaged_file_is_refused_with_the_remedy(path: Path, kind: str):
    split = path.with_name("split.parquet")
    store.write_split(split, IDS, PARTS)
    for file, stage in ((path, "preprocess"), (split, "split")):
        good = file.read_bytes()
        if kind == "missing":
            file.unlink()
        elif kind in ("id", "part"):
            pq.write_table(pq.read_table(file).drop_columns(kind), file)
        else:
            damaged = {"empty": b"", "cut off": good[:-9], "overwritten": good[:4] + bytes(60) + good[64:]}
            file.write_bytes(damaged.get(kind, b"id,text\na,so kind\n"))
        said = "does not exist" if kind == "missing" else "is damaged"
        with pytest.raises(InputError, match=rf"^{file} {said}.*: run `dvc repro {stage}`$"):
            store.read(file) if file == path else store.read_split(file, IDS)


def test_parts_come_back_for_the_same_ids_alone_wherever_these_are_cut_into_chunks(tmp_path: Path):
    path = tmp_path / "split.parquet"
    store.write_split(path, IDS, PARTS)
    assert pq.read_table(path).to_pydict() == {"id": IDS.to_pylist(), "part": PARTS.tolist()}
    for cut in range(3):
        ids = pa.chunked_array([IDS.to_pylist()[:cut], IDS.to_pylist()[cut:]], pa.string())
        assert store.read_split(path, ids).tolist() == PARTS.tolist()
    for other in ("NA a a", "a NA", "a NA a c", "a NA c"):
        with pytest.raises(InputError, match=r"made for other comments .*: run `dvc repro split`$"):
            store.read_split(path, pa.chunked_array([other.split()]))


def test_predictions_have_names_and_probabilities_for_every_comment(tmp_path: Path):
    path = tmp_path / "predictions" / "test.parquet"
    ids, thresholds = np.array(["a", "NA", "a"], object), np.array([0.5, 0.75, 0.5])
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.uint8)
    probabilities = np.array([[0.875, 0.25, 0.5], [0.125, 0.75, 0.375], [0.0, 0.5, 0.25]], np.float32)
    store.write_predictions(path, ids, labels, probabilities, thresholds, ("anger", "joy", "fear"))
    table = pq.read_table(path)
    assert table.column_names == ["id", "labels", "predicted", "p_anger", "p_joy", "p_fear"]
    # A probability that just reaches the threshold is enough.
    assert table["predicted"].to_pylist() == [["anger", "fear"], ["joy"], []]
    for read in (store.read_predictions(path), store.read_predictions(path.read_bytes(), "predictions")):
        assert (read.ids, read.label_names) == (["a", "NA", "a"], ("anger", "joy", "fear"))
        assert read.labels.tolist() == labels.tolist() and read.predicted.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
        np.testing.assert_array_equal(read.probabilities, probabilities, strict=True)


@pytest.mark.parametrize("table", [None, {"p_joy": [0.5]}, {"labels": [["fear"]], "predicted": [[]], "p_joy": [0.5]}])
def test_damaged_and_other_predictions_are_named(tmp_path: Path, table: dict | None):
    path = tmp_path / "test.parquet"
    with pytest.raises(InputError, match=rf"^{path} does not exist: run `dvc repro evaluate`$"):
        store.read_predictions(path)
    path.write_bytes(b"no parquet")
    if table:
        pq.write_table(pa.table({"id": ["a"], **table}), path)
    with pytest.raises(InputError, match=r"^predictions is damaged .*: run `dvc repro evaluate`$"):
        store.read_predictions(path.read_bytes(), "predictions")
