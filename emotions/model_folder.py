"""The folder that a trained model is saved in, read without the libraries that only training needs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
from torch import Tensor

from emotions.errors import InputError
from emotions.thresholds import Thresholds

SETTINGS, CONFIG, WEIGHTS, TOKENIZER = "emotions.json", "config.json", "model.safetensors", "tokenizer.json"


@dataclass(frozen=True)
class Saved:
    """What the folder holds; `EmotionClassifier` says what each of it is. config: that of transformers, as a dict."""

    label_names: tuple[str, ...]
    pooling: str
    dropout: float
    max_length: int
    groups: list[int] | None
    thresholds: Thresholds
    config: dict
    weights: dict[str, Tensor]


@contextmanager
def told_when_damaged(folder: str | Path) -> Iterator[None]:
    """Raise `InputError` for whatever the block raises while it makes a model of the folder."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # what a damaged folder raises is up to three libraries
        raise InputError(f"the model folder {folder} is damaged ({str(error)[:120]}): train it again") from None


def read(folder: str | Path) -> Saved:
    """Return what is in the folder; weights are on the CPU, mapped into memory, and read when they are used.

    Raises `InputError` when the folder is missing, lacks a file, or has one that is cut short.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"the model folder {folder} does not exist: train one with `dvc repro train`")
    for name in (SETTINGS, CONFIG, WEIGHTS, TOKENIZER, "tokenizer_config.json"):
        if not (folder / name).exists():
            raise InputError(f"the model folder {folder} lacks {name}: train it again with `dvc repro -f train`")
    with told_when_damaged(folder):
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        labels = tuple(settings["labels"])
        per_label = tuple(float(settings["threshold_per_label"][name]) for name in labels)
        return Saved(
            label_names=labels,
            pooling=settings["pooling"],
            dropout=float(settings["dropout"]),
            max_length=int(settings["max_length"]),
            groups=settings.get("groups"),
            thresholds=Thresholds(per_label, float(settings["threshold_global"])),
            config=json.loads((folder / CONFIG).read_text(encoding="utf-8")),
            weights=safetensors.torch.load_file(folder / WEIGHTS),
        )
