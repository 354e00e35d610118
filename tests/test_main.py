"""The command line: what it prints, in which order, with which thresholds, and how it refuses."""

import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from emotions import scores
from emotions.__main__ import main
from emotions.errors import InputError
from emotions.prediction import predict_texts
from tests.conftest import LABELS, ROOT, set_params, small_comments, write_csv
from tests.test_model import small_model

COMMENTS = small_comments(16)
TEXTS = [text for _, text, _ in COMMENTS]
TARGETS = np.array([[label in names for label in LABELS] for _, _, names in COMMENTS]).astype(np.uint8)
PER_LABEL = [0.45, 0.5, 0.55, 0.4]


@pytest.fixture
def model(tiny_encoder, tmp_path, monkeypatch):
    """A model that is also in the folder `model` of the working folder."""
    model = small_model(tiny_encoder)
    model.save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return model


@pytest.fixture
def run(model, monkeypatch, capsys):
    """Run the command line in this process, and return what it printed."""

    def run(*arguments: object, stdin: bytes = b"") -> str:
        monkeypatch.setattr(sys, "argv", ["emotions", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        main()
        return capsys.readouterr().out

    return run


def rows(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def in_a_process(*arguments: str, **options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", **options)


@pytest.mark.parametrize("source", ["arguments", "lines", "csv", "parquet", "standard input", "- as a text"])
def test_every_source_of_texts_gives_the_same_answers_in_order(run, model, tmp_path, monkeypatch, source):
    monkeypatch.setattr("emotions.__main__.PIECE", 5)
    texts = [*TEXTS, 'Über "alles",\tin 東京 😀']
    (tmp_path / "texts.txt").write_bytes("\r\n".join(texts).encode() + b"\r\n")
    table = pd.DataFrame({"id": range(17), "text": texts})
    table.to_csv(tmp_path / "texts.csv", index=False)
    table.to_parquet(tmp_path / "texts.parquet")
    arguments = {
        "arguments": texts,
        "lines": ["--file", "texts.txt"],
        "csv": ["--file", "texts.csv"],
        "parquet": ["--file", "texts.parquet"],
        "standard input": ["--file", "-"],
        "- as a text": ["-"],
    }[source]
    output = run("predict", "--json", *arguments, stdin="\n".join(texts).encode())
    found = rows(output)
    assert [list(row) for row in found] == [["text", "labels", "probabilities"]] * 17
    assert [list(row["probabilities"]) for row in found] == [list(LABELS)] * 17
    assert [row["text"] for row in found] == texts and "東京 😀" in output
    probabilities = [list(row["probabilities"].values()) for row in found]
    np.testing.assert_allclose(probabilities, predict_texts(model, texts), atol=2e-5)


def test_labels_are_those_from_their_threshold_on_likeliest_first(run):
    thresholds = {"0.0001": [0.0001] * 4, "0.9999": [0.9999] * 4, "global": [0.48] * 4, "per_label": PER_LABEL}
    outputs = {name: run("predict", "--json", "--threshold", name, *TEXTS) for name in thresholds}
    assert len(set(outputs.values())) == 4
    for name, least in thresholds.items():
        for row in rows(outputs[name]):
            given = {
                label for label, number in zip(LABELS, least, strict=True) if row["probabilities"][label] >= number
            }
            assert row["labels"] == sorted(given, key=row["probabilities"].get, reverse=True)


def test_the_threshold_of_params_yaml_counts_where_there_is_one(run, tmp_path):
    without = run("predict", *TEXTS)
    assert without == run("predict", "--threshold", "per_label", *TEXTS)
    set_params(tmp_path, threshold="global")
    assert run("predict", *TEXTS) == run("predict", "--threshold", "global", *TEXTS) != without
    assert run("predict", "--threshold", "per_label", *TEXTS) == without


def test_without_json_a_line_has_the_labels_and_the_text_on_one_line(run):
    found = run("predict", "--threshold", "0.0001", "happy\n people")
    assert re.fullmatch(r"(?:(?:anger|joy|surprise|neutral) 0\.\d\d(?:, |\t)){4}happy people\n", found)
    assert run("predict", "--threshold", "0.9999", "wow").startswith("none (likeliest: ")


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["predict"], b"", "give texts, or --file"),
        (["predict", "wow", "--file", "texts.txt"], b"", "not both"),
        (["predict", "wow", " "], b"", "one of the texts is empty"),
        (["predict", "bad \udcff byte"], b"", "UTF-8"),
        (["predict", "-"], b"wow\n\nhappy\n", "standard input, line 2 is empty"),
        (["predict", "-"], b"wow\n\xff\n", "standard input, line 2: byte 0xff is not UTF-8"),
        (["predict", "--file", "none.txt"], b"", "none.txt does not exist"),
        (["predict", "--model", "none", "wow"], b"", "the model folder none does not exist: train one with"),
        (["predict", "--threshold", "2", "wow"], b"", "--threshold should be per_label, global, or a number between"),
        (["score", "none.csv"], b"", "none.csv does not exist"),
        (["score", "--part", "test", "comments.csv"], b"", "comments.csv has no parts of its own: leave --part out"),
        (["score", "--min-votes", "2", "comments.csv"], b"", "no comment is left"),
        (["score", "--min-votes", "-1", "comments.csv"], b"", "min-votes"),
    ],
)
def test_a_wrong_call_is_refused_with_the_reason(run, tmp_path, arguments, stdin, message):
    write_csv(tmp_path / "comments.csv", COMMENTS)
    with pytest.raises(InputError, match=message) as error:
        run(*arguments, stdin=stdin)
    assert "\n" not in str(error.value)


def test_help_does_not_wait_for_torch():
    tell = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules)); "
    done = in_a_process("-c", tell + "from emotions.__main__ import main; main()", "predict", "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: python -m emotions predict")
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize("labels", [LABELS, LABELS[::-1]])
def test_the_score_of_a_csv_is_that_of_its_comments_whatever_the_order_of_the_labels(run, model, tmp_path, labels):
    table = pd.read_csv(write_csv(tmp_path / "comments.csv", COMMENTS))
    table[[*table.columns[:3], *labels]].to_csv("comments.csv", index=False)
    expected = scores.score(TARGETS, predict_texts(model, TEXTS), np.array(PER_LABEL))
    call = ["score", "comments.csv", "--threshold", "per_label"]
    assert json.loads(run(*call, "--json")) == pytest.approx(expected)
    shown = dict(line.split() for line in run(*call).splitlines())
    assert {name: float(value) for name, value in shown.items()} == pytest.approx(expected)


