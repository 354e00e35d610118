"""Reads the tables and metrics that the other stages wrote, and checks their columns and types."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from emotions.core.errors import InputError
from emotions.metrics.bootstrap import NAMES

# File to its columns. Names of labels stay text, whatever they look like.
TABLES: dict[str, dict[str, type]] = {
    "plots/data/label_counts.csv": {"label": str, "train": int, "validation": int, "test": int},
    "plots/data/label_pairs.csv": {"label": str, "other": str, "share": float},
    "plots/data/lengths.csv": {"tokens": int, "comments": int},
    "plots/training/loss.csv": {"step": int, "train_loss": float, "validation_loss": float},
    "plots/training/steps.csv": {"step": int, "loss": float, "lr": float},
    "plots/evaluation/per_label.csv": {"label": str, "support": int, "precision": float, "recall": float, "f1": float}
    | {"threshold": float, "f1_low": float, "f1_high": float},
    "plots/evaluation/precision_recall.csv": {"curve": str, "recall": float, "precision": float},
    "plots/evaluation/calibration.csv": {"predicted": float, "observed": float, "pairs": int},
    "plots/evaluation/f1_by_threshold.csv": {"threshold": float, "f1_micro": float, "f1_macro": float},
    "plots/evaluation/confusions.csv": {"label": str, "missed": int, "instead": str, "share": float},
}


def read_tables() -> dict[str, pd.DataFrame]:
    """Return all tables, named as their files without suffix, or raise `InputError` if one is missing or damaged."""
    tables = {}
    for path, columns in TABLES.items():
        with _checked(path):
            # A label may be called NA. Without a validation part its losses are empty.
            tables[Path(path).stem] = pd.read_csv(
                path, usecols=list(columns), dtype=columns, keep_default_na=False, na_values={"validation_loss": [""]}
            )
    return tables


def read_metrics(path: str | Path) -> dict[str, float | int | None]:
    """Return the metrics in a JSON file, or raise the same, also where an F1 or its interval is missing."""
    with _checked(path):
        metrics = json.loads(Path(path).read_text(encoding="utf-8"))
        [float(metrics[f"{name}{end}"]) for name in NAMES for end in ("", "_low", "_high")]
    return metrics


@contextmanager
def _checked(path: str | Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: run `dvc repro`") from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}): run `dvc repro`") from None
