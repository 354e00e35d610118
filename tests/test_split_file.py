"""split.parquet: what is written comes back, for the comments that it was made for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions import split_file
from emotions.errors import InputError

IDS = pa.chunked_array([["a", "NA"], ["a", "c"]])
PARTS = np.array(["train", "test", "validation", "train"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    split_file.write(tmp_path / "split.parquet", IDS, PARTS)
    return tmp_path / "split.parquet"


def fault(path: Path, ids: pa.ChunkedArray = IDS) -> str:
    """Return what is said about a file, which is one line with the file and the remedy."""
    with pytest.raises(InputError) as caught:
        split_file.read(path, ids)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and message.endswith("run `dvc repro split`")
    return message


def test_parts_come_back_as_they_were_written(path: Path):
    assert split_file.read(path, IDS).tolist() == PARTS.tolist()
    assert pq.read_table(path).to_pydict() == {"id": IDS.to_pylist(), "part": PARTS.tolist()}


@pytest.mark.parametrize("ids", ["c a NA a", "a NA a", "a NA a c d", "a NA a d"])
def test_parts_of_other_comments_are_refused(path: Path, ids: str):
    assert "other comments" in fault(path, pa.chunked_array([ids.split()]))


def test_it_does_not_matter_where_the_ids_are_cut_into_chunks(path: Path):
    for cut in range(len(IDS)):
        ids = IDS.to_pylist()
        again = pa.chunked_array([ids[:cut], ids[cut:]], pa.string())
        assert split_file.read(path, again).tolist() == PARTS.tolist()


def test_a_missing_file_is_told_with_the_remedy(path: Path):
    path.unlink()
    assert "does not exist" in fault(path)


@pytest.mark.parametrize("damage", ["empty", "cut off", "overwritten"])
def test_a_damaged_file_is_told_with_the_remedy(path: Path, damage: str):
    good = path.read_bytes()
    path.write_bytes({"empty": b"", "cut off": good[:-9], "overwritten": good[:4] + bytes(60) + good[64:]}[damage])
    assert "is damaged" in fault(path)


@pytest.mark.parametrize("column", ["id", "part"])
def test_a_file_without_a_column_is_refused(path: Path, column: str):
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    assert "is damaged" in fault(path) and column in fault(path)
