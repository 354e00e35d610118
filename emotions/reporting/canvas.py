"""What all figures share: one style, colours that colour-blind people can tell apart, the same bytes every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emotions.core.files import replacing

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
# Inches, the width at which a README shows a picture of 120 dots per inch.
WIDTH = 8


@contextmanager
def drawing(path: str | Path, height: float, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[list[Axes]]:
    """Yield the axes of a new figure, row by row, and save it as `path` when the block ends without an error.

    `height` is in inches; `options` are those of matplotlib's `Figure.subplots`.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
        with replacing(path) as partial:
            # matplotlib would write its version into the file.
            figure.savefig(partial, metadata={"Software": None})
