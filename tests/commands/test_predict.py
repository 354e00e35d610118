"""Prediction: every source of texts, the labels of the thresholds, and wrong texts."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions.commands import predict
from emotions.core.errors import InputError
from emotions.model.prediction import predict_texts
from tests.conftest import LABELS, set_params, small_comments

TEXTS = [text for _, text, _ in small_comments(16)]
# A reader that guesses types would take them for a number, a date, a truth value or nothing.
WORDS = ["NA", "null", "None", "nan", "123", "007", "true", "2020-01-01"]


def rows(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def write(path, content) -> str:
    """Write text, bytes, or columns as parquet; return the path."""
    if isinstance(content, dict):
        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("source", ["arguments", "texts.txt", "texts.csv", "texts.parquet", "--file -", "-"])
def test_every_source_of_texts_gives_the_same_answers_in_order(run, model, tmp_path, monkeypatch, source):
    monkeypatch.setattr("emotions.commands.predict.PIECE", 5)
    texts = [*TEXTS, 'Über "alles",\tin 東京 😀']
    (tmp_path / "texts.txt").write_bytes("\r\n".join(texts).encode() + b"\r\n")
    table = pd.DataFrame({"id": range(17), "text": texts})
    table.to_csv(tmp_path / "texts.csv", index=False)
    table.to_parquet(tmp_path / "texts.parquet")
    arguments = {"arguments": texts, "--file -": ["--file", "-"], "-": ["-"]}.get(source, ["--file", source])
    output = run("predict", "--json", *arguments, stdin="\n".join(texts).encode())
    found = rows(output)
    assert [list(row) for row in found] == [["text", "labels", "probabilities"]] * 17
    assert [list(row["probabilities"]) for row in found] == [list(LABELS)] * 17
    assert [row["text"] for row in found] == texts and "東京 😀" in output
    probabilities = [list(row["probabilities"].values()) for row in found]
    np.testing.assert_allclose(probabilities, predict_texts(model, texts), atol=2e-5)


def test_labels_are_those_that_reach_their_threshold_likeliest_first(run, model):
    chosen = {"0.0001": [0.0001] * 4, "0.9999": [0.9999] * 4, "global": [0.35] * 4, "per_label": [0.2, 0.3, 0.4, 0.5]}
    outputs = {name: run("predict", "--json", "--threshold", name, *TEXTS) for name in chosen}
    assert len(set(outputs.values())) == 4
    for name, thresholds in chosen.items():
        least = dict(zip(LABELS, thresholds, strict=True))
        for row in rows(outputs[name]):
            reached = [label for label in LABELS if row["probabilities"][label] >= least[label]]
            assert row["labels"] == sorted(reached, key=row["probabilities"].get, reverse=True)


def test_the_threshold_of_params_yaml_counts_where_there_is_one(run, model, tmp_path):
    without, overall = run("predict", *TEXTS), run("predict", "--threshold", "global", *TEXTS)
    set_params(tmp_path, threshold="global")
    assert run("predict", *TEXTS) == overall != without == run("predict", "--threshold", "per_label", *TEXTS)


def test_without_json_a_line_has_the_labels_and_the_text_on_one_line(run, model):
    found = run("predict", "--threshold", "0.0001", "happy\n people")
    assert re.fullmatch(r"(?:(?:anger|joy|surprise|neutral) 0\.\d\d(?:, |\t)){4}happy people\n", found)
    likeliest = found.split(", ")[0]
    assert run("predict", "--threshold", "0.9999", "happy people") == f"none (likeliest: {likeliest})\thappy people\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.log", "\ufeffso kind\r\nNA", ["so kind", "NA"]),
        ("a.txt", "größe, \u2028 \x0b\n", ["größe, \u2028 \x0b"]),
        ("a.csv", "\ufefftext,id\r\nso kind,1\r\nargh,2", ["so kind", "argh"]),
        ("A.CSV", 'text\n"two\nlines, ""quoted"""\n', ['two\nlines, "quoted"']),
        ("a.csv", "\n".join(["text", *WORDS]), WORDS),
        ("a.parquet", {"id": range(len(WORDS)), "text": WORDS}, WORDS),
        ("a.parquet", {"text": pa.array(WORDS, pa.large_string()).dictionary_encode()}, WORDS),
    ],
)
def test_a_file_gives_its_texts_as_they_stand(tmp_path, name, content, expected):
    assert list(predict.read(write(tmp_path / name, content))) == expected


@pytest.mark.parametrize(
    ("name", "content", "reasons"),
    [
        ("a.txt", "", ["is empty: it should hold comments"]),
        ("a.txt", "so kind\n \t\n", ["line 2", "should be a comment"]),
        ("a.txt", b"so kind\ncaf\xe9\n", ["line 2", "0xe9", "not UTF-8"]),
        ("a.csv", "", ["is empty: it should hold comments"]),
        ("a.csv", "id,comment\n1,x\n", ["no column text"]),
        ("a.csv", "\nid,text\n1,x\n", ["no column text"]),
        ("a.csv", "id,text\n1,x\n2\n", ["row 3", "1 columns", "2"]),
        ("a.csv", 'id,text\n1,x\n2,"  "\n', ["row 3", "should be a comment"]),
        ("a.csv", b"id,text\n1,x\n2,caf\xe9\n", ["line 3", "0xe9", "UTF-8"]),
        ("a.csv", 'id,text\n1,x\n2,"never closed\n3,y\n', ["quote not closed"]),
        ("a.parquet", b"PAR1" + bytes(100) + b"PAR1", ["no valid parquet file"]),
        ("a.parquet", {"comment": ["x"]}, ["no column text"]),
        ("a.parquet", {"text": ["x", None]}, ["row 2", "None", "should be a comment"]),
        ("a.parquet", {"text": [1, 2]}, ["row 1", "should be a comment"]),
    ],
)
def test_a_fault_of_a_file_is_reported_with_its_place_before_the_model_is_loaded(run, tmp_path, name, content, reasons):
    with pytest.raises(InputError) as caught:
        run("predict", "--model", "none", "--file", write(tmp_path / name, content))
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in [name, *reasons]), message


@pytest.mark.parametrize(("name", "last"), [("a.txt", " "), ("a.csv", "one,column too many")])
def test_texts_come_before_the_whole_file_is_read(tmp_path, name, last):
    many = [f"so kind of you - number {number}" for number in range(200_000)]
    reader = predict.read(write(tmp_path / name, "\n".join(["text", *many, last]) + "\n"))
    assert many[10] in itertools.islice(reader, 100)
    with pytest.raises(InputError, match="200002"):  # only now has the fault at the end been reached
        list(reader)
