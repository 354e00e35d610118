"""Files edited while a stage runs are noticed."""

import subprocess
import sys

import pytest

from emotions.core.errors import InputError
from emotions.core.inputs import ROOT, Inputs
from stages import preprocess, split
from tests.conftest import environment, set_params


def test_inputs_and_the_imported_code_are_hashed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("a")
    inputs = Inputs([tmp_path / "folder"])
    assert tmp_path / "folder" / "a" in inputs.hashes
    assert ROOT / "emotions" / "core" / "inputs.py" in inputs.hashes
    inputs.check()


@pytest.mark.parametrize("change", [lambda file: file.write_text("b"), lambda file: file.unlink()])
def test_a_changed_or_missing_input_is_named(tmp_path, change):
    file = tmp_path / "input"
    file.write_text("a")
    inputs = Inputs([file])
    change(file)
    with pytest.raises(InputError, match=r"input changed while this stage ran.*dvc repro"):
        inputs.check()


def test_a_file_added_to_a_folder_is_named(tmp_path):
    (tmp_path / "first").write_text("a")
    inputs = Inputs([tmp_path])
    (tmp_path / "second").write_text("b")
    with pytest.raises(InputError, match="second changed while this stage ran"):
        inputs.check()


def test_the_digest_depends_on_content_and_not_on_the_place(tmp_path):
    for name, content in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "input").write_text(content)
    one, two, three = (Inputs([tmp_path / name]).digest() for name in ("one", "two", "three"))
    assert one == two != three


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        ("emotions/model/classifier.py", "classifier.py"),
        ("stages/train.py", "train.py"),
        ("data/splits/split.parquet", "split.parquet"),
        ("params.yaml", "params.yaml"),
    ],
)
def test_an_edit_while_train_runs_is_noticed_and_no_model_is_written(workspace, edit, name):
    preprocess.main()
    split.main()
    set_params(workspace, epochs=1)
    # The edit comes after the first epoch, when thresholds are chosen.
    code = f"""
from emotions.core import errors
from emotions.metrics import thresholds
from stages import train
before = thresholds.choose
def edit(*arguments):
    with open({edit!r}, "ab") as file: file.write(b"#")
    return before(*arguments)
thresholds.choose = edit
errors.run(train.main)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(PYTHONPATH=str(workspace))
    )
    assert done.returncode == 1
    assert f"{name} changed while this stage ran" in done.stderr and "Traceback" not in done.stderr
    assert not (workspace / "model").exists() and not (workspace / "metrics" / "train.json").exists()
