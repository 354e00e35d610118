"""What the workspace's run changes against a commit: parameters, metrics, F1 by label, loss; and what of it is noise.

Nothing in the workspace is touched: a commit's files are read out of git, its predictions out of DVC's cache or remote.
"""

import hashlib
import io
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from emotions import bootstrap, figures, predictions_file, review_report
from emotions.errors import InputError

COMMENTS, SPLIT = "data/processed/comments.parquet", "data/splits/split.parquet"
TEST, TRAIN, BASELINE = "metrics/test.json", "metrics/train.json", "metrics/baseline.json"
PREDICTIONS = "data/predictions/test.parquet"
PER_LABEL, LOSS = "plots/per_label.csv", "plots/loss.csv"


@dataclass(frozen=True)
class Run:
    """What a commit, or the workspace, holds of a run; None or an empty dict for what it lacks.

    params: those of params.yaml. ran: those of dvc.lock. outs: the md5 of every output in dvc.lock, by path; data: the
    md5 of the data. changed: the path of a file that does not fit dvc.lock. test, train, baseline: the metrics.
    per_label, loss: the tables in plots/, as `scores.score_labels` and `training.History` have them.
    """

    name: str
    params: dict[str, Any]
    ran: dict[str, Any]
    outs: dict[str, str]
    data: str | None
    changed: str | None
    test: dict[str, Any]
    train: dict[str, Any]
    baseline: dict[str, Any]
    per_label: pd.DataFrame | None
    loss: pd.DataFrame | None


@dataclass(frozen=True)
class Judgement:
    """Whether the change of an F1 is outside the noise, and why."""

    beyond_noise: bool
    reason: str


@dataclass(frozen=True)
class Comparison:
    """The judgements of f1_micro and f1_macro, none where the runs cannot be compared; and how, or why not."""

    judgements: dict[str, Judgement]
    how: str


def review(base: str | None, figure: str) -> str:
    """Compare the workspace with the commit `base`, write the picture `figure`, and return the Markdown.

    base: anything that git takes for a commit; None for the one where the branch left the main branch. Raises
    `InputError` without git, for an unknown `base`, and where the workspace's run is missing or not up to date.
    """
    if Path(figure).suffix != ".png":
        raise InputError(f"--figure should end in .png, but is {figure!r}")
    commit = _commit_to_compare_with(base)
    now = _read("workspace", "", lambda path: Path(path).read_bytes() if Path(path).is_file() else None)
    for path, found in (("dvc.lock", now.outs), (TEST, now.test), (TRAIN, now.train)):
        if not found:
            raise InputError(f"{path} is missing or empty: run `dvc repro`")
    if now.changed:
        raise InputError(f"{now.changed} does not fit dvc.lock: run `dvc repro`")
    short = _git("rev-parse", "--short", commit).decode().strip()
    before = _read(short, f"{short}:", lambda path: _git("cat-file", "blob", f"{commit}:./{path}"))

    losses = {run.name: run.loss for run in (before, now) if run.loss is not None}
    if losses:
        figures.draw_loss_of_runs(losses, figure)
    return review_report.write(before, now, _compare(before, now), Path(figure).name if losses else None)


def _commit_to_compare_with(base: str | None) -> str:
    if _git("rev-parse", "--git-dir") is None:
        raise InputError("this folder is not in a git repository, so there is no commit to compare with")
    if base is not None:
        commit = _commit(base)
        if commit is None:
            raise InputError(f"{base} is no commit of this repository")
        return commit
    main = next((name for name in ("origin/main", "main") if _commit(name)), None)
    if main is None:
        raise InputError("there is no branch origin/main or main: name the commit to compare with")
    common = _git("merge-base", "HEAD", main)
    if common is None:
        raise InputError(f"HEAD and {main} have no commit in common, or the clone is shallow: name another")
    return common.decode().strip()


def _commit(name: str) -> str | None:
    found = _git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
    return None if found is None else found.decode().strip()


def _git(*arguments: str) -> bytes | None:
    """Return what git printed, None when it failed."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True)
    except FileNotFoundError:
        raise InputError("git is not installed") from None
    return done.stdout if done.returncode == 0 else None


def _read(name: str, where: str, read: Callable[[str], bytes | None]) -> Run:
    """Read a run's files with `read`, which returns None for a file that is not there; errors name it after `where`."""
    settings = _numbers(_mapping(read("params.yaml"), yaml.safe_load, f"{where}params.yaml"))
    lock = _mapping(read("dvc.lock"), yaml.safe_load, f"{where}dvc.lock")
    try:
        stages = lock.get("stages", {})
        ran = {}
        for one in stages.values():
            ran |= _numbers(one.get("params", {}).get("params.yaml", {}))
        outs = {out["path"]: out["md5"] for one in stages.values() for out in one.get("outs", [])}
        deps = {dep["path"]: dep["md5"] for dep in stages.get("preprocess", {}).get("deps", [])}
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{where}dvc.lock is damaged") from None
    files = {path: read(path) for path in (TEST, TRAIN, BASELINE, PER_LABEL, LOSS)}
    changed = [path for path, content in files.items() if content and _md5(content) != outs.get(path)]
    changed += ["params.yaml" for key in ran if settings.get(key, ran[key]) != ran[key]]
    return Run(
        name=name,
        params=settings,
        ran=ran,
        outs=outs,
        data=deps.get(ran.get("data")),
        changed=changed[0] if changed else None,
        test=_mapping(files[TEST], json.loads, where + TEST),
        train=_mapping(files[TRAIN], json.loads, where + TRAIN),
        baseline=_mapping(files[BASELINE], json.loads, where + BASELINE),
        # A label may be called NA; a missing validation loss is empty.
        per_label=_table(files[PER_LABEL], ["label", "support", "f1"], keep_default_na=False),
        loss=_table(files[LOSS], ["epoch", "train_loss", "validation_loss"]),
    )


