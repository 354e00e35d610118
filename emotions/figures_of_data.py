"""The figures of the comments themselves, drawn of the tables in `counts`."""

from pathlib import Path

import numpy as np
import pandas as pd

from emotions.canvas import BLUE, ORANGE, SKY, YELLOW, drawing
from emotions.figures import draw_shares


def draw_label_counts(table: pd.DataFrame, path: str | Path) -> None:
    """Draw the number of comments with each label in each part. Columns as of `counts.of_labels`."""
    table = table.assign(all=table[["train", "validation", "test"]].sum(axis=1)).sort_values(["all", "label"])
    with drawing(path, 1.4 + 0.26 * len(table)) as (axes,):
        left = np.zeros(len(table))
        for part, colour in (("train", BLUE), ("validation", YELLOW), ("test", SKY)):
            axes.barh(table["label"], table[part], left=left, color=colour, height=0.7, label=part)
            left += table[part].to_numpy()
        for row, line in enumerate(table.itertuples()):
            told = f" {line.train:,} + {line.validation:,} + {line.test:,}"
            axes.text(line.all, row, told, va="center", fontsize=8, color="#444444")
        axes.grid(axis="y", visible=False)
        axes.set_ylim(-0.6, len(table) - 0.4)
        axes.set_xlim(0, 1.25 * max(1, table["all"].max()))
        axes.set_xlabel("comments: training + validation + test")
        axes.set_title("Comments with each label")
        axes.legend(loc="lower right")


def draw_pairs(table: pd.DataFrame, label_names: tuple[str, ...], path: str | Path) -> None:
    """Draw which labels come together. Columns as of `counts.of_pairs`."""
    shares = table.pivot(index="label", columns="other", values="share")
    draw_shares(
        shares.reindex(index=list(label_names), columns=list(label_names)).fillna(0),
        "Of the comments with one label, how many have another too",
        "comments with this label",
        "that have this one too",
        path,
    )


def draw_lengths(table: pd.DataFrame, max_length: int, path: str | Path) -> None:
    """Draw how long comments are, and where they are cut off. Columns as of `counts.of_lengths`."""
    with drawing(path, 4) as (axes,):
        axes.bar(table["tokens"], table["comments"], width=1.0, color=BLUE)
        at_limit = int(table.loc[table["tokens"] >= max_length, "comments"].sum())
        told = f"max_length {max_length}: longer ones are cut off\n({at_limit:,} comments are as long as that)"
        axes.axvline(max_length + 0.5, color=ORANGE, linestyle="--", label=told)
        axes.set_xlim(0, max_length * 1.03 + 1)
        axes.set_xlabel("tokens of a comment, special tokens included")
        axes.set_ylabel("comments")
        axes.set_title("Length of the comments")
        axes.legend(loc="upper right", bbox_to_anchor=(0.97, 1))
