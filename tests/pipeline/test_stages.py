"""The stages end to end on small data: their outputs, their refusals, and what stays when they fail."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from accelerate.state import AcceleratorState

from emotions.core.errors import InputError
from emotions.model.classifier import Classifier
from stages import baseline, evaluate, preprocess, report, split, train
from tests.conftest import LABELS, ROOT, environment, set_params, small_comments, write_csv

MODULES = [preprocess, split, baseline, train, evaluate, report]
STAGES = {module.__name__.rpartition(".")[2]: module for module in MODULES}
OUTPUTS = {
    name: [
        next(iter(entry)) if isinstance(entry, dict) else entry
        for kind in ("outs", "metrics")
        for entry in stage.get(kind, [])
    ]
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
}


def run(*names: str) -> None:
    for name in names:
        AcceleratorState._reset_state(True)
        STAGES[name].main()


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file that the stages wrote."""
    outputs = [folder / output for paths in OUTPUTS.values() for output in paths]
    files = [file for output in outputs for file in ([output] if output.is_file() else sorted(output.rglob("*")))]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_pipeline_writes_everything_that_dvc_yaml_promises(workspace, capsys):
    run(*STAGES)
    for output in (path for paths in OUTPUTS.values() for path in paths):
        assert (workspace / output).exists(), output
    assert not list(workspace.rglob(".partial-*"))

    metrics = json.loads(Path("metrics/test.json").read_text())
    assert {
        "f1_micro", "f1_macro", "f1_weighted", "precision_macro", "recall_macro", "hamming_loss", "subset_accuracy",
        "average_precision_macro", "roc_auc_macro", "calibration_error", "f1_micro_at_half", "f1_macro_at_half",
    } <= set(metrics)  # fmt: skip
    assert list(metrics)[1:7] == [
        "f1_micro", "f1_micro_low", "f1_micro_high", "f1_macro", "f1_macro_low", "f1_macro_high",
    ]  # fmt: skip
    parts = pq.read_table("data/splits/split.parquet")["part"].to_pylist()
    predictions = pd.read_parquet("data/predictions/test.parquet")
    assert len(predictions) == parts.count("test") == metrics["comments"]
    assert list(predictions.columns) == ["id", "labels", "predicted", *(f"p_{label}" for label in LABELS)]
    per_label = pd.read_csv("plots/evaluation/per_label.csv")
    assert list(per_label.columns) == [
        "label", "support", "precision", "recall", "f1", "threshold", "f1_low", "f1_high",
    ]  # fmt: skip
    assert per_label["support"].sum() == predictions["labels"].map(len).sum()
    assert per_label["f1"].mean() == pytest.approx(metrics["f1_macro"], abs=1e-4)
    loss = pd.read_csv("plots/training/loss.csv")
    assert list(loss.columns) == ["epoch", "step", "train_loss", "validation_loss"] and len(loss) == 2
    assert loss["train_loss"].iloc[1] < loss["train_loss"].iloc[0]
    printed = capsys.readouterr().out
    for word in ("read", "dropped", "merged", "truncated", "training on", "f1_micro"):
        assert word in printed


def test_predictions_are_those_of_the_saved_model_at_its_threshold(workspace):
    run(*STAGES)
    model = Classifier.load("model")
    predictions = pd.read_parquet("data/predictions/test.parquet")
    probabilities = predictions[[f"p_{label}" for label in LABELS]].to_numpy()
    for row, predicted in zip(probabilities, predictions["predicted"], strict=True):
        assert list(predicted) == [LABELS[i] for i in np.flatnonzero(row >= model.thresholds.per_label)]


def test_the_same_run_gives_the_same_bytes(workspace):
    run(*STAGES)
    first = hashes(workspace)
    run(*STAGES)
    assert hashes(workspace) == first


def test_outputs_do_not_depend_on_the_machine_or_the_time(workspace):
    run(*STAGES)
    for file in (file for folder in ("metrics", "plots", "model") for file in Path(folder).rglob("*")):
        if file.suffix in (".json", ".csv", ".md", ".png", ".html"):
            content = file.read_bytes()
            assert str(workspace).encode() not in content, file
            assert b"matplotlib" not in content.lower(), file


