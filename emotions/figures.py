"""The figures of training and of judging. Each is drawn of the table that is kept beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter
from matplotlib.transforms import Bbox

from emotions.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, YELLOW, drawing

NATS = "binary cross-entropy (nats)"
# From white to one colour: darker is more, in grey print too.
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", BLUE, "#00263d"])


def draw_loss(steps: pd.DataFrame, epochs: pd.DataFrame, path: str | Path) -> None:
    """Draw the loss by step and epoch, and the learning rate under it. Columns as in `training.History`."""
    with drawing(path, 5.5, rows=2, sharex=True, height_ratios=[3, 1]) as (axes, rate):
        axes.plot(steps["step"], steps["loss"], color=BLUE, alpha=0.35, linewidth=1, label="training, by step")
        axes.plot(epochs["step"], epochs["train_loss"], "o-", color=BLUE, label="training, mean of the epoch")
        if epochs["validation_loss"].notna().any():
            axes.plot(
                epochs["step"], epochs["validation_loss"], "s--", color=ORANGE, label="validation, after the epoch"
            )
        axes.set_ylabel(NATS)
        axes.set_title("Loss, and the encoder's learning rate")
        axes.set_xlim(left=0)
        axes.legend()
        rate.plot(steps["step"], steps["lr"], color=GREEN)
        rate.set_ylim(bottom=0)
        rate.set_ylabel("learning rate")
        rate.set_xlabel("step")


def draw_loss_of_runs(runs: dict[str, pd.DataFrame], path: str | Path) -> None:
    """Draw the loss by epoch of two runs, named by the keys, the earlier first; one run alone is drawn as the later.

    Each has the columns epoch, train_loss and validation_loss, the last without numbers where nothing was validated.
    """
    parts = [("training, mean of the epoch", "train_loss", "o-", BLUE)]
    if any(epochs["validation_loss"].notna().any() for epochs in runs.values()):
        parts.append(("validation, after the epoch", "validation_loss", "s--", ORANGE))
    with drawing(path, 4.5, columns=len(parts), sharex=True, sharey=True) as panels:
        for axes, (title, column, line, colour) in zip(panels, parts, strict=True):
            for (name, epochs), shade in zip(runs.items(), [GREY, colour][-len(runs) :], strict=True):
                if epochs[column].notna().any():
                    axes.plot(epochs["epoch"], epochs[column], line, color=shade, label=name)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("epoch")
            axes.set_title(f"Loss: {title}")
            axes.legend()
        panels[0].set_ylabel(NATS)


def draw_per_label(table: pd.DataFrame, path: str | Path) -> None:
    """Draw each label's F1, best first, with its interval and its number of test comments.

    Columns as in `scores.score_labels`, and f1_low and f1_high.
    """
    table = table.sort_values(["f1", "label"], ascending=[True, False])
    with drawing(path, 1.2 + 0.26 * len(table)) as (axes,):
        axes.barh(table["label"], table["f1"], color=SKY, height=0.7)
        axes.errorbar(table["f1"], table["label"], xerr=_distances(table), fmt="none", ecolor=GREY, capsize=2)
        for row, line in enumerate(table.itertuples()):
            told = f"{line.f1:.2f}  (n = {line.support:,})"
            axes.text(max(line.f1, line.f1_high) + 0.015, row, told, va="center", fontsize=9, color="#444444")
        axes.grid(axis="y", visible=False)
        axes.set_ylim(-0.6, len(table) - 0.4)
        axes.set_xlim(0, 1.2)
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        axes.set_xlabel("F1, with its 95% interval")
        axes.set_title("F1 of each label, with its number of test comments")


def draw_f1_by_count(table: pd.DataFrame, path: str | Path) -> None:
    """Draw each label's F1 against its number of test comments. Columns as for `draw_per_label`."""
    table = table[table["support"] > 0]
    with drawing(path, 5.5) as (axes,):
        axes.errorbar(
            table["support"], table["f1"], yerr=_distances(table), fmt="o", color=BLUE, ecolor="#9cc4de", capsize=2
        )
        axes.set_xscale("log")
        axes.set_xlim(table["support"].min() / 1.5, table["support"].max() * 2)
        axes.set_ylim(0, 1)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("test comments with the label")
        axes.set_ylabel("F1, with its 95% interval")
        axes.set_title("F1 by count: the rarer a label, the less its F1 says")
        _name_points(axes, table)


def draw_precision_recall(table: pd.DataFrame, path: str | Path) -> None:
    """Draw precision by recall. Columns as of `curves.precision_recall`."""
    colours = [GREEN, BLUE, SKY, PURPLE, YELLOW, ORANGE]
    with drawing(path, 5) as (axes,):
        for number, (name, curve) in enumerate(table.groupby("curve", sort=False)):
            common = number == 0
            line = {"color": "black", "linewidth": 2.5} if common else {"color": colours[(number - 1) % 6]}
            style = "-" if number <= 3 else "--"
            axes.plot(curve["recall"], curve["precision"], style, label=name, **line)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")
        axes.set_title("Precision by recall: all labels, the best, and the worst (dashed)", fontsize=11)
        if len(table):
            axes.legend(title="average precision in brackets", loc="center left", bbox_to_anchor=(1, 0.5))


