"""The ONNX folder: the same probabilities as torch, its README's example, and what is refused."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from emotions import batches, export
from emotions.errors import InputError
from emotions.prediction import predict_texts
from tests.conftest import LABELS, small_comments
from tests.test_model import TEXTS, inputs_of, small_model

for package in export.PACKAGES:
    pytest.importorskip(package, reason=f"{package} is not installed: see requirements-export.txt")
THRESHOLDS = np.array([0.45, 0.5, 0.55, 0.4])


@pytest.fixture(scope="module")
def exported(tiny_encoder, tmp_path_factory):
    """A small model and the folder that it was exported to."""
    model, folder = small_model(tiny_encoder), tmp_path_factory.mktemp("export") / "onnx"
    # Probabilities on both sides of the thresholds.
    model.head.weight.data *= 5
    export.write(model, THRESHOLDS, folder)
    return model, folder


def run(folder, name, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
    inputs = {"attention_mask": torch.ones_like(inputs["input_ids"])} | inputs  # the graph always wants one
    return session.run(["probabilities", "given"], {name: tensor.numpy() for name, tensor in inputs.items()})


def test_onnx_gives_the_probabilities_of_torch_and_the_labels_of_the_thresholds(exported):
    model, folder = exported
    words = " ".join(text for _, text, _ in small_comments()).split()
    texts = [*(" ".join(words[:count]) for count in range(31)), *(text for _, text, _ in small_comments())]
    expected = predict_texts(model, texts)
    lengths = batches.tokenise(model.backend_tokenizer, texts, model.max_length)[0].lengths
    assert lengths.min() == 2 and lengths.max() == model.max_length
    probabilities, given = run(folder, export.MODEL, inputs_of(model, texts))  # padded, all in one batch
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
    assert given.dtype == bool and 0 < given.mean() < 1
    assert np.array_equal(given, probabilities >= THRESHOLDS)
    for position in (0, 7, 30):
        alone, _ = run(folder, export.MODEL, inputs_of(model, [texts[position]]))
        np.testing.assert_allclose(alone[0], expected[position], rtol=0, atol=1e-5)
    shortest = {name: tensor[:1, :1] for name, tensor in inputs_of(model, ["wow"]).items()}
    assert run(folder, export.MODEL, shortest)[0].shape == (1, 4)


def test_int8_is_near_and_smaller(exported):
    model, folder = exported
    texts = [text for _, text, _ in small_comments()]
    probabilities, given = run(folder, export.INT8, inputs_of(model, texts))
    assert np.abs(probabilities - predict_texts(model, texts)).mean(axis=0).max() < 0.01  # of each label
    assert np.array_equal(given, probabilities >= THRESHOLDS)
    assert (folder / export.INT8).stat().st_size < (folder / export.MODEL).stat().st_size


@pytest.mark.parametrize(("kind", "pooling"), [("roberta", "pooler"), ("mpnet", "mean")])
def test_other_encoders_are_exported_too(tiny_encoder, tmp_path, kind, pooling):
    model = small_model(tiny_encoder, pooling, kind)
    export.write(model, THRESHOLDS, tmp_path / "onnx")
    probabilities, _ = run(tmp_path / "onnx", export.MODEL, inputs_of(model, TEXTS))
    np.testing.assert_allclose(probabilities, predict_texts(model, TEXTS), rtol=0, atol=1e-5)


def test_a_threshold_is_reached_by_the_same_probabilities_as_in_double_precision(tiny_encoder):
    for threshold in (0.34, 0.1, 0.5):
        least = export.Judge(small_model(tiny_encoder), np.full(4, threshold)).thresholds.numpy()
        assert np.all(least.astype(float) >= threshold)
        assert np.all(np.nextafter(least, np.float32(0)).astype(float) < threshold)


def test_the_example_of_the_readme_runs_in_the_folder_alone(exported):
    model, folder = exported
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    code = code.replace('"Thank you."', repr("happy people " * 50))  # one that has to be cut off, one to be padded
    code += "import sys; assert 'torch' not in sys.modules\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = predict_texts(model, ["I am so happy and excited today!", "happy people " * 50]) >= THRESHOLDS
    expected = [[name for name, enough in zip(LABELS, row, strict=True) if enough] for row in rows]
    assert done.stdout == f"{expected}\n" and any(expected)


def test_the_folder_holds_labels_with_thresholds_and_tells_of_no_machine(exported):
    _, folder = exported
    names = {export.MODEL, export.INT8, export.TOKENIZER, export.LABELS, export.CARD}
    assert {path.name for path in folder.iterdir()} == names
    assert json.loads((folder / export.LABELS).read_text()) == dict(zip(LABELS, THRESHOLDS.tolist(), strict=True))
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"site-packages" not in content and b".py" not in content and str(folder).encode() not in content


def test_the_same_model_gives_the_same_bytes_quietly_and_replaces_an_earlier_export(
    exported, tiny_encoder, tmp_path, capfd
):
    model, folder = exported
    (tmp_path / export.MODEL).touch()
    export.write(model, THRESHOLDS, tmp_path)
    assert capfd.readouterr() == ("", "")
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_what_is_no_earlier_export_is_never_replaced(tiny_encoder, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader")
    (tmp_path / export.MODEL).touch()
    for target in (tmp_path, tmp_path / "letter.txt"):
        with pytest.raises(InputError, match="exists, and is no earlier export: name another folder"):
            export.write(small_model(tiny_encoder), THRESHOLDS, target)
    assert (tmp_path / "letter.txt").read_text() == "Dear reader"


def test_an_export_that_fails_leaves_the_earlier_one(exported, tmp_path, monkeypatch):
    model, _ = exported
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / export.MODEL).write_text("earlier")
    monkeypatch.setattr(model.encoder, "forward", None)
    with pytest.raises(InputError, match="torch cannot export a bert encoder") as error:
        export.write(model, THRESHOLDS, tmp_path / "onnx")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["onnx", export.MODEL]
