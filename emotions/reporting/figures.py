"""The figures, drawn from tables: colours that colour-blind people can tell apart, and the same bytes every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from emotions.core.files import replacing
from emotions.metrics.curves import NO_LABEL

# Okabe and Ito's palette: https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, SKY, PURPLE, YELLOW = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#E69F00"
GREY, TEXT = "#777777", "#444444"
STYLE = {
    "font.size": 11,
    "text.parse_math": False,  # a label may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    "figure.dpi": 120,
    "legend.frameon": False,
}
WIDTH = 8  # inches, the width at which a README shows a picture of 120 dots per inch
NATS = "binary cross-entropy (nats)"
# From white to one dark colour: more is darker in grey print, too.
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", BLUE, "#00263d"])


def draw_loss(steps: pd.DataFrame, epochs: pd.DataFrame, path: str | Path) -> None:
    """Draw the losses by step and by epoch, and the learning rate below."""
    with drawing(path, 5.5, rows=2, sharex=True, height_ratios=[3, 1]) as (axes, rate):
        axes.plot(steps["step"], steps["loss"], color=BLUE, alpha=0.35, linewidth=1, label="training, by step")
        axes.plot(epochs["step"], epochs["train_loss"], "o-", color=BLUE, label="training, epoch mean")
        if epochs["validation_loss"].notna().any():
            axes.plot(epochs["step"], epochs["validation_loss"], "s--", color=ORANGE, label="validation")
        axes.set(title="Loss, and learning rate of the encoder", ylabel=NATS, xlim=(0, None))
        axes.legend()
        rate.plot(steps["step"], steps["lr"], color=GREEN)
        rate.set(xlabel="step", ylabel="learning rate", ylim=(0, None))


def draw_loss_of_runs(runs: dict[str, pd.DataFrame], path: str | Path) -> None:
    """Draw the losses by epoch of one or two runs, by name and the earlier first."""
    parts = [("Training loss, epoch mean", "train_loss", "o-", BLUE)]
    if any(epochs["validation_loss"].notna().any() for epochs in runs.values()):
        parts.append(("Validation loss", "validation_loss", "s--", ORANGE))
    with drawing(path, 4.5, columns=len(parts), sharex=True, sharey=True) as panels:
        for axes, (title, column, line, colour) in zip(panels, parts, strict=True):
            for (name, epochs), shade in zip(runs.items(), [GREY, colour][-len(runs) :], strict=True):
                if epochs[column].notna().any():
                    axes.plot(epochs["epoch"], epochs[column], line, color=shade, label=name)
            axes.set(title=title, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend()
        panels[0].set_ylabel(NATS)


def draw_per_label(table: pd.DataFrame, path: str | Path) -> None:
    """Draw each label's F1, best first, with its interval and its number of test comments."""
    table = table.sort_values(["f1", "label"], ascending=[True, False])
    ends = np.maximum(table["f1"], table["f1_high"]) + 0.015
    distances = np.maximum([table["f1"] - table["f1_low"], table["f1_high"] - table["f1"]], 0)
    notes = [f"{f1:.2f}  (n = {support:,})" for f1, support in zip(table["f1"], table["support"], strict=True)]
    with drawing(path, 1.2 + 0.26 * len(table)) as (axes,):
        axes.barh(range(len(table)), table["f1"], color=SKY, height=0.7)
        axes.errorbar(table["f1"], range(len(table)), xerr=distances, fmt="none", ecolor=GREY, capsize=2)
        _name_bars(axes, table["label"], ends, notes)
        axes.set(title="F1 by label", xlabel="F1 with its 95% interval; n: test comments with the label")
        axes.set(xlim=(0, 1.2), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1])


def draw_precision_recall(table: pd.DataFrame, path: str | Path) -> None:
    """Draw precision by recall of the curves in the table: all labels, up to three best, up to three worst."""
    looks = [("black", "-"), (GREEN, "-"), (BLUE, "-"), (SKY, "-"), (PURPLE, "--"), (YELLOW, "--"), (ORANGE, "--")]
    names, lines = table["curve"].unique().tolist(), []
    with drawing(path, 5) as (axes,):
        for (_, curve), (colour, style) in zip(table.groupby("curve", sort=False), looks, strict=False):
            width = 2.5 if colour == "black" else 1.5
            lines += axes.plot(curve["recall"], curve["precision"], style, color=colour, linewidth=width)
        axes.set(title="Precision by recall: all labels, the best and the worst (dashed)", xlim=(0, 1), ylim=(0, 1.02))
        axes.set(xlabel="recall", ylabel="precision")
        if lines:
            axes.legend(lines, names, title="(average precision)", loc="center left", bbox_to_anchor=(1, 0.5))


def draw_calibration(table: pd.DataFrame, path: str | Path) -> None:
    """Draw observed frequencies by predicted probability, and the number of pairs of a comment and a label below."""
    with drawing(path, 6, rows=2, sharex=True, height_ratios=[3, 1]) as (axes, counts):
        axes.plot([0, 1], [0, 1], ":", color=GREY, label="perfect calibration")
        axes.plot(table["predicted"], table["observed"], "o-", color=BLUE, label="the model")
        axes.set(title="Calibration: predicted probability against observed frequency", ylabel="observed frequency")
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.legend()
        counts.bar(table["predicted"], table["pairs"], width=0.05, color=SKY)
        counts.set(xlabel="predicted probability of a label (mean of ten ranges)")
        counts.set(ylabel="pairs", yscale="log", ylim=(0.5, None))
        counts.yaxis.set_major_formatter("{x:,.0f}")
        counts.yaxis.set_minor_formatter(NullFormatter())


