"""The figures: the same bytes for the same numbers, and the old one kept when drawing fails."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from emotions import figures

STEPS = pd.DataFrame({"step": [1, 2, 3, 4], "loss": [0.7, 0.5, 0.4, 0.3]})
EPOCHS = pd.DataFrame({"step": [2, 4], "train_loss": [0.6, 0.35], "validation_loss": [0.65, 0.5]})
PER_LABEL = pd.DataFrame({"label": ["joy", "anger", "fear"], "f1": [0.5, 0.5, 0.0], "support": [1200, 30, 1]})
RUNS = {"main": EPOCHS.assign(epoch=[1, 2]), "workspace": EPOCHS.assign(epoch=[1, 2], train_loss=[0.5, 0.3])}
DRAWINGS = {
    "loss": lambda path: figures.draw_loss(STEPS, EPOCHS, path),
    "loss without validation": lambda path: figures.draw_loss(STEPS, EPOCHS.assign(validation_loss=None), path),
    "loss of two runs": lambda path: figures.draw_loss_of_runs(RUNS, path),
    "loss of one run": lambda path: figures.draw_loss_of_runs({"workspace": RUNS["workspace"]}, path),
    "loss of two runs, one without validation": lambda path: figures.draw_loss_of_runs(
        {**RUNS, "main": RUNS["main"].assign(validation_loss=None)}, path
    ),
    "per label": lambda path: figures.draw_per_label(PER_LABEL, path),
    "per label, in other order": lambda path: figures.draw_per_label(PER_LABEL[::-1], path),
}


def test_the_same_numbers_in_any_order_give_the_same_bytes_without_a_software_version(tmp_path):
    pictures = set()
    for draw in DRAWINGS.values():
        for name in ("one.png", "two.png"):
            draw(tmp_path / name)
        content = (tmp_path / "one.png").read_bytes()
        assert content.startswith(b"\x89PNG") and content == (tmp_path / "two.png").read_bytes()
        assert b"tEXt" not in content and b"atplotlib" not in content
        pictures.add(content)
    # Those per label are one and the same.
    assert len(pictures) == len(DRAWINGS) - 1


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_the_old_figure_survives_a_failure(drawing, tmp_path, monkeypatch):
    (tmp_path / "figure.png").write_bytes(b"old")

    def fail(figure, path, **options):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        DRAWINGS[drawing](tmp_path / "figure.png")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("figure.png", b"old")]
