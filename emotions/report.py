"""The report: one HTML page that needs nothing else, with the metrics, the figures, the labels and the comments.

The page is made of the files in templates/. Text from the data is escaped by Jinja2, or lies in a block of JSON that
the page's script shows as text; the page's Content-Security-Policy lets no request out and no other script run.
"""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from emotions.files import write_text

FOLDER = Path(__file__).resolve().parent / "templates"
# What the page is made of, beside this module.
TEMPLATES = tuple(FOLDER / name for name in ("report.html.jinja", "report.css", "report.js"))
# Comments on the page: what a browser holds with ease, in a file of a few megabytes.
MOST_COMMENTS = 10_000

# The headline, in its order: name → title, what it tells. All other metrics stand in a table.
EXPLAINED = {
    "f1_micro": (
        "F1, micro",
        "All labels of all comments in one count: how well the labels given agree with those annotated. Frequent "
        "labels weigh most. The first number to look at when two runs are compared.",
    ),
    "f1_macro": (
        "F1, macro",
        "The mean of the F1 of all labels, each label counting the same. If it falls while micro stays, a change paid "
        "for frequent labels with rare ones.",
    ),
    "subset_accuracy": (
        "Comments wholly right",
        "The share of comments with exactly the annotated labels, none missing and none too many. The rest would need "
        "a correction by hand.",
    ),
    "average_precision_macro": (
        "Average precision, macro",
        "How well the probability of a label puts the comments that have it before those that do not. No threshold has "
        "a part in it: if it stays while F1 moves, only thresholds changed.",
    ),
    "calibration_error": (
        "Calibration error",
        "How far probabilities are from how often they hold; lower is better. Most labels of a comment have a "
        "probability near 0 and hold it easily, so confident ones may be further off than this mean says.",
    ),
}


def write(
    path: str | Path,
    *,
    run: dict[str, object],
    metrics: dict[str, float | int | None],
    per_label: pd.DataFrame,
    label_names: Sequence[str],
    ids: np.ndarray,
    texts: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    figures: Sequence[tuple[str | Path, str]],
    baseline: dict[str, float | int | None] | None = None,
) -> None:
    """Write the page. The same arguments, and figures of the same content, give the same bytes.

    run: what was run, name → value, as it is to be shown. metrics: as in metrics/test.json; `x_low` and `x_high` are
    the 95% interval of `x`. baseline: the same of a simpler model, to compare with. per_label: as
    `scores.score_labels` returns it, and perhaps the columns f1_low and f1_high, the 95% interval of f1.
    label_names: L names. ids, texts: (n,), n at least 1. labels: (n, L) of 0 and 1. probabilities: (n, L).
    thresholds: (L,); a label is given from its threshold on. figures: (PNG file, caption) each.
    """
    n = len(texts)
    shown = np.arange(n) if n <= MOST_COMMENTS else np.linspace(0, n - 1, MOST_COMMENTS).round().astype(int)
    given = probabilities >= thresholds
    comments = {
        "labels": list(label_names),
        "thresholds": [round(float(threshold), 4) for threshold in thresholds],
        # Of each: id, text, labels annotated, labels given, probabilities in thousandths.
        "comments": [
            [
                str(ids[row]),
                str(texts[row]),
                np.flatnonzero(labels[row]).tolist(),
                np.flatnonzero(given[row]).tolist(),
                np.rint(np.asarray(probabilities[row], float) * 1000).astype(int).tolist(),
            ]
            for row in shown
        ],
    }
    style, script = (file.read_text(encoding="utf-8") for file in TEMPLATES[1:])
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": _number}
    page = environment.get_template(TEMPLATES[0].name).render(
        run=run,
        headline=[_metric(name, metrics, baseline or {}) for name in EXPLAINED if name in metrics],
        others=[_metric(name, metrics, baseline or {}) for name in _values(metrics) if name not in EXPLAINED],
        baseline=baseline is not None,
        per_label=per_label.to_dict("records"),
        with_intervals={"f1_low", "f1_high"} <= set(per_label.columns),
        figures=[(base64.b64encode(Path(file).read_bytes()).decode(), caption) for file, caption in figures],
        count=n,
        shown=len(shown),
        right=int(np.all(given == labels.astype(bool), axis=1).sum()),
        # Inside a script element only `<` could end it or open a comment.
        data=Markup(json.dumps(comments, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    write_text(path, page)


def _values(metrics: dict) -> list[str]:
    """Return the names that are neither an interval's end nor the number of comments."""
    ends = {f"{name}_{end}" for name in metrics for end in ("low", "high")}
    return [name for name in metrics if name not in ends and name != "comments"]


def _metric(name: str, metrics: dict, baseline: dict) -> dict[str, object]:
    title, explanation = EXPLAINED.get(name, (name, ""))
    return {
        "title": title,
        "name": name,
        "explanation": explanation,
        **{key: metrics.get(f"{name}{end}") for key, end in (("value", ""), ("low", "_low"), ("high", "_high"))},
        "baseline": baseline.get(name),
        "baseline_low": baseline.get(f"{name}_low"),
        "baseline_high": baseline.get(f"{name}_high"),
    }


def _number(value: float | None, digits: int = 3) -> str:
    """Return the number as it is shown, n/a where there is none."""
    return "n/a" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _hash(content: str) -> str:
    """Return the source that lets exactly this inline style or script through a Content-Security-Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
