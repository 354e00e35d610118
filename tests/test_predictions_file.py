"""predictions/test.parquet: names and probabilities as other tools read them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotions import predictions_file
from emotions.errors import InputError


def test_every_comment_has_a_row_with_names_and_probabilities(tmp_path: Path):
    path = tmp_path / "predictions" / "test.parquet"
    ids, thresholds = np.array(["a", "NA", "a"], object), np.array([0.5, 0.75, 0.5])
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.uint8)
    probabilities = np.array([[0.875, 0.25, 0.5], [0.125, 0.75, 0.375], [0.0, 0.5, 0.25]], np.float32)
    predictions_file.write(path, ids, labels, probabilities, thresholds, ("anger", "joy", "fear"))
    table = pd.read_parquet(path)
    assert list(table.columns) == ["id", "labels", "predicted", "p_anger", "p_joy", "p_fear"]
    assert table["id"].tolist() == ["a", "NA", "a"]
    assert [list(names) for names in table["labels"]] == [["anger", "fear"], ["joy"], ["fear"]]
    # A probability that just reaches the threshold is enough.
    assert [list(names) for names in table["predicted"]] == [["anger", "fear"], ["joy"], []]
    assert table[["p_anger", "p_joy", "p_fear"]].to_numpy().tolist() == probabilities.tolist()
    read = predictions_file.read(path.read_bytes(), str(path))
    assert (read.ids, read.label_names) == (["a", "NA", "a"], ("anger", "joy", "fear"))
    assert read.labels.tolist() == labels.tolist()
    assert read.given.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_damaged_and_other_files_are_named(tmp_path: Path):
    pd.DataFrame({"id": ["a"], "p_joy": [0.5]}).to_parquet(tmp_path / "other.parquet")
    pd.DataFrame({"id": ["a"], "labels": [["anger"]], "predicted": [["joy"]], "p_joy": [0.5]}).to_parquet(
        tmp_path / "labels.parquet"
    )
    contents = [b"", b"no parquet"] + [(tmp_path / name).read_bytes() for name in ("other.parquet", "labels.parquet")]
    for content in contents:
        with pytest.raises(InputError, match=r"predictions is damaged .*dvc repro evaluate"):
            predictions_file.read(content, "predictions")
