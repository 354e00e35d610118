"""The review of a branch: what it tells, when it compares pairs, when it cannot, and that it leaves all as it was."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotions import bootstrap, files
from emotions.__main__ import main
from emotions.errors import InputError
from tests.conftest import LABELS, ROOT
from tests.written_runs import NEARLY_WEAK, PREDICTIONS, STRONG, TRUTH, WEAK, keep_predictions, write_run


def keep_weak_predictions(folder: Path) -> None:
    write_run(WEAK)
    assert git("status", "--porcelain") == ""  # the same run to the last byte
    keep_predictions(folder / ".dvc" / "cache")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit() -> str:
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "a run")
    return git("rev-parse", "--short", "HEAD")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A git repository with an empty DVC project, on the branch main; the tests run inside it."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "DVC_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.email", "a@example.org")
    git("config", "user.name", "a")
    files.write_text(".dvc/config", "[core]\n    analytics = false\n")
    files.write_text(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")  # as `dvc init` leaves it
    files.write_text(".gitignore", "/data/predictions/\n")
    return folder


@pytest.fixture
def base(folder) -> str:
    """A committed run on main, whose predictions are nowhere any more, and a branch that is checked out; the commit."""
    write_run(WEAK)
    name = commit()
    git("checkout", "--quiet", "-b", "branch")
    return name


@pytest.fixture
def review(monkeypatch, capsys):
    """Run the command in this process, and return its Markdown."""

    def review(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["emotions", "review", *arguments])
        main()
        return capsys.readouterr().out

    return review


def rows(told: str, title: str) -> dict[str, list[str]]:
    """Return the lines of the table below a title: the cells, by the first of them."""
    lines = told.split(f"### {title}\n\n")[1].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {cell[0].strip("`"): cell[1:] for cell in cells}


def hashes(folder: Path) -> dict[str, str]:
    # .git/index remembers when files were looked at, .dvc/tmp is DVC's own.
    paths = [path for path in folder.rglob("*") if path.is_file() and path.parent != folder / ".dvc" / "tmp"]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("place", ["cache", "remote"])
def test_predictions_of_the_same_comments_are_compared_in_pairs(folder, base, review, tmp_path, place):
    if place == "cache":
        keep_predictions(folder / ".dvc" / "cache")
    else:
        keep_predictions(tmp_path / "remote")
        # Configured after the base was committed.
        files.write_text(".dvc/config", f"[core]\n    remote = r\n['remote \"r\"']\n    url = {tmp_path}/remote\n")
    write_run(STRONG, lr=3e-4)
    before = hashes(folder)
    told = review()
    assert hashes(folder) == before
    assert told.startswith(f"## Review: workspace against {base}\n\n**Better**: f1_micro +")
    assert "paired bootstrap of the same 200 test comments" in told
    expected = bootstrap.compare(TRUTH, WEAK >= 0.5, STRONG >= 0.5, seed=1)
    for name, difference in expected.items():
        row = rows(told, "Metrics: test")[name]
        assert float(row[2]) == pytest.approx(difference.value, abs=1.5e-5)
        assert row[3] == f"outside the noise (95% of resamples: {difference.low:+.5f} to {difference.high:+.5f})"


def test_a_change_within_the_noise_is_called_so(folder, base, review):
    keep_predictions(folder / ".dvc" / "cache")
    write_run(NEARLY_WEAK, lr=3e-4)
    told = review()
    assert "**No clear change**: f1_micro " in told and "paired" in told
    assert rows(told, "Metrics: test")["f1_macro"][3].startswith("within the noise (95% of resamples: -")


def test_a_worse_run_is_called_so(folder, review):
    write_run(STRONG)
    commit()
    keep_predictions(folder / ".dvc" / "cache")
    write_run(WEAK)
    assert "**Worse**: f1_micro -" in review("HEAD")


def test_without_the_predictions_the_intervals_are_compared(base, review):
    write_run(STRONG, lr=3e-4)
    told = review()
    assert "**Better**" in told and "the predictions of both are not at hand" in told
    assert rows(told, "Metrics: test")["f1_micro"][3] == "outside the noise (the intervals do not overlap)"
    write_run(NEARLY_WEAK, lr=3e-4)
    told = review()
    assert "**No clear change**" in told
    assert rows(told, "Metrics: test")["f1_micro"][3] == "within the noise (within the intervals)"


def test_predictions_that_are_not_those_of_the_lock_do_not_count(folder, base, review):
    keep_predictions(folder / ".dvc" / "cache")
    write_run(STRONG, lr=3e-4)
    Path(PREDICTIONS).write_bytes(b"those of another branch")
    assert "predictions of both are not at hand" in review()
    Path(PREDICTIONS).unlink()
    assert "predictions of both are not at hand" in review()


def test_parameters_metrics_and_labels_are_told_with_both_values(base, review):
    write_run(STRONG, lr=3e-4, seed=1, epochs=3)
    told = review()
    assert rows(told, "Parameters") == {
        "parameter": [f"{base}", "workspace"],
        "---": ["---", "---"],
        "lr": ["`0.0001`", "`0.0003`"],
        "epochs": ["-", "`3`"],
    }
    metrics = [json.loads(git("show", f"{base}:metrics/test.json")), json.loads(Path("metrics/test.json").read_text())]
    found = rows(told, "Metrics: test")
    assert found["comments"][:3] == ["200", "200", ""]
    assert not any(name.endswith(("_low", "_high")) for name in found)
    old, new, change, _ = found["f1_macro"]
    assert old.startswith(f"{metrics[0]['f1_macro']} ({metrics[0]['f1_macro_low']} to ")
    assert new.endswith(f" to {metrics[1]['f1_macro_high']})")
    assert float(change) == pytest.approx(metrics[1]["f1_macro"] - metrics[0]["f1_macro"], abs=1e-9)
    assert set(rows(told, "Metrics: train")) >= {"epochs", "train_loss"}
    labels = rows(told, "F1 by label")
    moved = [abs(float(cells[3])) for name, cells in labels.items() if name in LABELS]
    assert len(moved) == 4 and moved == sorted(moved, reverse=True)
    assert labels["joy"][0] == str(TRUTH[:, 1].sum())


def test_a_number_written_in_another_way_is_no_change(base, review):
    write_run(WEAK)
    files.write_text("params.yaml", Path("params.yaml").read_text().replace("1e-4", "0.0001"))
    told = review()
    assert "**No change** of any metric." in told and "None changed." in told and "None to compare." in told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data_md5": "other"}, "the data changed"),
        ({"data": "other.csv"}, "the data changed"),
        ({"min_votes": 2}, "the data changed"),
        ({"split_md5": "other"}, "the split changed"),
        ({"ids": "x"}, "the test comments or their labels changed"),
        ({"labels": 1 - TRUTH}, "the test comments or their labels changed"),
    ],
)
def test_other_test_comments_are_not_compared(folder, base, review, changes, reason):
    keep_predictions(folder / ".dvc" / "cache")
    write_run(STRONG, **changes)
    told = review()
    assert f"**Not comparable**: {reason}." in told
    assert rows(told, "Metrics: test")["f1_micro"][3] == "not comparable"


def test_another_encoder_has_the_same_test_comments(folder, base, review):
    write_run(STRONG, encoder="larger", comments_md5="with other tokens")
    assert "**Better**" in review()
    keep_weak_predictions(folder)
    write_run(STRONG, encoder="larger", comments_md5="with other tokens")
    assert "paired bootstrap of the same" in review()


def test_other_comments_of_the_same_data_need_the_predictions_to_be_compared(folder, base, review):
    write_run(STRONG, comments_md5="made by other code")
    assert "**Not comparable**: data/processed/comments.parquet changed" in review()
    keep_weak_predictions(folder)
    write_run(STRONG, comments_md5="made by other code")
    assert "paired bootstrap of the same" in review()


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        (["metrics/test.json"], "has no F1 in metrics/test.json"),
        (["dvc.lock"], "has no dvc.lock"),
        (["dvc.lock", "metrics/test.json", "metrics/train.json", "plots/loss.csv", "params.yaml"], "has no dvc.lock"),
    ],
)
def test_a_base_without_a_run_still_gives_the_new_numbers(folder, review, lost, reason, tmp_path):
    write_run(WEAK)
    for path in lost:
        Path(path).unlink()
    name = commit()
    write_run(STRONG)
    told = review("HEAD")
    assert f"**Not comparable**: {name} {reason}." in told
    row = rows(told, "Metrics: test")["f1_weighted"]
    assert (row[0] == "-") is ("metrics/test.json" in lost)
    assert float(row[1]) == json.loads(Path("metrics/test.json").read_text())["f1_weighted"]
    assert (tmp_path / "review.png").read_bytes().startswith(b"\x89PNG")


def test_a_base_whose_metrics_are_not_those_of_its_lock_is_not_compared(folder, review):
    write_run(WEAK)
    files.write_text("metrics/test.json", Path("metrics/test.json").read_text().replace("200", "201"))
    name = commit()
    write_run(STRONG)
    assert f"**Not comparable**: metrics/test.json of {name} does not fit its dvc.lock." in review("HEAD")


def test_the_default_base_is_where_the_branch_left_the_main_branch(base, review):
    write_run(STRONG)
    commit()
    git("checkout", "--quiet", "main")
    write_run(NEARLY_WEAK)
    later = commit()
    git("checkout", "--quiet", "branch")
    assert f"workspace against {base}" in review()
    assert f"workspace against {later}" in review("main")
    git("update-ref", "refs/remotes/origin/main", "branch")
    assert f"workspace against {git('rev-parse', '--short', 'branch')}" in review()


def test_the_figure_is_drawn_where_it_is_wanted(base, review, tmp_path):
    write_run(STRONG)
    assert "`review.png`" in review() and (tmp_path / "review.png").is_file()
    assert "`curves.png`" in review("--figure", str(tmp_path / "new" / "curves.png"))
    content = (tmp_path / "new" / "curves.png").read_bytes()
    assert content == (tmp_path / "review.png").read_bytes() and content.startswith(b"\x89PNG")


def test_a_name_with_a_bar_or_backticks_stays_in_its_cell(base, review):
    write_run(STRONG, encoder="a|b\n`c` @everyone")
    assert "| `encoder` | `tiny` | `a\\|b 'c' @everyone` |" in review()


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (lambda: None, ["no-such-commit"], "no-such-commit is no commit of this repository"),
        (lambda: None, ["HEAD:params.yaml"], "HEAD:params.yaml is no commit of this repository"),
        (lambda: None, ["--figure", "review.txt"], r"--figure should end in \.png, but is 'review\.txt'"),
        (lambda: Path("dvc.lock").unlink(), [], "dvc.lock is missing or empty: run `dvc repro`"),
        (lambda: Path("metrics/test.json").unlink(), [], "metrics/test.json is missing or empty: run `dvc repro`"),
        (lambda: files.write_json("metrics/test.json", {"f1": 1}), [], "metrics/test.json does not fit dvc.lock: run"),
        (lambda: files.write_text("plots/loss.csv", "epoch\n"), [], "plots/loss.csv does not fit dvc.lock: run"),
        (
            lambda: files.write_text("params.yaml", "lr: 0.5\n"),
            [],
            "params.yaml does not fit dvc.lock: run `dvc repro`",
        ),
        (lambda: files.write_text("params.yaml", "lr: [\n"), [], "params.yaml cannot be read"),
        (lambda: files.write_text("params.yaml", "lr\n"), [], "params.yaml should hold names and values"),
        (lambda: files.write_text("dvc.lock", "stages: [1]\n"), [], "dvc.lock is damaged"),
        (lambda: git("branch", "--delete", "--force", "main"), [], "there is no branch origin/main or main: name"),
        (lambda: orphan(), [], "HEAD and main have no commit in common"),
        (lambda: Path(".git").rename("moved"), [], "this folder is not in a git repository"),
    ],
)
def test_what_cannot_be_reviewed_is_refused_in_one_line(base, review, monkeypatch, spoil, arguments, message):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    write_run(STRONG)
    spoil()
    with pytest.raises(InputError, match=message) as error:
        review(*arguments)
    assert "\n" not in str(error.value)


def orphan() -> None:
    git("checkout", "--quiet", "--orphan", "unrelated")
    commit()


def test_a_process_prints_markdown_alone_and_says_elsewhere_where_the_picture_is(base, tmp_path):
    write_run(STRONG, lr=3e-4)
    command = [sys.executable, "-m", "emotions", "review", "--figure", str(tmp_path / "curves.png")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and done.stdout.startswith("## Review: ") and done.stdout.endswith("`curves.png`.\n")
    assert done.stderr == f"loss of both runs: {tmp_path / 'curves.png'}\n"


def test_the_baseline_stands_beside_the_model(base, review):
    write_run(STRONG)
    f1 = json.loads(Path("metrics/test.json").read_text())["f1_micro"]
    shown = rows(review(), "What the encoder buys")
    assert shown["f1_micro"][0] == "0.5" and shown["f1_micro"][1].startswith(f"{f1} (")
    assert shown["f1_micro"][2] == f"{f1 - 0.5:+.5f}"


def test_a_run_from_before_there_was_a_baseline_is_told_without_it(folder, review):
    write_run(WEAK)
    Path("metrics/baseline.json").unlink()
    commit()
    assert "encoder buys" not in review()