def _numbers(parameters: dict[str, Any]) -> dict[str, Any]:
    """Turn 1e-4 into a number, which YAML 1.1 takes for a string and the YAML 1.2 that DVC writes does not."""
    shape = re.compile(r"[-+]?\d+(\.\d*)?e[-+]?\d+", re.IGNORECASE)
    return {
        name: float(value) if isinstance(value, str) and shape.fullmatch(value) else value
        for name, value in parameters.items()
    }


def _mapping(content: bytes | None, parse: Callable[[bytes], Any], name: str) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        parsed = parse(content)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name} cannot be read: {error}") from None
    if not isinstance(parsed, dict):
        raise InputError(f"{name} should hold names and values")
    return parsed


def _table(content: bytes | None, columns: list[str], **options: Any) -> pd.DataFrame | None:
    try:
        return pd.read_csv(io.BytesIO(content or b""), **options)[columns]
    except (KeyError, ValueError):  # other columns, or no CSV: a picture or a table less
        return None


def _compare(before: Run, now: Run) -> Comparison:
    """Judge the changes of the F1s: on the same resamples of the test comments if that can be, else by intervals."""
    if not before.outs:
        return Comparison({}, f"{before.name} has no dvc.lock")
    for run in (before, now):
        if not all(name in run.test for name in bootstrap.NAMES):
            return Comparison({}, f"{run.name} has no F1 in {TEST}")
    if before.changed:
        return Comparison({}, f"{before.changed} of {before.name} does not fit its dvc.lock")
    if before.data != now.data or _differ(before, now, "data", "min_votes"):
        return Comparison({}, "the data changed")
    if before.outs.get(SPLIT) != now.outs.get(SPLIT):
        return Comparison({}, "the split changed")
    if PREDICTIONS in now.outs and before.outs.get(PREDICTIONS) == now.outs[PREDICTIONS]:
        same = Judgement(False, "the same predictions")
        return Comparison(dict.fromkeys(bootstrap.NAMES, same), "The predictions are the same to the last digit.")

    old, new = _predictions(before), _predictions(now)
    if old and new:
        if (old.ids, old.label_names) != (new.ids, new.label_names) or (old.labels != new.labels).any():
            return Comparison({}, "the test comments or their labels changed")
        found = bootstrap.compare(new.labels, old.given, new.given, int(now.ran.get("seed", 0)))
        return Comparison(
            {
                name: Judgement(one.beyond_noise, f"95% of resamples: {one.low:+.5f} to {one.high:+.5f}")
                for name, one in found.items()
            },
            f"Noise: the 95% interval of the change, by a paired bootstrap of the same {len(new.ids):,} test comments. "
            "What another seed of training would change is not in it.",
        )
    # The file holds tokens too, so another encoder alone makes another file of the same comments.
    if before.outs.get(COMMENTS) != now.outs.get(COMMENTS) and not _differ(
        before, now, "encoder", "revision", "max_length"
    ):
        return Comparison({}, f"{COMMENTS} changed, and the predictions are not at hand")
    judgements = {}
    for name in bootstrap.NAMES:
        ends = [run.test.get(f"{name}_{end}") for run in (before, now) for end in ("low", "high")]
        if None in ends:
            return Comparison({}, f"{before.name} has no interval of {name}, and the predictions are not at hand")
        apart = ends[1] < ends[2] or ends[3] < ends[0]
        judgements[name] = Judgement(apart, "the intervals do not overlap" if apart else "within the intervals")
    return Comparison(
        judgements,
        "Noise: whether the 95% intervals overlap, because the predictions of both are not at hand. A paired bootstrap "
        "sees smaller changes: `dvc pull` the predictions of both, or `dvc repro` them.",
    )


def _differ(before: Run, now: Run, *names: str) -> bool:
    return any(before.ran.get(name) != now.ran.get(name) for name in names)


def _predictions(run: Run) -> predictions_file.Predictions | None:
    """Return the predictions that the run's dvc.lock names, from the workspace or from DVC; None if not there."""
    wanted, file = run.outs.get(PREDICTIONS), Path(PREDICTIONS)
    content = file.read_bytes() if file.is_file() else b""
    if wanted and _md5(content) != wanted:
        content = _from_dvc(wanted)
    try:
        return predictions_file.read(content, PREDICTIONS) if _md5(content) == wanted else None
    except InputError:
        return None  # of another version of this repository


def _from_dvc(md5: str) -> bytes:
    from dvc.repo import Repo  # takes a second, and is not always needed

    try:
        # Not dvc.api.open(rev=…): it would ask the remote that the old commit names.
        with Repo() as repo:
            store = repo.cache.local if repo.cache.local.exists(md5) else repo.cloud.get_remote_odb()
            return store.fs.cat_file(store.oid_to_path(md5))
    except Exception:  # not in the cache, no remote, no network: each kind of remote has errors of its own
        return b""


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
