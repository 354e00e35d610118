"""The review of a run: when it compares pairs, when it cannot compare, and that it changes nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from emotions.core import files
from emotions.core.errors import InputError
from emotions.metrics import bootstrap
from emotions.reporting import figures
from tests.commands.written_runs import NEARLY_WEAK, STRONG, TRUTH, WEAK, lock, write_run
from tests.conftest import LABELS, environment


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit() -> str:
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "a run")
    return git("rev-parse", "HEAD")[:7]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with DVC's and git's own files for a repository on the branch main; the tests run inside it."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "DVC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.email", "a@example.org")
    git("config", "user.name", "a")
    files.write_text(".dvc/config", "[core]\n    analytics = false\n")
    files.write_text(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")  # as `dvc init` leaves it
    files.write_text(".gitignore", "/data/\n/data.csv\n")
    return folder


@pytest.fixture
def base(folder) -> str:
    """A weak run committed on main, its predictions in DVC's cache, and a branch that is checked out; the commit."""
    write_run(WEAK)
    name = commit()
    git("checkout", "--quiet", "-b", "branch")
    return name


@pytest.fixture
def drawn(monkeypatch):
    """What the review draws, instead of pictures."""
    drawn = {}
    monkeypatch.setattr(figures, "draw_loss_of_runs", lambda runs, path: drawn.update({str(path): list(runs)}))
    return drawn


@pytest.fixture
def review(drawn, run):
    """Run the review in this process, and return its Markdown."""
    return lambda *arguments: run("review", *arguments)


def rows(printed: str, title: str) -> dict[str, list[str]]:
    """Return the lines of the table below a title: the cells, by the first of them."""
    lines = printed.split(f"### {title}\n\n")[1].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {cell[0].strip("`"): cell[1:] for cell in cells}


def hashes(folder: Path) -> dict[str, str]:
    # .git/index remembers when files were looked at, .dvc/tmp is DVC's own.
    paths = [path for path in folder.rglob("*") if path.is_file() and ".dvc/tmp" not in path.as_posix()]
    return {str(path): files.sha256(path) for path in paths}


@pytest.mark.parametrize("place", ["cache", "remote"])
def test_predictions_of_the_same_comments_are_compared_in_pairs(folder, base, review, tmp_path, place):
    if place == "remote":
        shutil.move(".dvc/cache", tmp_path / "remote")
        # Configured after the base was committed.
        files.write_text(".dvc/config", f"[core]\n    remote = r\n['remote \"r\"']\n    url = {tmp_path}/remote\n")
    write_run(STRONG, lr=3e-4)
    before = hashes(folder)
    printed = review()
    assert hashes(folder) == before
    assert printed.startswith(f"## Review: workspace against {base}\n\n**Better**: f1_micro +")
    assert "paired bootstrap of the same 200 test comments" in printed
    for name, one in bootstrap.compare(TRUTH, WEAK >= 0.5, STRONG >= 0.5, seed=0).items():
        change = rows(printed, "Metrics: test")[name][2]
        assert float(change) == pytest.approx(one.value, abs=1.5e-5)
        assert f"{name} {change} ({one.low:+.5f} to {one.high:+.5f})" in printed


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(WEAK, NEARLY_WEAK, "No clear change"), (STRONG, WEAK, "Worse"), (WEAK, STRONG, "Better")],
)
@pytest.mark.parametrize("at_hand", [True, False], ids=["in pairs", "by intervals"])
def test_a_change_is_better_or_worse_only_beyond_the_noise(folder, review, before, after, verdict, at_hand):
    write_run(before)
    commit()
    if not at_hand:
        shutil.rmtree(".dvc/cache")
    write_run(after, lr=3e-4)
    printed = review("HEAD")
    assert f"**{verdict}**: f1_micro " in printed
    assert ("paired bootstrap" in printed) is at_hand
    assert ("The predictions are not at hand" in printed) is not at_hand
    if not at_hand:
        assert ("(the 95% intervals overlap)" in printed) is (verdict == "No clear change")