def test_the_model_learns_small_data(workspace):
    # The tiny encoder was never pretrained, and six validation comments are too few for four thresholds.
    set_params(workspace, epochs=40, lr=3e-3, freeze_embeddings=False, threshold="global")
    run(*STAGES)
    assert json.loads(Path("metrics/test.json").read_text())["f1_micro"] > 0.9


def test_the_threshold_is_used_without_training_again(workspace):
    run(*STAGES)
    common = json.loads(Path("metrics/test.json").read_text())
    set_params(workspace, threshold=0.5)
    run("evaluate")
    fixed = json.loads(Path("metrics/test.json").read_text())
    assert fixed["f1_micro"] == common["f1_micro_at_half"]
    assert fixed["average_precision_macro"] == common["average_precision_macro"]
    set_params(workspace, threshold="per_label")
    run("evaluate")
    model = Classifier.load("model")
    assert pd.read_csv("plots/evaluation/per_label.csv")["threshold"].tolist() == list(model.thresholds.per_label)


def test_without_a_validation_part_every_threshold_is_a_half(workspace):
    set_params(workspace, validation_size=0)
    run(*STAGES)
    model = Classifier.load("model")
    assert model.thresholds.common == 0.5 and set(model.thresholds.per_label) == {0.5}
    assert pd.read_csv("plots/training/loss.csv")["validation_loss"].isna().all()


def test_the_notebooks_run_is_possible(workspace):
    """One row per rater, rows split, one learning rate, logits compared with 0.5."""
    comments = small_comments(40)
    write_csv(workspace / "data" / "comments.csv", [comment for comment in comments for _ in range(3)])
    logits_at_half = 1 / (1 + np.exp(-0.5))
    set_params(
        workspace, min_votes=0, split="rows", validation_size=0, dropout=0.3, lr=2e-5, head_lr=2e-5, warmup=0,
        weight_decay=1e-4, epochs=2, batch_size=32, self_distillation=0, threshold=float(logits_at_half),
    )  # fmt: skip
    run(*STAGES)
    table = pq.read_table("data/splits/split.parquet").to_pandas()
    assert len(table) == 120 and (table["part"] == "test").sum() == 24
    in_test, in_train = (set(table.loc[table["part"] == part, "id"]) for part in ("test", "train"))
    assert in_test & in_train


def test_official_parts_are_kept(workspace):
    folder = workspace / "data" / "official"
    folder.mkdir()
    rows = [f"{text}\t{','.join(str(LABELS.index(name)) for name in names)}\t{comment}"
            for comment, text, names in small_comments()]  # fmt: skip
    for name, part in {"train.tsv": rows[:40], "dev.tsv": rows[40:52], "test.tsv": rows[52:]}.items():
        (folder / name).write_text("\n".join(part) + "\n")
    (folder / "emotions.txt").write_text("\n".join(LABELS) + "\n")
    set_params(workspace, data="data/official", split="official")
    run(*STAGES)
    table = pq.read_table("data/splits/split.parquet").to_pandas()
    assert table["part"].value_counts().to_dict() == {"train": 40, "validation": 12, "test": 12}
    assert table.loc[table["part"] == "test", "id"].tolist() == [f"c{number}" for number in range(52, 64)]