def draw_reliability(table: pd.DataFrame, path: str | Path) -> None:
    """Draw what becomes of a probability. Columns as of `curves.reliability`."""
    with drawing(path, 6, rows=2, sharex=True, height_ratios=[3, 1]) as (axes, counts):
        axes.plot([0, 1], [0, 1], ":", color=GREY, label="perfectly calibrated")
        axes.plot(table["predicted"], table["observed"], "o-", color=BLUE, label="the model")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_ylabel("part that holds")
        axes.set_title("Reliability: of all labels predicted with a probability, how many hold")
        axes.legend()
        counts.bar(table["predicted"], table["pairs"], width=0.05, color=SKY)
        counts.set_yscale("log")
        counts.set_ylabel("pairs")
        counts.set_xlabel("predicted probability, mean of its range; pairs of comment and label")


def draw_f1_by_threshold(table: pd.DataFrame, thresholds: np.ndarray, path: str | Path) -> None:
    """Draw F1 by a threshold for all labels, and mark where `thresholds`, (L,), are.

    Columns as of `curves.f1_by_threshold`.
    """
    with drawing(path, 4.5) as (axes,):
        axes.plot(table["threshold"], table["f1_micro"], color=BLUE, label="micro")
        axes.plot(table["threshold"], table["f1_macro"], "--", color=ORANGE, label="macro")
        low, high = thresholds.min(), thresholds.max()
        if low == high:
            axes.axvline(low, color="black", linewidth=1, label=f"the model's: {low:.2f}")
        else:
            axes.axvspan(low, high, color=GREY, alpha=0.15, label=f"the model's, one a label: {low:.2f} to {high:.2f}")
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("threshold, the same for all labels")
        axes.set_ylabel("F1 on the test part")
        axes.set_title("F1 by threshold; the model's was chosen without the test part")
        axes.legend()


def draw_confusions(table: pd.DataFrame, label_names: tuple[str, ...], path: str | Path) -> None:
    """Draw which label is given where another is missed. Columns as of `curves.confusions`."""
    missed = dict(zip(table["label"], table["missed"], strict=True))
    rows = [name for name in label_names if name in missed] or list(label_names)
    shares = table.pivot(index="label", columns="instead", values="share")
    shares = shares.reindex(index=rows, columns=[*label_names, "nothing"]).fillna(0)
    draw_shares(
        shares.set_axis([f"{name} ({missed.get(name, 0):,})" for name in rows]),
        "Of the test comments that miss a label, what they were given instead",
        "label missed (comments)",
        "given, and not among the comment's labels",
        path,
    )


def draw_shares(shares: pd.DataFrame, title: str, rows: str, columns: str, path: str | Path) -> None:
    """Draw a table of numbers from 0 to 1 as shades; `rows` and `columns` say what its index and columns are."""
    with drawing(path, max(3.0, 2.3 + 0.24 * len(shares))) as (axes,):
        axes.grid(visible=False)
        top = max(0.1, float(shares.to_numpy().max(initial=0)))
        picture = axes.imshow(shares.to_numpy(), cmap=SHADES, vmin=0, vmax=top, aspect="auto")
        for (row, column), share in np.ndenumerate(shares.to_numpy()):
            if share >= 0.1:  # the others are too many to read
                colour = "white" if share > top / 3 else "black"
                axes.text(column, row, f"{share * 100:.0f}", ha="center", va="center", fontsize=6.5, color=colour)
        axes.set_xticks(range(shares.shape[1]), shares.columns, rotation=90, fontsize=8)
        axes.set_yticks(range(len(shares)), shares.index, fontsize=8)
        axes.set_xlabel(columns)
        axes.set_ylabel(rows)
        axes.set_title(title, fontsize=11)
        axes.figure.colorbar(picture, ax=axes, format=PercentFormatter(1), aspect=40, pad=0.01)


def _distances(table: pd.DataFrame) -> np.ndarray:
    """Return how far the ends of the intervals are from F1, (2, rows), never below 0."""
    ends = [table["f1"] - table["f1_low"], table["f1_high"] - table["f1"]]
    return np.maximum(np.array(ends, float), 0)


def _name_points(axes: Axes, table: pd.DataFrame) -> None:
    """Write each label beside its point, the rarest first, where there is room: nowhere over another name or point."""
    figure = axes.figure
    figure.draw_without_rendering()  # places on the picture are known after the layout alone
    points = axes.transData.transform(table[["support", "f1"]].to_numpy(float))
    taken: list[Bbox] = []
    for index in np.argsort(table["support"], kind="stable"):
        text = axes.annotate(
            table["label"].iloc[index], points[index] + [7, 0], xycoords="figure pixels", fontsize=8, va="center"
        )
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in taken) or any(box.contains(*point) for point in points):
            text.remove()
        else:
            taken.append(box)
