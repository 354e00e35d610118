"""params.yaml: accepted values, and the message for every other."""

from pathlib import Path

import pytest
import yaml

from emotions.core import params
from emotions.core.errors import InputError
from tests.conftest import ROOT

OWN = yaml.safe_load((ROOT / "params.yaml").read_text())


def write(folder: Path, content: dict) -> Path:
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    return folder / "params.yaml"


def fault(path: Path) -> str:
    """Return the error about a file: one line that begins with its name."""
    with pytest.raises(InputError) as caught:
        params.load(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("lr: 3e-05", 3e-05),
        ("lr: '3e-05'", 3e-05),
        ("epochs: 3.0", 3),
        ("validation_size: 0", 0.0),
        ("threshold: per_label", "per_label"),
        ("threshold: 5e-1", 0.5),
        ("split: official", "official"),
        ("data: 'null'", "null"),
    ],
)
def test_a_value_gets_its_type_from_the_parameter(tmp_path: Path, line: str, value: object):
    name = line.split(":")[0]
    path = write(tmp_path, {key: OWN[key] for key in OWN if key != name})
    path.write_text(f"{path.read_text()}{line}\n")
    loaded = getattr(params.load(path), name)
    assert loaded == value and type(loaded) is type(value)


@pytest.mark.parametrize(
    ("name", "values", "remedy"),
    [
        ("lr", [0, -1e-4], "greater than 0"),
        ("lr", [2, "2e0"], "less than or equal to 1"),
        ("lr", ["fast", None, [1e-4]], "valid number"),
        ("lr", [float("nan"), float("inf")], "finite"),
        ("dropout", [1], "less than 1"),
        ("test_size", [0], "greater than 0"),
        ("validation_size", [-0.1], "greater than or equal to 0"),
        ("epochs", [2.5, "many\nof them", None], "integer"),
        ("batch_size", [0], "greater than or equal to 1"),
        ("accumulation", [3, 64], "divide batch_size, 32"),
        ("seed", [2**32], "less than 4294967296"),
        ("data", [5, "", None], "string"),
        ("split", ["random", None], "'grouped', 'rows' or 'official'"),
        ("precision", [16], "'auto', 'fp32', 'bf16' or 'fp16'"),
        ("threshold", [0, 1, float("nan"), True, "all", None], "per_label, global, or a number between 0 and 1"),
        *((name, [True, False], "true or false") for name in ("lr", "epochs", "min_votes", "split", "data")),
    ],
)
def test_a_wrong_value_is_reported_with_the_right_ones(tmp_path: Path, name: str, values: list, remedy: str):
    for value in values:
        message = fault(write(tmp_path, {**OWN, name: value}))
        assert f": {name} " in message and remedy in message and repr(value) in message


@pytest.mark.parametrize(
    ("typed", "guess"),
    [("lrr", " (did you mean lr?)"), ("max_len", " (did you mean max_length?)"), ("gpu", "")],
)
def test_an_unknown_parameter_is_reported_with_the_closest_known(tmp_path: Path, typed: str, guess: str):
    assert fault(write(tmp_path, {**OWN, typed: 1})) == f": unknown parameter {typed}{guess}"


@pytest.mark.parametrize("name", OWN)
def test_a_missing_parameter_is_reported_along_with_other_faults(tmp_path: Path, name: str):
    message = fault(write(tmp_path, {**{key: OWN[key] for key in OWN if key != name}, "gpu": 1}))
    assert f"{name} is missing" in message and "unknown parameter gpu" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"lr: [1\nseed: 2\n", "line 2"),
        (b"lr: 1\n\tseed: 2\n", "line 2"),
        (b"lr: caf\xe9\n", "0xe9"),
        (b"seed: 2020-13-45\n", "no valid YAML"),
        (b"lr: !!python/object:os.system x\n", "no valid YAML"),
        *((content, "should hold one `name: value` a line") for content in (b"", b"- lr\n- seed\n", b"lr\n")),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused(tmp_path: Path, content: bytes, said: str):
    (tmp_path / "params.yaml").write_bytes(content)
    assert said in fault(tmp_path / "params.yaml")


def test_a_missing_file_is_reported_with_the_remedy(tmp_path: Path):
    assert "is missing: run from the folder that holds it" in fault(tmp_path / "params.yaml")
