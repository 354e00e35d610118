"""The figures on odd numbers: the same bytes for the same numbers, and the old figure kept when drawing fails."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from emotions.data import counts
from emotions.metrics import curves
from emotions.reporting import figures

STEPS = pd.DataFrame({"step": [1, 2, 3, 4], "loss": [0.7, 0.5, 0.4, 0.3], "lr": [1e-4, 9e-5, 5e-5, 0]})
RUN = pd.DataFrame({"epoch": [1, 2], "step": [2, 4], "train_loss": [0.6, 0.35], "validation_loss": [0.65, 0.5]})
BLIND, OLDER = RUN.assign(validation_loss=np.nan), RUN.assign(train_loss=[0.7, 0.5])
NAMES = ["joy", "anger", "fear"]
PER_LABEL = pd.DataFrame({"label": NAMES, "f1": [0.5, 0.5, 0.0], "support": [1200, 30, 1]})
PER_LABEL = PER_LABEL.assign(f1_low=[0.45, 0.3, 0.0], f1_high=[0.55, 0.7, 0.0])
PROBABILITIES = np.random.default_rng(0).random((50, 3))
LABELS = (PROBABILITIES > 0.4).astype(np.uint8)
BY_THRESHOLD = curves.f1_by_threshold(LABELS, PROBABILITIES)
DRAWINGS = {
    "loss": (figures.draw_loss, STEPS, RUN),
    "loss without validation": (figures.draw_loss, STEPS, BLIND),
    "loss of two runs": (figures.draw_loss_of_runs, {"main": OLDER, "workspace": RUN}),
    "loss of one run": (figures.draw_loss_of_runs, {"workspace": RUN}),
    "loss of two runs, one without validation": (figures.draw_loss_of_runs, {"main": BLIND, "workspace": RUN}),
    "F1 by label": (figures.draw_per_label, PER_LABEL),
    "F1 by label in another order": (figures.draw_per_label, PER_LABEL[::-1]),
    "precision of no label": (figures.draw_precision_recall, curves.precision_recall(0 * LABELS, PROBABILITIES, NAMES)),
    "a common threshold": (figures.draw_f1_by_threshold, BY_THRESHOLD, pd.Series([0.3] * 3)),
    "thresholds per label": (figures.draw_f1_by_threshold, BY_THRESHOLD, pd.Series([0.2, 0.3, 0.4])),
    "no confusion": (figures.draw_confusions, curves.confusions(LABELS, LABELS, NAMES), NAMES),
    "no pair": (figures.draw_label_pairs, counts.of_pairs(np.eye(3), NAMES), NAMES),
}


def test_the_same_numbers_give_the_same_bytes_without_a_software_version(tmp_path):
    pictures = set()
    for draw, *arguments in DRAWINGS.values():
        for name in ("one.png", "two.png"):
            draw(*arguments, tmp_path / name)
        content = (tmp_path / "one.png").read_bytes()
        assert content == (tmp_path / "two.png").read_bytes() and b"atplotlib" not in content
        pictures.add(content)
    assert len(pictures) == len(DRAWINGS) - 1  # F1 by label does not depend on the order of the table


def test_a_failure_keeps_the_old_figure(tmp_path, monkeypatch):
    (tmp_path / "figure.png").write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: path.write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        figures.draw_per_label(PER_LABEL, tmp_path / "figure.png")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("figure.png", b"old")]


def test_labels_are_no_mathematics_and_none_is_left_out(tmp_path, monkeypatch):
    names, drawn = [r"a $\frac$ b", "_hidden", "1"], []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: drawn.append(figure) or path.write_bytes(b""))
    table = curves.precision_recall(LABELS, PROBABILITIES, names)
    figures.draw_precision_recall(table, tmp_path / "figure.png")
    legend = drawn[0].axes[0].get_legend().get_texts()
    assert [text.get_text() for text in legend] == table["curve"].unique().tolist()
    assert not any(text.get_parse_math() for text in legend)
