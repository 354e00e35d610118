"""predictions/test.parquet: names and probabilities as other tools read them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotions import predictions_file


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    path = tmp_path / "predictions" / "test.parquet"
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.uint8)
    probabilities = np.array([[0.9, 0.2, 0.5], [0.1, 0.75, 0.4], [0.0, 0.0, 0.25]], np.float32)
    ids, thresholds = np.array(["a", "NA", "a"], object), np.array([0.5, 0.75, 0.5])
    predictions_file.write(path, ids, labels, probabilities, thresholds, ("anger", "joy", "fear"))
    return pd.read_parquet(path)


def test_every_comment_has_its_row_in_order(table: pd.DataFrame):
    assert table["id"].tolist() == ["a", "NA", "a"]
    assert list(table.columns) == ["id", "labels", "predicted", "p_anger", "p_joy", "p_fear"]


def test_labels_are_the_names_that_were_annotated(table: pd.DataFrame):
    assert [list(names) for names in table["labels"]] == [["anger", "fear"], ["joy"], ["fear"]]


def test_predicted_are_the_names_whose_probability_reaches_the_threshold(table: pd.DataFrame):
    assert [list(names) for names in table["predicted"]] == [["anger", "fear"], ["joy"], []]


def test_probabilities_stand_by_label(table: pd.DataFrame):
    assert table["p_anger"].tolist() == pytest.approx([0.9, 0.1, 0.0])
    assert table["p_joy"].tolist() == pytest.approx([0.2, 0.75, 0.0])
    assert table["p_fear"].tolist() == pytest.approx([0.5, 0.4, 0.25])