def test_parameters_metrics_and_labels_have_both_values(base, review):
    write_run(STRONG, lr=3e-4, seed=1, epochs=3)
    printed = review()
    assert rows(printed, "Parameters") == {
        "parameter": [f"{base}", "workspace"],
        "---": ["---", "---"],
        "lr": ["0.0001", "0.0003"],
        "epochs": ["-", "3"],
    }
    metrics = [json.loads(git("show", f"{base}:metrics/test.json")), json.loads(Path("metrics/test.json").read_text())]
    found = rows(printed, "Metrics: test")
    assert found["comments"] == ["200", "200", ""]
    assert not any(name.endswith(("_low", "_high")) for name in found)
    old, new, change = found["f1_macro"]
    assert old.startswith(f"{metrics[0]['f1_macro']} ({metrics[0]['f1_macro_low']} to ")
    assert new.endswith(f" to {metrics[1]['f1_macro_high']})")
    assert float(change) == pytest.approx(metrics[1]["f1_macro"] - metrics[0]["f1_macro"], abs=1e-9)
    gain = rows(printed, "Gain over the baseline")["f1_micro"]
    assert (gain[0], gain[2]) == ("0.5", f"{metrics[1]['f1_micro'] - 0.5:+.5f}")
    assert set(rows(printed, "Metrics: train")) >= {"epochs", "train_loss"}
    labels = rows(printed, "F1 by label")
    moved = [abs(float(cells[3])) for name, cells in labels.items() if name in LABELS]
    assert len(moved) == 4 and moved == sorted(moved, reverse=True)
    assert labels["joy"][0] == str(TRUTH[:, 1].sum())


def test_a_number_written_in_another_way_is_no_change(base, review):
    files.write_text("params.yaml", Path("params.yaml").read_text().replace("1e-4", "0.0001"))
    printed = review()
    assert "**No change**: both runs predict the same." in printed
    assert "### Parameters\n\nNone." in printed and "### F1 by label\n\nNone." in printed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": "other"}, "the data changed"),
        ({"min_votes": 2}, "the data changed"),
        ({"split": "other"}, "the split changed"),
        ({"ids": "x"}, "the test comments or their labels changed"),
        ({"labels": 1 - TRUTH}, "the test comments or their labels changed"),
    ],
)
def test_other_test_comments_are_not_compared(base, review, changes, reason):
    write_run(STRONG, **changes)
    printed = review()
    assert f"**Not comparable**: {reason}." in printed
    assert rows(printed, "Metrics: test")["f1_micro"][2].startswith(("+", "-"))


def test_another_encoder_has_the_same_test_comments(base, review):
    write_run(STRONG, encoder="larger")
    assert "paired bootstrap of the same" in review()


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        (["metrics/test.json"], "metrics/test.json of {} does not fit its dvc.lock."),
        (["dvc.lock"], "{} has no run in dvc.lock."),
        (["dvc.yaml", "dvc.lock", "metrics", "plots", "params.yaml", ".dvc"], "{} has no run in dvc.lock."),
    ],
)
def test_a_base_without_a_run_still_gives_the_new_numbers(folder, review, lost, reason, drawn):
    write_run(WEAK)
    git("add", "--all")
    git("rm", "-r", "--cached", "--quiet", *lost)
    git("commit", "--quiet", "--message", "less than a run")
    name = git("rev-parse", "HEAD")[:7]
    write_run(STRONG)
    printed = review("HEAD")
    assert f"**Not comparable**: {reason.format(name)}" in printed
    row = rows(printed, "Metrics: test")["f1_weighted"]
    assert (row[0] == "-") is (lost != ["dvc.lock"])
    assert float(row[1]) == json.loads(Path("metrics/test.json").read_text())["f1_weighted"]
    (runs,) = drawn.values()
    assert runs == ["workspace"] if "plots" in lost else [name, "workspace"]


@pytest.mark.parametrize("path", ["metrics/test.json", "plots/evaluation/per_label.csv", "params.yaml"])
def test_a_base_that_differs_from_its_lock_is_not_compared(folder, review, path):
    write_run(WEAK)
    content = Path(path).read_text()
    files.write_text(path, content.replace("tiny", "large").replace("200", "201").replace("joy", "glee"))
    name = commit()
    write_run(STRONG)
    changed = "plots/evaluation" if path.startswith("plots") else path
    assert f"**Not comparable**: {changed} of {name} does not fit its dvc.lock." in review("HEAD")


def test_the_default_base_is_where_the_branch_left_the_main_branch(base, review):
    write_run(STRONG)
    commit()
    git("checkout", "--quiet", "main")
    write_run(NEARLY_WEAK)
    later = commit()
    git("checkout", "--quiet", "branch")
    lock()
    assert f"workspace against {base}" in review()
    assert f"workspace against {later}" in review("main")
    git("update-ref", "refs/remotes/origin/main", "branch")
    assert f"workspace against {git('rev-parse', 'branch')[:7]}" in review()


