"""params.yaml: what is accepted, and what is said about what is not."""

from pathlib import Path

import pytest
import yaml

from emotions import params
from emotions.errors import InputError
from tests.conftest import ROOT

NAN, INFINITY = float("nan"), float("inf")


def write(folder: Path, drop: str | None = None, **changes: object) -> Path:
    """Write the repository's parameters with changes."""
    content = {**yaml.safe_load((ROOT / "params.yaml").read_text()), **changes}
    content.pop(drop, None)
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def fault(path: Path) -> str:
    """Return what is said about a file, which is one line that begins with the file."""
    with pytest.raises(InputError) as caught:
        params.load(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path))
    return message.removeprefix(str(path))


def test_the_repositorys_own_parameters_are_valid_and_complete():
    assert set(params.load(ROOT / "params.yaml").model_dump()) == set(
        yaml.safe_load((ROOT / "params.yaml").read_text())
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("lr: 3e-05", 3e-05),
        ("lr: 3.0e-05", 3e-05),
        ("lr: '3e-05'", 3e-05),
        ("lr: 1", 1.0),
        ("epochs: '3'", 3),
        ("epochs: 3.0", 3),
        ("validation_size: 0", 0.0),
        ("min_votes: 0", 0),
        ("threshold: global", "global"),
        ("threshold: per_label", "per_label"),
        ("threshold: 0.3", 0.3),
        ("threshold: 5e-1", 0.5),
        ("split: official", "official"),
        ("data: 'null'", "null"),
    ],
)
def test_a_value_gets_its_type_from_the_parameter(tmp_path: Path, line: str, value: object):
    name = line.split(":")[0]
    path = write(tmp_path, drop=name)
    path.write_text(f"{path.read_text()}{line}\n")
    loaded = getattr(params.load(path), name)
    assert loaded == value and type(loaded) is type(value)


def test_parameters_cannot_be_changed_after_loading():
    settings = params.load(ROOT / "params.yaml")
    with pytest.raises(ValueError):
        settings.lr = 0.5


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("lr", "fast", "valid number"),
        ("lr", 0, "greater than 0"),
        ("lr", -1e-4, "greater than 0"),
        ("lr", 2, "less than or equal to 1"),
        ("lr", NAN, "finite"),
        ("lr", None, "valid number"),
        ("lr", [1e-4], "valid number"),
        ("lr", True, "not be true or false"),
        ("max_grad_norm", INFINITY, "finite"),
        ("dropout", 1, "less than 1"),
        ("test_size", 0, "greater than 0"),
        ("test_size", 1, "less than 1"),
        ("validation_size", -0.1, "greater than or equal to 0"),
        ("epochs", 0, "greater than or equal to 1"),
        ("epochs", 2.5, "integer"),
        ("epochs", True, "not be true or false"),
        ("batch_size", "many\nof them", "integer"),
        ("max_length", 2, "greater than or equal to 3"),
        ("min_votes", False, "not be true or false"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", 2**32, "less than 4294967296"),
        ("data", 5, "string"),
        ("data", "", "at least 1 character"),
        ("split", "random", "'grouped', 'rows' or 'official'"),
        ("split", True, "not be true or false"),
        ("pooling", "max", "'mean', 'cls' or 'pooler'"),
        ("precision", 16, "'auto', 'fp32', 'bf16' or 'fp16'"),
        *(("threshold", value, "per_label, global, or a number between 0 and 1") for value in (0, 1, NAN, True, "no")),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(tmp_path: Path, name: str, value: object, remedy: str):
    message = fault(write(tmp_path, **{name: value}))
    assert f": {name} " in message and remedy in message and repr(value) in message


@pytest.mark.parametrize(
    ("typed", "meant"), [("learning_rate_head", None), ("lrr", "lr"), ("max_len", "max_length"), ("epoch", "epochs")]
)
def test_an_unknown_parameter_is_named_with_the_one_meant(tmp_path: Path, typed: str, meant: str | None):
    message = fault(write(tmp_path, **{typed: 1}))
    assert f"unknown parameter {typed}" in message
    assert (f"did you mean {meant}?" in message) if meant else ("did you mean" not in message)


def test_a_missing_parameter_is_named(tmp_path: Path):
    assert "lr is missing" in fault(write(tmp_path, drop="lr"))


def test_every_fault_is_told_at_once(tmp_path: Path):
    message = fault(write(tmp_path, drop="lr", epochs=0, sede=1))
    assert all(part in message for part in ("lr is missing", "epochs should", "did you mean seed?"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"lr: [1\nseed: 2\n", "line 2"),
        (b"lr: 1\n\tseed: 2\n", "line 2"),
        (b"lr: caf\xe9\n", "0xe9"),
        (b"seed: 2020-13-45\n", "YAML"),
        (b"lr: !!python/object:os.system x\n", "no valid YAML"),
        (b"", "`name: value`"),
        (b"- lr\n- seed\n", "`name: value`"),
        (b"lr\n", "`name: value`"),
    ],
    ids=["bracket", "tab", "byte", "no such day", "code", "empty", "list", "word"],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert said in fault(path)


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path):
    assert "is missing: run from the folder that holds it" in fault(tmp_path / "params.yaml")