@pytest.mark.parametrize(
    ("changes", "stage", "message"),
    [
        ({"data": "data/none.csv"}, "preprocess", "data/none.csv does not exist"),
        ({"encoder": "no/such-model"}, "preprocess", "no pinned revision"),
        ({"max_length": 65}, "preprocess", "takes 64 tokens at most"),
        ({"min_votes": 2}, "preprocess", "min_votes"),
        ({"split": "official"}, "split", "train.tsv, dev.tsv and test.tsv"),
        ({"test_size": 0.01}, "split", "no comment"),
        ({"precision": "fp16"}, "train", "needs a GPU"),
        ({"lr": "fast"}, "train", "lr"),
        ({"epochs": 0}, "train", "epochs"),
        ({"threshold": 2}, "evaluate", "threshold"),
        ({"leraning_rate": 1}, "preprocess", "unknown parameter"),
    ],
)
def test_a_wrong_parameter_fails_with_one_line_and_loses_nothing(workspace, monkeypatch, changes, stage, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    run(*STAGES)
    before = hashes(workspace)
    set_params(workspace, **changes)
    with pytest.raises(InputError) as failure:
        run(stage)
    assert message in str(failure.value) and "\n" not in str(failure.value)
    assert hashes(workspace) == before and not list(workspace.rglob(".partial-*"))


def test_a_loss_that_is_not_finite_is_reported_and_leaves_the_old_model(workspace):
    run(*STAGES)
    before = hashes(workspace)
    spoil(workspace / "encoder" / "model.safetensors")
    with pytest.raises(InputError, match=r"the loss is not finite in steps 1 to 1: lower lr or head_lr"):
        run("train")
    assert hashes(workspace) == before


def spoil(weights: Path) -> None:
    """Put a NaN into every tensor of a safetensors file."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    for tensor in tensors.values():
        tensor.view(-1)[0] = float("nan")
    save_file(tensors, weights, metadata={"format": "pt"})


def test_a_split_too_small_for_its_labels_names_the_label(workspace):
    comments = [comment for comment in small_comments() if "surprise" not in comment[2]]
    comments.append(("once", "gosh, just this once", ("surprise",)))
    write_csv(workspace / "data" / "comments.csv", comments)
    run("preprocess")
    with pytest.raises(InputError, match="'surprise', on 1 of all comments"):
        run("split")


def test_stages_refuse_files_of_another_run(workspace):
    run(*STAGES)
    write_csv(workspace / "data" / "comments.csv", small_comments(60))
    run("preprocess")
    with pytest.raises(InputError, match=r"made for other comments.*dvc repro split"):
        run("train")


def test_what_is_edited_while_a_stage_runs_is_noticed_and_nothing_is_written(workspace, monkeypatch):
    run(*STAGES)
    before = hashes(workspace)
    cases = {
        "preprocess": (preprocess.tokens, "tokenise", ["params.yaml", "data/comments.csv"]),
        "split": (split.splitting, "check", ["params.yaml", "data/processed/comments.parquet"]),
        "evaluate": (evaluate.scores, "score", ["params.yaml", "data/splits/split.parquet", "model/README.md"]),
    }
    for stage, (module, name, edited) in cases.items():
        for path in edited:
            content, function = Path(path).read_bytes(), getattr(module, name)

            def edit(*arguments, path=path, content=content, function=function):
                Path(path).write_bytes(content + b"#")
                return function(*arguments)

            with monkeypatch.context() as patch:
                patch.setattr(module, name, edit)
                with pytest.raises(InputError, match=f"{path} changed while this stage ran"):
                    run(stage)
            Path(path).write_bytes(content)
            assert hashes(workspace) == before


def test_a_missing_or_damaged_model_is_named(workspace):
    run(*STAGES)
    weights = Path("model/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="model is damaged"):
        run("evaluate")


@pytest.mark.parametrize("error", [InputError("gone"), KeyboardInterrupt()])
def test_preprocess_leaves_nothing_behind_when_it_ends_on_the_way(workspace, monkeypatch, error):
    run("preprocess")
    before = hashes(workspace)

    def fail(*arguments):
        assert any(file.is_file() for file in workspace.glob("data/processed/.partial-*/*"))
        raise error

    monkeypatch.setattr(preprocess.tokens, "tokenise", fail)
    with pytest.raises(type(error)):
        run("preprocess")
    assert hashes(workspace) == before and not list(workspace.rglob(".partial-*"))


def test_a_stage_ends_on_bad_input_with_one_line_and_no_traceback(workspace):
    header = "id,text,example_very_unclear,anger,joy\n"
    Path("data/comments.csv").write_text(header + "a,hello,FALSE,0,1\nb,hi,FALSE,0,2\n")
    done = subprocess.run(
        [sys.executable, "-m", "stages.preprocess"], capture_output=True, text=True, env=environment(PYTHONPATH="")
    )
    assert done.returncode == 1
    assert done.stderr == "error: data/comments.csv, row 3: joy is '2', but should be 0 or 1\n"


def test_texts_stay_what_they_are(workspace):
    words = ["NA", "null", "None", "nan", "123", "TRUE", '"quoted"', "a\nline", "=SUM(A1)", "<script>", "é 🙂"]
    comments = small_comments()
    comments += [(f"w{number}", word, ("neutral",)) for number, word in enumerate(words)]
    write_csv(workspace / "data" / "comments.csv", comments)
    run("preprocess")
    assert pq.read_table("data/processed/comments.parquet")["text"].to_pylist()[-len(words) :] == words
    with open("data/comments.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == len(comments) + 1
