"""The ONNX folder: the same probabilities as torch, its README's example, and refusals."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from emotions.commands import export
from emotions.core.errors import InputError
from emotions.metrics.thresholds import Thresholds
from emotions.model import batches
from emotions.model.prediction import predict_texts
from tests.conftest import LABELS, small_comments
from tests.model.test_classifier import small

THRESHOLDS = np.array([0.45, 0.5, 0.55, 0.4])
WORDS = " ".join(text for _, text, _ in small_comments()).split()
TEXTS = [*(" ".join(WORDS[:count]) for count in range(40)), *(text for _, text, _ in small_comments())]


@pytest.fixture(scope="module")
def exported(tiny_encoder, tmp_path_factory):
    """A small model and the folder that it was exported to."""
    folder = tmp_path_factory.mktemp("export")
    made = small("bert", tiny_encoder, folder / "encoder")
    made.thresholds = Thresholds(tuple(THRESHOLDS.tolist()), 0.5)
    export.write(made, THRESHOLDS, folder / "onnx")
    return made, folder / "onnx"


def run_onnx(path, made, texts):
    """Return the probabilities and predicted labels of texts, padded, all in one batch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = batches.collate(made.tokenise(texts), np.arange(len(texts)), made.tokenizer.pad_token_id)
    inputs = {"attention_mask": torch.ones_like(inputs["input_ids"]), **inputs}  # the graph always needs one
    return session.run(["probabilities", "predicted"], {name: inputs[name].numpy() for name in inputs})


def test_onnx_gives_the_probabilities_of_torch_and_int8_nearly_with_the_labels_of_the_thresholds(exported):
    made, folder = exported
    expected = predict_texts(made, TEXTS)
    assert {2, 32} <= set(made.tokenise(TEXTS).lengths)
    probabilities, predicted = run_onnx(folder / export.MODEL, made, TEXTS)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
    assert predicted.dtype == bool and 0 < predicted.mean() < 1
    assert np.array_equal(predicted, probabilities >= THRESHOLDS)
    alone, _ = run_onnx(folder / export.MODEL, made, TEXTS[7:8])
    np.testing.assert_allclose(alone, expected[7:8], rtol=0, atol=1e-5)
    # in int8
    probabilities, predicted = run_onnx(folder / export.INT8, made, TEXTS)
    assert np.abs(probabilities - expected).mean(axis=0).max() < 0.01  # of each label
    assert np.array_equal(predicted, probabilities >= THRESHOLDS)
    assert (folder / export.INT8).stat().st_size < (folder / export.MODEL).stat().st_size


@pytest.mark.parametrize("kind", ["mpnet", "distilbert"])
def test_other_encoders_are_exported_too(tiny_encoder, tmp_path, kind):
    made = small(kind, tiny_encoder, tmp_path / "encoder")
    export.write(made, THRESHOLDS, tmp_path / "onnx")
    probabilities, _ = run_onnx(tmp_path / "onnx" / export.MODEL, made, TEXTS)
    np.testing.assert_allclose(probabilities, predict_texts(made, TEXTS), rtol=0, atol=1e-5)


@pytest.mark.parametrize("threshold", [0.34, 0.1, 0.5])
def test_a_threshold_is_reached_by_the_same_probabilities_as_in_double_precision(exported, threshold):
    least = export.Labeller(exported[0].model, np.full(4, threshold)).thresholds.numpy()
    assert np.all(least.astype(float) >= threshold)
    assert np.all(np.nextafter(least, np.float32(0)).astype(float) < threshold)


def test_the_example_of_the_readme_runs_in_the_folder_alone(exported):
    made, folder = exported
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    code = code.replace('"Thank you."', repr("happy people " * 50))  # one that has to be cut off, one to be padded
    code += "import sys; assert 'torch' not in sys.modules\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = predict_texts(made, ["I am so happy and excited today!", "happy people " * 50]) >= THRESHOLDS
    expected = [[name for name, reached in zip(LABELS, row, strict=True) if reached] for row in rows]
    assert done.stdout == f"{expected}\n" and any(expected)


def test_the_folder_holds_labels_with_thresholds_and_names_no_machine(exported):
    _, folder = exported
    assert len(list(folder.iterdir())) == 5
    assert json.loads((folder / export.LABELS).read_text()) == dict(zip(LABELS, THRESHOLDS.tolist(), strict=True))
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"site-packages" not in content and b".py" not in content and str(folder).encode() not in content


def test_the_command_gives_the_same_bytes_quietly_and_replaces_an_earlier_export(exported, run, tmp_path):
    made, folder = exported
    made.save(tmp_path / "model")
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / export.MODEL).touch()
    call = ["export", "--model", tmp_path / "model", "--onnx", tmp_path / "onnx", "--threshold", "per_label"]
    assert run(*call) == ""
    for path in folder.iterdir():
        assert (tmp_path / "onnx" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_missing_package_is_named(run, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name))
    with pytest.raises(InputError, match="export needs onnxscript: pip install onnxscript"):
        run("export", "--onnx", "onnx", "--model", "none")


def test_anything_else_than_an_earlier_export_is_never_replaced(exported, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader")
    (tmp_path / export.MODEL).touch()
    for target in (tmp_path, tmp_path / "letter.txt"):
        with pytest.raises(InputError, match="exists, and is no earlier export: name another folder"):
            export.write(exported[0], THRESHOLDS, target)
    assert (tmp_path / "letter.txt").read_text() == "Dear reader"


def test_an_export_that_fails_leaves_the_earlier_one(exported, tmp_path, monkeypatch):
    made, _ = exported
    (tmp_path / export.MODEL).write_text("earlier")
    monkeypatch.setattr(made.model, "forward", None)
    with pytest.raises(InputError, match="torch cannot export bert") as error:
        export.write(made, THRESHOLDS, tmp_path)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.rglob("*")] == [export.MODEL]
