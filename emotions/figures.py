"""Every figure, drawn so that the same numbers give the same bytes."""

from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from emotions.files import replacing

# Okabe and Ito's palette, told apart with colour-blind eyes: https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
STYLE = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    "figure.dpi": 120,
}


def draw_loss(steps: pd.DataFrame, epochs: pd.DataFrame, path: str | Path) -> None:
    """Draw the loss by step and epoch, training and validation. Columns as in `training.History`."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.plot(steps["step"], steps["loss"], color=BLUE, alpha=0.35, linewidth=1, label="training, by step")
        axes.plot(epochs["step"], epochs["train_loss"], "o-", color=BLUE, label="training, mean of the epoch")
        if epochs["validation_loss"].notna().any():
            axes.plot(
                epochs["step"], epochs["validation_loss"], "s--", color=ORANGE, label="validation, after the epoch"
            )
        axes.set_xlabel("step")
        axes.set_ylabel("binary cross-entropy (nats)")
        axes.set_title("Loss")
        axes.set_xlim(left=0)
        axes.legend(frameon=False)
        _save(figure, path)


def draw_loss_of_runs(runs: dict[str, pd.DataFrame], path: str | Path) -> None:
    """Draw the loss by epoch of two runs, named by the keys, the earlier first; one run alone is drawn as the later.

    Each has the columns epoch, train_loss and validation_loss, the last without numbers where nothing was validated.
    """
    parts = [("training, mean of the epoch", "train_loss", "o-", BLUE)]
    if any(epochs["validation_loss"].notna().any() for epochs in runs.values()):
        parts.append(("validation, after the epoch", "validation_loss", "s--", ORANGE))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        panels = figure.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, column, line, colour) in zip(panels, parts, strict=True):
            for (name, epochs), shade in zip(runs.items(), [GREY, colour][-len(runs) :], strict=True):
                if epochs[column].notna().any():
                    axes.plot(epochs["epoch"], epochs[column], line, color=shade, label=name)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("epoch")
            axes.set_title(f"Loss: {title}")
            axes.legend(frameon=False)
        panels[0].set_ylabel("binary cross-entropy (nats)")
        _save(figure, path)


def draw_per_label(table: pd.DataFrame, path: str | Path) -> None:
    """Draw each label's F1, best first, with its number of test comments. Columns as in `scores.score_labels`."""
    table = table.sort_values(["f1", "label"], ascending=[True, False])
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 1.2 + 0.26 * len(table)), layout="constrained")
        axes = figure.subplots()
        axes.barh(table["label"], table["f1"], color=BLUE, height=0.7)
        for row, (f1, support) in enumerate(zip(table["f1"], table["support"], strict=True)):
            axes.text(f1 + 0.01, row, f"{f1:.2f}  (n = {support:,})", va="center", fontsize=9, color=GREY)
        axes.grid(axis="y", visible=False)
        axes.set_ylim(-0.6, len(table) - 0.4)
        axes.set_xlim(0, 1.12)
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        axes.set_xlabel("F1")
        axes.set_title("F1 of each label, with its number of test comments")
        _save(figure, path)


def _save(figure: Figure, path: str | Path) -> None:
    with replacing(path) as partial:
        # matplotlib would write its version into the file.
        figure.savefig(partial, metadata={"Software": None})
