"""split.parquet: what is written comes back, for the comments that it was made for."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from emotions import split_file
from emotions.errors import InputError

IDS = np.array(["a", "NA", "a", "c"], object)
PARTS = np.array(["train", "test", "validation", "train"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    split_file.write(tmp_path / "split.parquet", IDS, PARTS)
    return tmp_path / "split.parquet"


def fault(path: Path, ids: np.ndarray = IDS) -> str:
    """Return what is said about a file, which is one line with the file and the remedy."""
    with pytest.raises(InputError) as caught:
        split_file.read(path, ids)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and message.endswith("run `dvc repro split`")
    return message


def test_parts_come_back_as_they_were_written(path: Path):
    assert split_file.read(path, IDS).tolist() == PARTS.tolist()
    assert pq.read_table(path).to_pydict() == {"id": IDS.tolist(), "part": PARTS.tolist()}


@pytest.mark.parametrize("ids", [IDS[::-1], IDS[:3], np.append(IDS, "d"), np.array(["a", "NA", "a", "d"])], ids=str)
def test_parts_of_other_comments_are_refused(path: Path, ids: np.ndarray):
    assert "other comments" in fault(path, ids)


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
