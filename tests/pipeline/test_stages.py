"""The stages end to end on small data: their outputs, their refusals, and what stays when they fail."""

import json
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file

from emotions.core.errors import InputError
from emotions.core.files import sha256
from emotions.model.classifier import Classifier
from stages import baseline, evaluate, preprocess, report, split, train
from tests.conftest import LABELS, ROOT, environment, make_workspace, set_params, small_comments, write_csv

MODULES = [preprocess, split, baseline, train, evaluate, report]
STAGES = {module.__name__.rpartition(".")[2]: module for module in MODULES}
OUTPUTS = [
    next(iter(output))
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    for output in stage.get("outs", []) + stage.get("metrics", [])
]
COMMENTS, SPLIT = "data/processed/comments.parquet", "data/splits/split.parquet"


def run(*names: str) -> None:
    for name in names:
        AcceleratorState._reset_state(True)
        STAGES[name].main()


def metrics() -> dict:
    return json.loads(Path("metrics/test.json").read_text())


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file that the stages wrote."""
    files = [file for output in OUTPUTS for file in [folder / output, *(folder / output).rglob("*")]]
    return {str(file.relative_to(folder)): sha256(file) for file in files if file.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_encoder) -> Path:
    """A folder in which all stages have run, to read only."""
    folder = make_workspace(tmp_path_factory.mktemp("finished"), tiny_encoder)
    set_params(folder, threads=1)
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(*STAGES)
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def copy(finished, tmp_path, monkeypatch, no_traces) -> Path:
    """A copy of the finished folder to run stages in, without checkpoints to resume from."""
    shutil.copytree(finished, tmp_path / "copy", ignore=shutil.ignore_patterns("checkpoints"))
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def test_the_pipeline_writes_everything_that_dvc_yaml_promises(copy):
    for output in OUTPUTS:
        assert (copy / output).exists(), output
    assert not list(copy.rglob(".partial-*"))

    assert {
        "f1_micro", "f1_macro", "f1_weighted", "precision_macro", "recall_macro", "hamming_loss", "subset_accuracy",
        "average_precision_macro", "roc_auc_macro", "calibration_error", "f1_micro_at_half", "f1_macro_at_half",
    } <= set(metrics())  # fmt: skip
    intervals = [f"{name}{ending}" for name in ("f1_micro", "f1_macro") for ending in ("", "_low", "_high")]
    assert list(metrics())[1:7] == intervals
    predictions = pd.read_parquet("data/predictions/test.parquet")
    assert len(predictions) == (pd.read_parquet(SPLIT)["part"] == "test").sum() == metrics()["comments"]
    assert list(predictions.columns) == ["id", "labels", "predicted", *(f"p_{label}" for label in LABELS)]
    thresholds = Classifier.load("model").thresholds.per_label
    for p, predicted in zip(predictions.filter(like="p_").to_numpy(), predictions["predicted"], strict=True):
        assert list(predicted) == [LABELS[i] for i in np.flatnonzero(p >= thresholds)]
    per_label = pd.read_csv("plots/evaluation/per_label.csv")
    assert " ".join(per_label.columns) == "label support precision recall f1 threshold f1_low f1_high"
    assert per_label["support"].sum() == predictions["labels"].map(len).sum()
    assert per_label["f1"].mean() == pytest.approx(metrics()["f1_macro"], abs=1e-4)
    loss = pd.read_csv("plots/training/loss.csv")
    assert list(loss.columns) == ["epoch", "step", "train_loss", "validation_loss"] and len(loss) == 2
    assert loss["train_loss"].iloc[1] < loss["train_loss"].iloc[0]


def test_the_same_run_in_another_folder_gives_the_same_bytes_and_says_how_it_went(finished, copy, capsys):
    run(*STAGES)
    assert hashes(copy) == hashes(finished)
    for name in hashes(finished):  # the machine and the time leave no trace
        content = (finished / name).read_bytes()
        assert str(finished).encode() not in content and b"matplotlib" not in content.lower(), name
    printed = capsys.readouterr().out
    for word in ("read", "dropped", "merged", "truncated", "training on", "f1_micro"):
        assert word in printed


def test_the_model_learns_small_data(workspace):
    # The tiny encoder was never pretrained, and six validation comments are too few for four thresholds.
    set_params(workspace, epochs=40, lr=3e-3, freeze_embeddings=False, threshold="global")
    run("preprocess", "split", "train", "evaluate")
    assert metrics()["f1_micro"] > 0.9


def test_the_threshold_is_used_without_training_again(copy):
    before, thresholds = metrics(), Classifier.load("model").thresholds
    set_params(copy, threshold=0.5)
    run("evaluate")
    assert metrics()["f1_micro"] == before["f1_micro_at_half"]
    assert metrics()["average_precision_macro"] == before["average_precision_macro"]
    for threshold, used in {"per_label": list(thresholds.per_label), "global": [thresholds.common] * 4}.items():
        set_params(copy, threshold=threshold)
        run("evaluate")
        assert pd.read_csv("plots/evaluation/per_label.csv")["threshold"].tolist() == used


def test_the_notebooks_run_is_possible_and_without_validation_every_threshold_is_a_half(workspace):
    """One row per rater, rows split, one learning rate, logits compared with 0.5."""
    write_csv(workspace / "data" / "comments.csv", [comment for comment in small_comments(40) for _ in range(3)])
    logits_at_half = 1 / (1 + np.exp(-0.5))
    set_params(
        workspace, min_votes=0, split="rows", validation_size=0, dropout=0.3, lr=2e-5, head_lr=2e-5, warmup=0,
        weight_decay=1e-4, epochs=2, batch_size=32, self_distillation=0, threshold=float(logits_at_half),
    )  # fmt: skip
    run(*STAGES)
    table = pd.read_parquet(SPLIT)
    assert len(table) == 120 and (table["part"] == "test").sum() == 24
    assert {"test", "train"} in table.groupby("id")["part"].agg(set).tolist()
    thresholds = Classifier.load("model").thresholds
    assert thresholds.common == 0.5 and set(thresholds.per_label) == {0.5}
    assert pd.read_csv("plots/training/loss.csv")["validation_loss"].isna().all()


def test_official_parts_and_all_texts_are_kept(workspace):
    words = ["NA", "null", "None", "nan", "123", "TRUE", '"quoted"', "a\nline", "=SUM(A1)", "<script>", "é 🙂"]
    comments = small_comments() + [(f"w{number}", word, ("neutral",)) for number, word in enumerate(words)]
    folder = workspace / "data" / "official"
    folder.mkdir()
    (folder / "emotions.txt").write_text("\n".join(LABELS) + "\n")
    for name, part in {"train.tsv": comments[:40], "dev.tsv": comments[40:52], "test.tsv": comments[52:]}.items():
        rows = [(text, ",".join(str(LABELS.index(label)) for label in labels), id) for id, text, labels in part]
        pd.DataFrame(rows).to_csv(folder / name, sep="\t", header=False, index=False)
    set_params(workspace, data="data/official", split="official")
    run("preprocess", "split")
    assert pq.read_table(COMMENTS, columns=["id", "text"]).to_pylist() == [
        {"id": id, "text": text} for id, text, _ in comments
    ]
    assert pd.read_parquet(SPLIT)["part"].tolist() == ["train"] * 40 + ["validation"] * 12 + ["test"] * 23


@pytest.mark.parametrize(
    ("changes", "stage", "message"),
    [
        ({"data": "data/none.csv"}, "preprocess", "data/none.csv does not exist"),
        ({"encoder": "no/such-model"}, "preprocess", "no pinned revision"),
        ({"max_length": 65}, "preprocess", "takes 64 tokens at most"),
        ({"min_votes": 2}, "preprocess", "min_votes"),
        ({"split": "official"}, "split", "train.tsv, dev.tsv and test.tsv"),
        ({"test_size": 0.01}, "split", "no comment"),
        ({"precision": "fp16"}, "train", "precision fp16 needs a GPU, and there is none here: use auto"),
        ({"threshold": 2}, "evaluate", "threshold"),
    ],
)
def test_a_wrong_parameter_fails_with_one_line_and_loses_nothing(copy, finished, monkeypatch, changes, stage, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    set_params(copy, **changes)
    with pytest.raises(InputError) as failure:
        run(stage)
    assert message in str(failure.value) and "\n" not in str(failure.value)
    assert hashes(copy) == hashes(finished) and not list(copy.rglob(".partial-*"))


def test_a_loss_that_is_not_finite_is_reported_and_leaves_the_old_model(copy, finished):
    weights = load_file("encoder/model.safetensors")
    for tensor in weights.values():
        tensor.view(-1)[0] = float("nan")
    save_file(weights, "encoder/model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"the loss is not finite in steps 1 to 1: lower lr or head_lr"):
        run("train")
    assert hashes(copy) == hashes(finished)


def test_stages_refuse_what_another_run_made_and_a_damaged_model(copy):
    comments, weights = pq.read_table(COMMENTS), Path("model/model.safetensors")
    pq.write_table(comments[:-1], COMMENTS)
    with pytest.raises(InputError, match=r"made for other comments.*dvc repro split"):
        run("train")
    pq.write_table(comments.replace_schema_metadata({**comments.schema.metadata, b"tokenizer": b"f00d"}), COMMENTS)
    for stage, message in {"train": "was made with another tokenizer", "evaluate": "or another tokenizer than"}.items():
        with pytest.raises(InputError, match=message):
            run(stage)
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="model is damaged"):
        run("evaluate")


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("preprocess.tokens.tokenise", "data/comments.csv"),
        ("preprocess.tokens.tokenise", "params.yaml"),
        ("split.splitting.check", COMMENTS),
        ("split.splitting.check", "params.yaml"),
        ("evaluate.scores.score", SPLIT),
        ("evaluate.scores.score", "model/README.md"),
        ("evaluate.scores.score", "params.yaml"),
    ],
)
def test_an_edit_while_a_stage_runs_is_noticed_and_nothing_is_written(copy, finished, monkeypatch, call, path):
    content, called = Path(path).read_bytes(), pkgutil.resolve_name(f"stages.{call}")

    def edit(*arguments):
        Path(path).write_bytes(content + b"#")
        return called(*arguments)

    monkeypatch.setattr(f"stages.{call}", edit)
    with pytest.raises(InputError, match=f"{path} changed while this stage ran"):
        run(call.partition(".")[0])
    Path(path).write_bytes(content)
    assert hashes(copy) == hashes(finished) and not list(copy.rglob(".partial-*"))


def test_a_stage_ends_on_bad_input_with_one_line_and_no_traceback(workspace):
    header = "id,text,example_very_unclear,anger,joy\n"
    Path("data/comments.csv").write_text(header + "a,hello,FALSE,0,1\nb,hi,FALSE,0,2\n")
    command = [sys.executable, "-m", "stages.preprocess"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(PYTHONPATH=""))
    assert done.returncode == 1
    assert done.stderr == "error: data/comments.csv, row 3: joy is '2', but should be 0 or 1\n"
