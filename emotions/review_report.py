"""The Markdown of a review, as a pull request shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from emotions import bootstrap

if TYPE_CHECKING:
    from emotions.review import Comparison, Run

# Labels that are shown, those whose F1 moved most.
LABELS = 8


def write(before: Run, now: Run, comparison: Comparison, picture: str | None) -> str:
    """Return the review: verdict, parameters, metrics, labels, and the name of the `picture` of the losses."""
    names = [before.name, now.name]
    blocks = [
        f"## Review: {now.name} against {before.name}",
        _verdict(before, now, comparison),
        "### Parameters",
        _table(["parameter", *names], _parameters(before, now)) or "None changed.",
        "### Metrics: test",
        _table(["metric", *names, "change", "noise"], _metrics(before.test, now.test, comparison)),
        *_baseline(now),
        "### Metrics: train",
        _table(["metric", *names, "change"], [row[:-1] for row in _metrics(before.train, now.train, comparison)]),
        "### F1 by label",
        _table(["label", "support", *names, "change"], _labels(before.per_label, now.per_label)) or "None to compare.",
    ]
    if picture:
        blocks.append(f"Loss by epoch: `{picture}`.")
    return "\n\n".join(blocks) + "\n"


def _verdict(before: Run, now: Run, comparison: Comparison) -> str:
    if not comparison.judgements:
        return f"**Not comparable**: {comparison.how}."
    changes = {name: now.test[name] - before.test[name] for name in comparison.judgements}
    if (before.test, before.train) == (now.test, now.train):
        return "**No change** of any metric."
    risen, fallen = (
        any(judgement.beyond_noise and changes[name] * sign > 0 for name, judgement in comparison.judgements.items())
        for sign in (1, -1)
    )
    word = "Mixed" if risen and fallen else "Better" if risen else "Worse" if fallen else "No clear change"
    told = [f"{name} {changes[name]:+.5f}, {_side(one.beyond_noise)}" for name, one in comparison.judgements.items()]
    return f"**{word}**: {'; '.join(told)}.\n\n{comparison.how}"


def _side(beyond_noise: bool) -> str:
    return "outside the noise" if beyond_noise else "within the noise"


def _parameters(before: Run, now: Run) -> list[list[str]]:
    names = [*now.params, *(name for name in before.params if name not in now.params)]
    pairs = [(name, before.params.get(name), now.params.get(name)) for name in names]
    return [[_code(name), _code(old), _code(new)] for name, old, new in pairs if old != new]


def _metrics(old: dict[str, Any], new: dict[str, Any], comparison: Comparison) -> list[list[str]]:
    rows = []
    for name in [*new, *(name for name in old if name not in new)]:
        if name.removesuffix("_low").removesuffix("_high") in (*old, *new) and name.endswith(("_low", "_high")):
            continue  # told with the metric that it is the interval of
        note = ""
        if name in bootstrap.NAMES and old:
            one = comparison.judgements.get(name)
            note = f"{_side(one.beyond_noise)} ({one.reason})" if one else "not comparable"
        rows.append([name, _value(old, name), _value(new, name), _change(old.get(name), new.get(name)), note])
    return rows


def _baseline(now: Run) -> list[str]:
    """Tell what the encoder buys over word counts and a linear model, where that was measured."""
    names = [name for name in (*bootstrap.NAMES, "average_precision_macro") if now.baseline.get(name) is not None]
    rows = [
        [name, _value(now.baseline, name), _value(now.test, name), _change(now.baseline[name], now.test.get(name))]
        for name in names
    ]
    return ["### What the encoder buys", _table(["metric", "word counts", now.name, "more"], rows)] if rows else []


def _value(metrics: dict[str, Any], name: str) -> str:
    if metrics.get(name) is None:
        return "-"
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return str(metrics[name]) if None in (low, high) else f"{metrics[name]} ({low} to {high})"


def _change(old: Any, new: Any) -> str:
    if not all(isinstance(value, int | float) for value in (old, new)) or old == new:
        return ""
    return f"{new - old:+,}" if isinstance(old, int) and isinstance(new, int) else f"{new - old:+.5f}"


def _labels(old: pd.DataFrame | None, new: pd.DataFrame | None) -> list[list[str]]:
    if old is None or new is None:
        return []
    both = new.merge(old, on="label", suffixes=("", "_old"))
    both = both.assign(change=both["f1"] - both["f1_old"], moved=(both["f1"] - both["f1_old"]).abs())
    both = both[both["moved"] > 0].sort_values(["moved", "label"], ascending=[False, True]).head(LABELS)
    return [
        [_code(row.label), f"{row.support:,}", str(row.f1_old), str(row.f1), f"{row.change:+.5f}"]
        for row in both.itertuples()
    ]


def _code(value: Any) -> str:
    """Show a name or a value as it is: what stands in backticks mentions nobody and formats nothing."""
    if value is None:
        return "-"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "`" + " ".join(text.split()).replace("`", "'").replace("|", "\\|") + "`"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""
