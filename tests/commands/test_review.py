"""The review of a run: when it compares pairs, when it cannot compare, and that it changes nothing."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from emotions.core import files
from emotions.core.errors import InputError
from emotions.metrics import bootstrap
from emotions.reporting import figures
from tests.commands.written_runs import NEARLY_WEAK, STRONG, TRUTH, WEAK, lock, write_run
from tests.conftest import LABELS


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
    files.write_text(".gitignore", "/data/\n/data.csv\n/.dvc/cache\n/.dvc/tmp\n")
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
    write_run(STRONG, encoder="larger")
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
    assert ("paired bootstrap" in printed, "The predictions are not at hand" in printed) == (at_hand, not at_hand)


def test_parameters_metrics_and_labels_have_both_values(base, review):
    write_run(STRONG, lr=3e-4, seed=1, epochs=3)
    printed = review()
    head = {"parameter": [base, "workspace"], "---": ["---", "---"]}
    assert rows(printed, "Parameters") == {**head, "lr": ["0.0001", "0.0003"], "epochs": ["-", "3"]}
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
        ({"data_content": "other"}, "the data changed"),
        ({"min_votes": 2}, "the data changed"),
        ({"split_content": "other"}, "the split changed"),
        ({"ids": "x"}, "the test comments or their labels changed"),
        ({"labels": 1 - TRUTH}, "the test comments or their labels changed"),
    ],
)
def test_other_test_comments_are_not_compared(base, review, changes, reason):
    write_run(STRONG, **changes)
    printed = review()
    assert f"**Not comparable**: {reason}." in printed
    assert rows(printed, "Metrics: test")["f1_micro"][2].startswith(("+", "-"))


@pytest.mark.parametrize("lost", [["dvc.lock"], ["dvc.yaml", "dvc.lock", "metrics", "plots", "params.yaml", ".dvc"]])
def test_a_base_without_a_run_still_gives_the_new_numbers(folder, review, lost, drawn, tmp_path):
    write_run(WEAK)
    git("add", "--all")
    git("rm", "-r", "--cached", "--quiet", *lost)
    git("commit", "--quiet", "--message", "less than a run")
    name = git("rev-parse", "HEAD")[:7]
    write_run(STRONG)
    printed = review("HEAD")
    assert f"**Not comparable**: {name} has no run in dvc.lock." in printed
    row = rows(printed, "Metrics: test")["f1_weighted"]
    assert (row[0] == "-") is (lost != ["dvc.lock"])
    assert float(row[1]) == json.loads(Path("metrics/test.json").read_text())["f1_weighted"]
    assert printed.endswith("\n\nLoss by epoch: `review.png`.\n")
    assert drawn == {str(tmp_path / "review.png"): ["workspace"] if "plots" in lost else [name, "workspace"]}


@pytest.mark.parametrize(
    ("spoil", "changed"),
    [
        ("sed -i s/1e-4/0.1/ params.yaml", "params.yaml"),
        ("rm metrics/test.json", "metrics/test.json"),
        ("echo >> metrics/baseline.json", "metrics/baseline.json"),
        ("echo >> plots/training/loss.csv", "plots/training"),
        ("echo >> plots/evaluation/per_label.csv", "plots/evaluation"),
    ],
)
def test_a_run_that_differs_from_its_lock_is_refused_in_the_workspace_and_not_compared(base, review, spoil, changed):
    subprocess.run(spoil, shell=True, check=True)
    with pytest.raises(InputError, match=f"^{changed} does not fit dvc.lock: run `dvc repro`$"):
        review()
    name = commit()
    write_run(STRONG)
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
    names = [f"odd|{number} `<i>" for number in range(10)]
    for run, values in ((WEAK, odd), (STRONG, odd[::-1])):
        write_run(run, **{name: repr(value) for name, value in zip(names, values, strict=True)})
        for path in ("metrics/test.json", "metrics/train.json", "metrics/baseline.json"):
            content = {
                **json.loads(Path(path).read_text()),
                **dict(zip(names, values, strict=True)),
                "f1_macro": values[0],
            }
            Path(path).write_text(json.dumps({**content, "f1_micro_low": values[1]}))
        f1 = [*(number / 10 * (run is STRONG) for number in range(9)), "x|y"]
        pd.DataFrame({"label": names, "support": values, "f1": f1}).to_csv("plots/evaluation/per_label.csv")
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
        ("true", ["no-such-commit"], "no-such-commit is no commit of this repository"),
        ("true", ["--figure", "review.txt"], r"--figure should end in \.png, but is 'review\.txt'"),
        ("rm dvc.lock", [], "does not fit dvc.lock: run `dvc repro`"),
        ("rm dvc.lock dvc.yaml", [], "metrics/test.json does not fit dvc.lock: run `dvc repro`"),
        ("echo [1] > metrics/test.json", [], "metrics/test.json of workspace should hold names"),
        ("echo { > metrics/test.json", [], "metrics/test.json.*corrupted"),
        ("echo 'stages: [1]' > dvc.lock", [], "dvc.lock' validation failed"),
        ("git branch --quiet --delete --force main", [], "git finds no commit where HEAD left .* or name a commit"),
        ("git checkout --quiet --orphan a && git commit --quiet -m root", [], "git finds no commit where HEAD left"),
        ("mv .git moved", [], "git finds no commit where HEAD left"),
    ],
)
def test_a_call_that_cannot_be_answered_is_refused_in_one_line(base, review, monkeypatch, spoil, arguments, message):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    subprocess.run(spoil, shell=True, check=True)
    with pytest.raises(InputError, match=message) as error:
        review(*arguments)
    assert "\n" not in str(error.value)


def test_the_losses_are_drawn(base, run, tmp_path):
    assert run("review", "--figure", tmp_path / "new" / "curves.png").endswith("`curves.png`.\n")
    assert (tmp_path / "new" / "curves.png").read_bytes().startswith(b"\x89PNG")
