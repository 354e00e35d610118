"""predictions/test.parquet: names and probabilities as other tools read them."""

from pathlib import Path

import numpy as np
import pandas as pd

from emotions import predictions_file


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
