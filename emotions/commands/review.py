"""Compares the workspace's run with a commit's, as Markdown for a pull request.

The workspace stays as it is: DVC reads a commit's files out of git, and its predictions out of the cache or remote.
"""

import subprocess
import sys
import tempfile
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.serialize import load_path

from emotions.core.errors import InputError
from emotions.data import store
from emotions.metrics.bootstrap import NAMES, compare
from emotions.reporting import figures

SPLIT, PREDICTIONS = "data/splits/split.parquet", "data/predictions/test.parquet"
TEST, TRAIN, BASELINE = "metrics/test.json", "metrics/train.json", "metrics/baseline.json"
CHECKED = ("params.yaml", TEST, TRAIN, BASELINE, "plots/training", "plots/evaluation")
LABELS = 8  # shown, those whose F1 changed most


@dataclass
class Run:
    """A run in the workspace or in a commit; what it lacks is empty."""

    name: str
    params: dict[str, Any]
    metrics: dict[str, dict[str, Any]]  # by file
    hashes: dict[str, Any]  # in dvc.lock, by path
    stale: list[str]  # what differs from dvc.lock
    labels: pd.DataFrame
    losses: pd.DataFrame
    data: list[Any]  # its path, hash and min_votes
    predictions: store.Predictions | None = None


def run(arguments: Namespace) -> None:
    """Print the review and draw the losses, or raise `InputError` without such a commit or an up-to-date run."""
    figure = Path(arguments.figure or Path(tempfile.gettempdir(), "review.png"))
    if figure.suffix != ".png":
        raise InputError(f"--figure should end in .png, but is {arguments.figure!r}")
    commit = _commit(arguments.base)
    try:
        with Repo() as repo:
            now = _read(repo, "workspace")
            with repo.switch(commit):
                before = _read(repo, commit[:7])
            for one in (before, now):  # not inside `switch`, which brings back the commit's configuration
                one.predictions = _predictions(repo, one.hashes.get(PREDICTIONS))
    except (DvcException, ValueError) as error:  # ValueError: bytes that are not UTF-8
        raise InputError(str(error)) from None
    if now.stale or not now.hashes.get(TEST):
        raise InputError(f"{[*now.stale, TEST][0]} does not fit dvc.lock: run `dvc repro`")

    print(_markdown(before, now))
    losses = {one.name: one.losses for one in (before, now) if len(one.losses)}
    if losses:
        figures.draw_loss_of_runs(losses, figure)
        print(f"\nLoss by epoch: {_cell(figure.name)}.")
        print(f"loss of both runs: {figure}", file=sys.stderr)


