"""The report: one HTML page that needs nothing else, with metrics, labels, figures and the test comments.

Jinja2 escapes text from the data, or the text stands in a block of JSON that the page's script shows as text. The
page's Content-Security-Policy forbids all requests and every other script.
"""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emotions.core.files import write_text
from emotions.data.store import Predictions

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_COMMENTS = 10_000  # a browser holds them with ease, in a file of a few megabytes
# Figures, in the order of the page, with their captions.
CAPTIONS = {
    "per_label": "F1 of each label with its 95% interval. Few test comments make wide intervals.",
    "precision_recall": "Precision by recall: all labels together, the best and the worst labels.",
    "calibration": "Predicted probabilities and observed frequencies: the nearer to the diagonal, the better.",
    "f1_by_threshold": "F1 by a threshold for all labels. The model's thresholds were chosen without the test part.",
    "confusions": "Which labels are predicted where another one is missed.",
    "loss": "Training and validation loss, and the learning rate. A rising validation loss means overfitting.",
    "label_counts": "Comments with each label in the training, validation and test parts.",
    "label_pairs": "Which labels come together.",
    "lengths": "Lengths of the comments in tokens, and where they are cut off.",
}


def write(
    path: str | Path,
    run: dict[str, object],
    metrics: dict[str, float | int | None],
    baseline: dict[str, float | int | None],
    *,
    per_label: pd.DataFrame,
    predictions: Predictions,
    texts: Sequence[str],
    figures: Path,
) -> None:
    """Write the page: equal arguments give equal bytes.

    `run` has the parameters to show, `metrics` and `baseline` are as in metrics/test.json and metrics/baseline.json,
    `per_label` as in per_label.csv. `texts` are those of `predictions`; `figures` has a PNG for each of `CAPTIONS`.
    """
    n, labels, predicted = len(texts), predictions.labels.astype(bool), predictions.predicted.astype(bool)
    shown = np.linspace(0, n - 1, min(n, MOST_COMMENTS)).round().astype(int)
    sets = [[np.flatnonzero(row).tolist() for row in table[shown]] for table in (labels, predicted)]
    thousandths = np.rint(predictions.probabilities[shown].astype(float) * 1000).astype(int).tolist()
    strings = [[column[row] for row in shown.tolist()] for column in (predictions.ids, texts)]
    data = {
        "labels": predictions.label_names,
        "thresholds": per_label["threshold"].tolist(),
        "comments": list(zip(*strings, *sets, thousandths, strict=True)),
    }
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.loader = FileSystemLoader(TEMPLATES)
    environment.filters |= {"number": _number, "base64": lambda content: base64.b64encode(content).decode()}
    page = environment.get_template("report.html.jinja").render(
        run=run,
        metrics=metrics,
        baseline=baseline,
        per_label=per_label.to_dict("records"),
        figures=[((figures / f"{name}.png").read_bytes(), caption) for name, caption in CAPTIONS.items()],
        count=n,
        shown=len(shown),
        exact=int((predicted == labels).all(axis=1).sum()),
        # Inside a script element only `<` could end it or open a comment.
        data=Markup(json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")),
        style=Markup(style),
        script=Markup(script),
        hashes={name: hashlib.sha256(text.encode()).digest() for name, text in (("style", style), ("script", script))},
    )
    write_text(path, page)


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.{digits}f}"
