"""The figures: the same bytes for the same numbers, and the old one kept when drawing fails."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from emotions import counts, curves, figures, figures_of_data

STEPS = pd.DataFrame({"step": [1, 2, 3, 4], "loss": [0.7, 0.5, 0.4, 0.3], "lr": [1e-4, 9e-5, 5e-5, 0]})
EPOCHS = pd.DataFrame({"step": [2, 4], "train_loss": [0.6, 0.35], "validation_loss": [0.65, 0.5]})
NAMES = ("joy", "anger", "fear")
PER_LABEL = pd.DataFrame({"label": NAMES, "f1": [0.5, 0.5, 0.0], "support": [1200, 30, 1]})
PER_LABEL = PER_LABEL.assign(f1_low=[0.45, 0.3, 0.0], f1_high=[0.55, 0.7, 0.0])
RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.random((50, 3))
LABELS = (RANDOM.random((50, 3)) < PROBABILITIES).astype(np.uint8)
NONE = np.zeros_like(LABELS)
GIVEN = PROBABILITIES >= 0.5
BY_THRESHOLD = curves.f1_by_threshold(LABELS, PROBABILITIES)
PARTS = np.array(["train", "validation", "test"])[RANDOM.integers(3, size=50)]
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
    "F1 by count": lambda path: figures.draw_f1_by_count(PER_LABEL, path),
    "F1 by count, one label": lambda path: figures.draw_f1_by_count(PER_LABEL[1:2], path),
    "precision by recall": lambda path: figures.draw_precision_recall(
        curves.precision_recall(LABELS, PROBABILITIES, NAMES), path
    ),
    "precision by recall of nothing": lambda path: figures.draw_precision_recall(
        curves.precision_recall(NONE, PROBABILITIES, NAMES), path
    ),
    "reliability": lambda path: figures.draw_reliability(curves.reliability(LABELS, PROBABILITIES), path),
    "F1 by threshold": lambda path: figures.draw_f1_by_threshold(BY_THRESHOLD, np.full(3, 0.3), path),
    "F1 by threshold, one a label": lambda path: figures.draw_f1_by_threshold(
        BY_THRESHOLD, np.array([0.2, 0.3, 0.4]), path
    ),
    "confusions": lambda path: figures.draw_confusions(curves.confusions(LABELS, GIVEN, NAMES), NAMES, path),
    "no confusion": lambda path: figures.draw_confusions(curves.confusions(LABELS, LABELS, NAMES), NAMES, path),
    "label counts": lambda path: figures_of_data.draw_label_counts(counts.of_labels(LABELS, PARTS, NAMES), path),
    "pairs": lambda path: figures_of_data.draw_pairs(counts.of_pairs(LABELS, NAMES), NAMES, path),
    "no pair": lambda path: figures_of_data.draw_pairs(counts.of_pairs(np.eye(3), NAMES), NAMES, path),
    "lengths": lambda path: figures_of_data.draw_lengths(counts.of_lengths(np.array([3, 8, 8, 16])), 16, path),
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