def test_parts_of_the_official_format_can_be_scored_alone(run, model, tmp_path):
    (tmp_path / "official").mkdir()
    (tmp_path / "official" / "emotions.txt").write_text("\n".join(LABELS) + "\n")
    parts = {"train": slice(0, 8), "validation": slice(8, 12), "test": slice(12, 16)}
    for name, members in zip(["train", "dev", "test"], parts.values(), strict=True):
        lines = [
            (text, ",".join(str(LABELS.index(one)) for one in names), key) for key, text, names in COMMENTS[members]
        ]
        (tmp_path / "official" / f"{name}.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    for options, members in {
        (): slice(0, 16),
        **{("--part", part): members for part, members in parts.items()},
    }.items():
        expected = scores.score(TARGETS[members], predict_texts(model, TEXTS[members]), np.array(PER_LABEL))
        assert json.loads(run("score", "official", "--json", *options)) == pytest.approx(expected, abs=2e-5)


def test_data_with_other_labels_is_refused_and_they_are_named(run, tmp_path):
    table = pd.read_csv(write_csv(tmp_path / "comments.csv", COMMENTS))
    table.rename(columns={"joy": "delight"}).to_csv(tmp_path / "comments.csv", index=False)
    with pytest.raises(InputError, match=r"comments\.csv and model differ in the labels delight, joy"):
        run("score", "comments.csv")


def test_nothing_in_the_folder_changes(run, tmp_path):
    write_csv(tmp_path / "comments.csv", COMMENTS)
    set_params(tmp_path)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    run("predict", "wow")
    run("score", "comments.csv")
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_a_process_answers_standard_input_and_ends_well(model, tmp_path):
    done = in_a_process("-m", "emotions", "predict", "--json", "-", input="wow, 東京\nhappy\n", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["text"] for row in rows(done.stdout)] == ["wow, 東京", "happy"]


def test_a_process_tells_a_wrong_input_in_one_line_on_standard_error_and_fails(tmp_path):
    done = in_a_process("-m", "emotions", "predict", "wow", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the model folder model does not exist: train one with `dvc repro train`\n"


@pytest.mark.parametrize(("option", "thresholds"), [("per_label", PER_LABEL), ("0.3", [0.3] * 4)])
def test_export_takes_the_model_and_the_thresholds(run, monkeypatch, option, thresholds):
    written = []
    monkeypatch.setattr("emotions.export.PACKAGES", ())
    monkeypatch.setattr("emotions.export.write", lambda *given: written.append(given))
    assert run("export", "--onnx", "onnx", "--threshold", option) == ""
    ((model, chosen, folder),) = written
    assert model.label_names == LABELS and chosen.tolist() == thresholds and folder == "onnx"


def test_export_names_the_packages_that_it_lacks(run, monkeypatch):
    monkeypatch.setattr("emotions.export.PACKAGES", ("json", "no_such_package"))
    with pytest.raises(InputError, match="needs no_such_package: pip install --requirement requirements-export"):
        run("export", "--onnx", "onnx")