def _commit(name: str | None) -> str:
    """Return the hash of a commit; by default, of the one where the branch left the main branch."""
    ways = [["merge-base", "HEAD", branch] for branch in ("origin/main", "main")]
    for way in [["rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}"]] if name else ways:
        done = subprocess.run(["git", *way], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
    if name:
        raise InputError(f"{name} is no commit of this repository")
    raise InputError("git finds no commit where HEAD left origin/main or main: fetch all history, or name a commit")


def _read(repo: Repo, name: str) -> Run:
    """Read the run in the workspace, or in the commit that `repo` was switched to."""

    def mapping(path: str) -> dict[str, Any]:
        full = repo.fs.join(repo.root_dir, path)
        found = load_path(full, repo.fs) if repo.fs.isfile(full) else {}
        if not isinstance(found, dict):
            raise InputError(f"{path} of {name} should hold names and values")
        return found

    def table(path: str, numbers: list[str]) -> pd.DataFrame:
        try:
            with repo.fs.open(repo.fs.join(repo.root_dir, path), "rb") as file:
                found = pd.read_csv(file, dtype=str, keep_default_na=False)
            return found.assign(**{name: pd.to_numeric(found[name], errors="coerce") for name in numbers})
        except (OSError, KeyError, ValueError):  # no such file, no CSV, not these columns
            return pd.DataFrame()

    outs, deps = list(repo.index.outs), list(repo.index.deps)
    watched = [*outs, *(dep for dep in deps if isinstance(dep, ParamsDependency))]
    stale = sorted({one.def_path for one in watched if one.def_path in CHECKED and one.workspace_status()})
    hashes = {one.def_path: one.hash_info.value for one in [*deps, *outs]}
    metrics, params = {path: mapping(path) for path in (TEST, TRAIN, BASELINE)}, mapping("params.yaml")
    data = [params.get("data"), hashes.get(str(params.get("data"))), params.get("min_votes")]
    labels = table("plots/evaluation/per_label.csv", ["support", "f1"])
    losses = table("plots/training/loss.csv", ["epoch", "train_loss", "validation_loss"])
    return Run(name, params, metrics, hashes, stale, labels, losses, data)


def _predictions(repo: Repo, md5: str | None) -> store.Predictions | None:
    """Return the predictions with this hash in DVC's cache, else in its remote; None if they are not there."""
    try:
        objects = repo.cache.local if repo.cache.local.exists(md5) else repo.cloud.get_remote_odb()
        return store.read_predictions(objects.fs.cat_file(objects.oid_to_path(md5)), PREDICTIONS)
    except Exception:  # no remote, no network, a file of another version: each kind of remote has errors of its own
        return None


def _verdict(before: Run, now: Run) -> str:
    """Say whether F1 got better: by a paired bootstrap where the predictions of both are at hand, else by intervals."""
    ends = [f"{name}{end}" for name in NAMES for end in ("", "_low", "_high")]
    old, new = before.predictions, now.predictions
    obstacles = {
        f"{before.name} has no run in dvc.lock": not before.hashes.get(TEST),
        f"{', '.join(before.stale)} of {before.name} does not fit its dvc.lock": bool(before.stale),
        "the data changed": before.data != now.data,
        "the split changed": before.hashes.get(SPLIT) != now.hashes.get(SPLIT),
    }
    for run in (before, now):
        lacking = [end for end in ends if not _is_number(run.metrics[TEST].get(end))]
        obstacles[f"{TEST} of {run.name} has no number for {', '.join(lacking)}"] = bool(lacking)
    if old and new:
        same = list(old.ids) == list(new.ids) and old.label_names == new.label_names
        obstacles["the test comments or their labels changed"] = not same or bool((old.labels != new.labels).any())
    for reason, holds in obstacles.items():
        if holds:
            return f"**Not comparable**: {reason}."
    if before.hashes.get(PREDICTIONS) == now.hashes.get(PREDICTIONS):
        return "**No change**: both runs predict the same."

    if old and new:
        how = f"Brackets: 95% intervals by a paired bootstrap of the same {len(new.ids):,} test comments, seeds aside."
        found = compare(new.labels, old.predicted, new.predicted, seed=0)
        changes = {name: (one.beyond_noise, f"{one.low:+.5f} to {one.high:+.5f}") for name, one in found.items()}
    else:
        how = "The predictions are not at hand; after `dvc pull` or `dvc repro` of both, smaller changes show."
        changes = {}
        for name in NAMES:
            low, high = ([run.metrics[TEST][name + end] for run in (before, now)] for end in ("_low", "_high"))
            apart = max(low) > min(high)
            changes[name] = (apart, f"the 95% intervals {'are apart' if apart else 'overlap'}")
    by = {name: now.metrics[TEST][name] - before.metrics[TEST][name] for name in NAMES}
    signs = sorted({by[name] > 0 for name, (outside, _) in changes.items() if outside})
    word = {(): "No clear change", (True,): "Better", (False,): "Worse", (False, True): "Mixed"}[tuple(signs)]
    shown = "; ".join(f"{name} {by[name]:+.5f} ({reason})" for name, (_, reason) in changes.items())
    return f"**{word}**: {shown}.\n\n{how}"


def _markdown(before: Run, now: Run) -> str:
    old, new, names = before.metrics, now.metrics, [before.name, now.name]
    params = [[name, before.params.get(name), now.params.get(name)] for name in {**now.params, **before.params}]
    baseline = {name: value for name, value in new[BASELINE].items() if name in (*NAMES, "average_precision_macro")}
    reached = {name: new[TEST].get(name) for name in baseline}
    tables = {
        "Parameters": (["parameter", *names], [list(map(_cell, row)) for row in params if row[1] != row[2]]),
        "Metrics: test": (["metric", *names, "change"], _metrics(old[TEST], new[TEST])),
        "Gain over the baseline": (["metric", "baseline", now.name, "change"], _metrics(baseline, reached)),
        "Metrics: train": (["metric", *names, "change"], _metrics(old[TRAIN], new[TRAIN])),
        "F1 by label": (["label", "comments", *names, "change"], _labels(before.labels, now.labels)),
    }
    blocks = [f"## Review: {now.name} against {before.name}", _verdict(before, now)]
    for title, (head, rows) in tables.items():
        lines = [head, ["---"] * len(head), *rows]
        blocks += [f"### {title}", "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else "None."]
    return "\n\n".join(blocks)


def _metrics(old: dict[str, Any], new: dict[str, Any]) -> list[list[str]]:
    names = dict.fromkeys([*new, *old])
    ends = {f"{name}_{end}" for name in names for end in ("low", "high")}  # shown with the metric itself

    def shown(metrics: dict[str, Any], name: str) -> str:
        low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
        return _cell(metrics.get(name)) + ("" if None in (low, high) else f" ({_cell(low)} to {_cell(high)})")

    rows = [(name, old.get(name), new.get(name)) for name in names if name not in ends]
    return [[_cell(name), shown(old, name), shown(new, name), _change(*values)] for name, *values in rows]


def _labels(old: pd.DataFrame, new: pd.DataFrame) -> list[list[str]]:
    if "label" not in old or "label" not in new:
        return []
    both = new.merge(old, on="label", suffixes=("", "_old"))
    both["moved"] = (both["f1"] - both["f1_old"]).abs()
    both = both[both["moved"] > 0].sort_values(["moved", "label"], ascending=[False, True]).head(LABELS)
    rows = both[["label", "support", "f1_old", "f1"]].itertuples(index=False)
    return [[*map(_cell, row), _change(row.f1_old, row.f1)] for row in rows]


def _change(old: Any, new: Any) -> str:
    if not (_is_number(old) and _is_number(new)) or old == new:
        return ""
    return f"{new - old:+,}" if isinstance(new - old, int) else f"{new - old:+.5f}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300  # NaN is none


def _cell(value: Any) -> str:
    """Show a name or value from the data as it is: in backticks, text mentions nobody and formats nothing."""
    if value is None or _is_number(value):
        return "-" if value is None else str(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "`" + " ".join(text.split()).replace("`", "'").replace("|", "\\|") + "`"