def draw_f1_by_threshold(table: pd.DataFrame, thresholds: pd.Series, path: str | Path) -> None:
    """Draw F1 by a threshold common to all labels, and mark the range of the model's own `thresholds`."""
    low, high = thresholds.min(), thresholds.max()
    with drawing(path, 4.5) as (axes,):
        axes.plot(table["threshold"], table["f1_micro"], color=BLUE, label="micro")
        axes.plot(table["threshold"], table["f1_macro"], "--", color=ORANGE, label="macro")
        if low == high:
            axes.axvline(low, color="black", linewidth=1, label=f"the model's threshold: {low:.2f}")
        else:
            span = f"the model's thresholds per label: {low:.2f} to {high:.2f}"
            axes.axvspan(low, high, color=GREY, alpha=0.15, label=span)
        axes.set(title="F1 by threshold (test part)", xlabel="one threshold for all labels", ylabel="F1", xlim=(0, 1))
        axes.set_ylim(bottom=0)
        axes.legend()


def draw_confusions(table: pd.DataFrame, label_names: list[str], path: str | Path) -> None:
    """Draw which labels are predicted where another is missed; a label that is never missed has no row."""
    missed = dict(zip(table["label"], table["missed"], strict=True))
    rows = [name for name in label_names if name in missed] or label_names
    shares = table.pivot(index="label", columns="instead", values="share")
    shares = shares.reindex(index=rows, columns=[*label_names, NO_LABEL])
    shares.index = [f"{name} ({missed.get(name, 0):,})" for name in rows]
    columns = "wrongly predicted label (% of these comments)"
    _draw_shares(shares, "Predicted instead of a missed label", "missed label (comments)", columns, path)


def draw_label_counts(table: pd.DataFrame, path: str | Path) -> None:
    """Draw the number of comments with each label in each part."""
    parts = ["train", "validation", "test"]
    table = table.assign(all=table[parts].sum(axis=1)).sort_values(["all", "label"])
    notes = [" + ".join(f"{count:,}" for count in row) for row in table[parts].to_numpy().tolist()]
    left, most = np.zeros(len(table)), max(1, table["all"].max())
    with drawing(path, 1.4 + 0.26 * len(table)) as (axes,):
        for part, colour in zip(parts, (BLUE, YELLOW, SKY), strict=True):
            axes.barh(range(len(table)), table[part], left=left, color=colour, height=0.7, label=part)
            left += table[part].to_numpy()
        _name_bars(axes, table["label"], table["all"] + 0.01 * most, notes)
        axes.set(title="Comments by label", xlabel="comments: train + validation + test", xlim=(0, 1.25 * most))
        axes.legend(loc="lower right")


def draw_label_pairs(table: pd.DataFrame, label_names: list[str], path: str | Path) -> None:
    """Draw how often each label comes with each other label."""
    shares = table.pivot(index="label", columns="other", values="share").reindex(label_names, columns=label_names)
    _draw_shares(shares, "Labels that come together", "label", "also annotated (% of the label's comments)", path)


def draw_lengths(table: pd.DataFrame, max_length: int, path: str | Path) -> None:
    """Draw the number of comments by length in tokens, and the length at which they are cut off."""
    longest = int(table.loc[table["tokens"] >= max_length, "comments"].sum())
    note = f"cut off after max_length = {max_length} tokens\n({longest:,} comments reach it)"
    with drawing(path, 4) as (axes,):
        axes.bar(table["tokens"], table["comments"], width=1.0, color=BLUE)
        axes.axvline(max_length + 0.5, color=ORANGE, linestyle="--", label=note)
        axes.set(title="Length of the comments", xlabel="tokens, special tokens included", ylabel="comments")
        axes.set_xlim(0, max_length * 1.03 + 1)
        axes.legend(loc="upper right", bbox_to_anchor=(0.97, 1))


@contextmanager
def drawing(path: str | Path, height: float, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[list[Axes]]:
    """Yield the axes of a new figure, `height` inches high, row by row, and save it if the block succeeds."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
        with replacing(path) as partial:
            figure.savefig(partial, metadata={"Software": None})  # not matplotlib's version


def _draw_shares(shares: pd.DataFrame, title: str, rows: str, columns: str, path: str | Path) -> None:
    """Draw numbers from 0 to 1 as shades, missing ones as 0; `rows` and `columns` are the titles of the axes."""
    values = shares.fillna(0).to_numpy(float)
    top = max(0.1, float(values.max(initial=0)))
    with drawing(path, max(3.0, 2.3 + 0.24 * len(shares))) as (axes,):
        picture = axes.imshow(values, cmap=SHADES, vmin=0, vmax=top, aspect="auto")
        for row, column in np.argwhere(values >= 0.1):  # smaller numbers would be too many to read
            share = values[row, column]
            colour = "white" if share > top / 3 else "black"
            axes.text(column, row, f"{share * 100:.0f}", ha="center", va="center", fontsize=6.5, color=colour)
        axes.grid(visible=False)
        axes.set_xticks(range(shares.shape[1]), shares.columns, rotation=90, fontsize=8)
        axes.set_yticks(range(len(shares)), shares.index, fontsize=8)
        axes.set(title=title, xlabel=columns, ylabel=rows)
        axes.figure.colorbar(picture, ax=axes, format=PercentFormatter(1, decimals=0), aspect=40, pad=0.01)


def _name_bars(axes: Axes, labels: pd.Series, ends: pd.Series, notes: list[str]) -> None:
    """Name horizontal bars by labels, and write a note after each end."""
    axes.set_yticks(range(len(labels)), labels)
    for row, (end, note) in enumerate(zip(ends, notes, strict=True)):
        axes.text(end, row, note, va="center", fontsize=8, color=TEXT)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.6, len(labels) - 0.4)