def test_whatever_stands_for_a_metric_or_a_parameter_gets_a_cell(base, review):
    odd = ["a|b\n`c` @everyone", float("nan"), float("inf"), None, True, [1], {"a": "|"}, 10**400, "0.5", -1]
    for run, values in ((WEAK, odd), (STRONG, odd[::-1])):
        write_run(run, **{f"extra{number}": repr(value) for number, value in enumerate(values)})
        for path in ("metrics/test.json", "metrics/train.json", "metrics/baseline.json"):
            content = json.loads(Path(path).read_text())
            names = [f"odd|{number} `<i>" for number in range(len(values))]
            content |= {**dict(zip(names, values, strict=True)), "f1_macro": values[0], "f1_micro_low": values[1]}
            Path(path).write_text(json.dumps(content))
        f1 = [*(number / 10 * (run is STRONG) for number in range(9)), "x|y"]
        table = pd.DataFrame({"label": names, "support": values, "f1": f1})
        table.to_csv("plots/evaluation/per_label.csv", index=False)
        table.to_csv("plots/training/loss.csv", index=False)
        lock()
        commit()
    printed = review("HEAD~1")
    assert "**Not comparable**: metrics/test.json of " in printed and "has no number for f1_m" in printed
    lines = [line.replace("\\|", "") for line in printed.splitlines() if line.startswith("|")]
    assert len(lines) > 40 and {line.count("|") for line in lines} == {4, 5, 6}
    assert rows(printed, "Metrics: test")["odd\\|0 '<i>"] == ["`a\\|b 'c' @everyone`", "-1", ""]


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (lambda: None, ["no-such-commit"], "no-such-commit is no commit of this repository"),
        (lambda: None, ["HEAD:params.yaml"], "HEAD:params.yaml is no commit of this repository"),
        (lambda: None, ["--figure", "review.txt"], r"--figure should end in \.png, but is 'review\.txt'"),
        (lambda: Path("dvc.lock").unlink(), [], "does not fit dvc.lock: run `dvc repro`"),
        (lambda: Path("metrics/test.json").unlink(), [], "metrics/test.json does not fit dvc.lock: run `dvc repro`"),
        (lambda: git("rm", "-r", "dvc.yaml", "dvc.lock"), [], "metrics/test.json does not fit dvc.lock: run"),
        (lambda: files.write_json("metrics/test.json", {"f1": 1}), [], "metrics/test.json does not fit dvc.lock: run"),
        (lambda: files.write_json("metrics/baseline.json", {}), [], "metrics/baseline.json does not fit dvc.lock: run"),
        (lambda: files.write_text("plots/training/loss.csv", "epoch\n"), [], "plots/training does not fit dvc.lock"),
        (lambda: change_lr(), [], "params.yaml does not fit dvc.lock: run `dvc repro`"),
        (lambda: files.write_text("metrics/test.json", "[1]"), [], "metrics/test.json of workspace should hold names"),
        (lambda: files.write_text("metrics/test.json", "{"), [], "metrics/test.json.*corrupted"),
        (lambda: files.write_text("params.yaml", "lr: [\n"), [], "params.yaml.*corrupted"),
        (lambda: files.write_text("dvc.lock", "stages: [1]\n"), [], "dvc.lock' validation failed"),
        (lambda: git("branch", "--delete", "--force", "main"), [], "git finds no commit where HEAD left .* name a com"),
        (lambda: orphan(), [], "git finds no commit where HEAD left origin/main or main"),
        (lambda: Path(".git").rename("moved"), [], "git finds no commit where HEAD left"),
    ],
)
def test_a_run_or_a_base_that_cannot_be_reviewed_is_refused_in_one_line(
    base, review, monkeypatch, spoil, arguments, message
):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    spoil()
    with pytest.raises(InputError, match=message) as error:
        review(*arguments)
    assert "\n" not in str(error.value)


def change_lr() -> None:
    files.write_text("params.yaml", Path("params.yaml").read_text().replace("1e-4", "0.5"))


def orphan() -> None:
    git("checkout", "--quiet", "--orphan", "unrelated")
    git("commit", "--quiet", "--message", "another root")


def test_the_picture_is_drawn_where_it_is_wanted(base, review, drawn, tmp_path):
    assert review().endswith("\n\nLoss by epoch: `review.png`.\n")
    assert "`curves.png`" in review("--figure", "new/curves.png")
    assert drawn == {str(tmp_path / "review.png"): [base, "workspace"], "new/curves.png": [base, "workspace"]}


def test_a_process_prints_markdown_alone_and_the_place_of_the_picture_elsewhere(base, tmp_path):
    command = [sys.executable, "-m", "emotions", "review", "--figure", str(tmp_path / "curves.png")]
    done = subprocess.run(command, env=environment(PYTHONIOENCODING="utf-8"), capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and done.stdout.startswith("## Review: ") and done.stdout.endswith("`curves.png`.\n")
    assert done.stderr == f"loss of both runs: {tmp_path / 'curves.png'}\n"
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
