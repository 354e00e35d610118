"""The command line: scores, processes, and wrong calls."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from emotions.core.errors import InputError
from emotions.metrics import scores
from emotions.model.prediction import predict_texts
from tests.conftest import LABELS, environment, small_comments, write_csv

COMMENTS = small_comments(16)
TEXTS = [text for _, text, _ in COMMENTS]
TARGETS = np.array([[label in names for label in LABELS] for _, _, names in COMMENTS]).astype(np.uint8)
PER_LABEL = np.array([0.2, 0.3, 0.4, 0.5])


def in_a_process(*arguments: str, **options: object) -> subprocess.CompletedProcess:
    options |= {"env": environment(PYTHONIOENCODING="utf-8"), "capture_output": True, "encoding": "utf-8"}
    return subprocess.run([sys.executable, *arguments], **options)


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["predict"], b"", "give texts, or --file"),
        (["predict", "wow", "--file", "texts.txt"], b"", "not both"),
        (["predict", "wow", " "], b"", "text 2: the text is ' ', but should be a comment"),
        (["predict", "bad \udcff byte"], b"", "text 1: .* is not UTF-8"),
        (["predict", "-"], b"wow\n\nhappy\n", "standard input, line 2: the text is ''"),
        (["predict", "-"], b"wow\n\xff\n", "^standard input, line 2: byte 0xff is not UTF-8; save it as UTF-8$"),
        (["predict", "--file", "none.txt"], b"", "none.txt is no file here: --file should name a text, CSV or parquet"),
        (["predict", "--model", "none", "wow"], b"", "the model folder none does not exist: train one with"),
        (["predict", "--threshold", "2", "wow"], b"", "--threshold should be per_label, global, or a number between"),
        (["score", "none.csv"], b"", "none.csv does not exist"),
        (["score", "--part", "test", "comments.csv"], b"", "comments.csv has no parts of its own: omit --part"),
        (["score", "--min-votes", "-1", "comments.csv"], b"", "min-votes"),
        (["score", "other.csv"], b"", r"other\.csv and model differ in the labels delight, joy"),
    ],
)
def test_a_wrong_call_is_refused_with_the_reason(run, model, tmp_path, arguments, stdin, message):
    table = pd.read_csv(write_csv(tmp_path / "comments.csv", COMMENTS))
    table.rename(columns={"joy": "delight"}).to_csv("other.csv", index=False)
    with pytest.raises(InputError, match=message) as error:
        run(*arguments, stdin=stdin)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("labels", [LABELS, LABELS[::-1]])
def test_the_score_of_a_csv_is_that_of_its_comments_whatever_the_order_of_the_labels(run, model, tmp_path, labels):
    table = pd.read_csv(write_csv(tmp_path / "comments.csv", COMMENTS))
    table[[*table.columns[:3], *labels]].to_csv("comments.csv", index=False)
    expected = scores.score(TARGETS, predict_texts(model, TEXTS), PER_LABEL)
    call = ["score", "comments.csv", "--threshold", "per_label"]
    assert json.loads(run(*call, "--json")) == pytest.approx(expected)
    shown = dict(line.split() for line in run(*call).splitlines())
    assert {name: float(value) for name, value in shown.items()} == pytest.approx(expected)


def test_parts_of_the_official_format_can_be_scored_alone(run, model, tmp_path):
    (tmp_path / "official").mkdir()
    (tmp_path / "official" / "emotions.txt").write_text("\n".join(LABELS) + "\n")
    lines = [f"{text}\t{','.join(str(LABELS.index(one)) for one in names)}\t{key}\n" for key, text, names in COMMENTS]
    parts = {"train": slice(0, 8), "validation": slice(8, 12), "test": slice(12, 16)}
    for name, members in zip(["train", "dev", "test"], parts.values(), strict=True):
        (tmp_path / "official" / f"{name}.tsv").write_text("".join(lines[members]))
    for part, members in [(None, slice(0, 16)), *parts.items()]:
        expected = scores.score(TARGETS[members], predict_texts(model, TEXTS[members]), PER_LABEL)
        printed = run("score", "official", "--json", *(["--part", part] if part else []))
        assert json.loads(printed) == pytest.approx(expected, abs=2e-5)


def test_raters_are_merged_as_the_pipeline_merges_them(run, model, tmp_path):
    write_csv(tmp_path / "raters.csv", [("a", "wow", ("joy",)), ("a", "wow", ("joy", "anger")), ("b", "so", ("joy",))])
    found = [json.loads(run("score", "raters.csv", "--json", "--min-votes", votes))["comments"] for votes in (0, 1, 2)]
    assert found == [3, 2, 1]


def test_help_does_not_wait_for_torch():
    at_exit = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules, 'pandas' in sys.modules)); "
    done = in_a_process("-c", at_exit + "from emotions.commands.cli import run; run()", "predict", "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: emotions predict")
    assert done.stdout.endswith("False False\n")


def test_a_process_answers_or_reports_a_wrong_input_in_one_line_on_standard_error(model, tmp_path):
    done = in_a_process("-m", "emotions", "predict", "--json", "-", input="wow, 東京\nhappy\n", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["wow, 東京", "happy"]
    done = in_a_process("-m", "emotions", "predict", "wow", " ", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: text 2: the text is ' ', but should be a comment\n"
