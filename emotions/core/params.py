"""params.yaml as one typed, validated, frozen object."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from emotions.core.errors import InputError

Text = Annotated[str, Field(min_length=1)]


class Params(BaseModel):
    """Every parameter of the pipeline; params.yaml describes each.

    Types come from here: PyYAML takes the `3e-05` that `dvc exp run -S lr=3e-5` writes for a string.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # preprocess
    data: Text
    encoder: Text
    revision: Text
    max_length: int = Field(ge=3)
    min_votes: int = Field(ge=0)
    # split
    split: Literal["grouped", "rows", "official"]
    test_size: float = Field(gt=0, lt=1)
    validation_size: float = Field(ge=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)
    # train
    dropout: float = Field(ge=0, lt=1)
    lr: float = Field(gt=0, le=1)
    head_lr: float = Field(gt=0, le=1)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    accumulation: int = Field(ge=1)
    weight_decay: float = Field(ge=0, le=1)
    warmup: float = Field(ge=0, le=1)
    max_grad_norm: float = Field(gt=0)
    self_distillation: float = Field(ge=0, lt=1)
    freeze_embeddings: bool
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    threads: int = Field(ge=0, le=1024)
    checkpoint_minutes: float = Field(ge=0)
    # evaluate
    threshold: Literal["per_label", "global"] | float

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML 1.1 reads `on` and `yes` as true, which pydantic would take for the number 1.
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("should not be true or false")
        return value

    @field_validator("threshold", mode="before")
    @classmethod
    def _threshold(cls, value: Any) -> Any:
        return parse_threshold(value)

    @field_validator("accumulation")
    @classmethod
    def _divides_the_batch(cls, value: int, info: ValidationInfo) -> int:
        batch_size = info.data.get("batch_size", value)
        if batch_size % value:
            raise ValueError(f"should divide batch_size, {batch_size}")
        return value


def parse_threshold(value: Any) -> str | float:
    """Return `"per_label"`, `"global"`, or a probability between 0 and 1 as a float.

    Raises:
        ValueError: `value` is none of these.
    """
    if value in ("per_label", "global"):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 < number < 1:
        raise ValueError("should be per_label, global, or a number between 0 and 1")
    return number


def load(path: str | Path = "params.yaml") -> Params:
    """Read and check a parameter file.

    Raises:
        InputError: The file is missing or damaged, or a parameter is at fault; the message names every such parameter.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run from the folder that holds it") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: bytes that are no UTF-8, dates that do not exist
        raise InputError(f"{path} is no valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} should hold one `name: value` a line")
    try:
        return Params(**{str(key): value for key, value in content.items()})
    except ValidationError as error:
        faults = {str(fault["loc"][0]): _describe(fault) for fault in error.errors()}
        raise InputError(f"{path}: " + "; ".join(faults.values())) from None


def _describe(fault: Mapping[str, Any]) -> str:
    key = str(fault["loc"][0])
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Params.model_fields, n=1)
        return f"unknown parameter {key}" + (f" (did you mean {near[0]}?)" if near else "")
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key} {message[0].lower()}{message[1:]}, but is {fault['input']!r}"
