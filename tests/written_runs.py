"""Runs written by hand, without training: what the tests of the review compare."""

import hashlib
from pathlib import Path

import numpy as np
import yaml

from emotions import bootstrap, files, predictions_file, scores
from tests.conftest import LABELS

N = 200
RANDOM = np.random.default_rng(0)
TRUTH = (RANDOM.random((N, 4)) < 0.4).astype(np.uint8)
WEAK = np.where(RANDOM.random((N, 4)) < 0.25, 1 - TRUTH, TRUTH) * 0.8 + 0.1
STRONG = np.where(RANDOM.random((N, 4)) < 0.5, WEAK, TRUTH * 0.8 + 0.1)  # right wherever the weak one is
NEARLY_WEAK = WEAK.copy()
NEARLY_WEAK[0] = 1 - NEARLY_WEAK[0]
PREDICTIONS = "data/predictions/test.parquet"


def write_run(probabilities: np.ndarray, ids: str = "c", labels: np.ndarray = TRUTH, **changes: object) -> None:
    """Write what a run leaves in the working folder: params.yaml, dvc.lock, metrics, plots, predictions.

    changes: of parameters; `data_md5`, `split_md5` and `comments_md5` go into dvc.lock.
    """
    md5s = {f"{name}_md5": changes.pop(f"{name}_md5", name) for name in ("data", "split", "comments")}
    params = {"data": "data.csv", "encoder": "tiny", "max_length": 32, "min_votes": 1, "seed": 1, "lr": 1e-4, **changes}
    # PyYAML cannot write 1e-4 in the way that people do.
    files.write_text("params.yaml", yaml.safe_dump(params, sort_keys=False).replace("0.0001", "1e-4"))
    thresholds = np.full(4, 0.5)
    metrics = scores.score(labels, probabilities, thresholds)
    metrics |= bootstrap.intervals(labels, probabilities >= thresholds, 1)
    files.write_json("metrics/test.json", metrics)
    files.write_json("metrics/train.json", {"epochs": 2, "train_loss": round(float(probabilities.mean()), 5)})
    files.write_json("metrics/baseline.json", {"f1_micro": 0.5, "f1_macro": 0.4, "average_precision_macro": 0.3})
    per_label = scores.score_labels(labels, probabilities, thresholds, LABELS)
    files.write_text("plots/per_label.csv", per_label.to_csv(index=False))
    files.write_text("plots/loss.csv", "epoch,step,train_loss,validation_loss\n1,10,0.5,0.4\n2,20,0.3,0.35\n")
    names = np.array([f"{ids}{number}" for number in range(N)], object)
    predictions_file.write(PREDICTIONS, names, labels, probabilities, thresholds, LABELS)

    outs = {path: md5(path) for path in ("metrics/test.json", "plots/per_label.csv", PREDICTIONS)}
    trained = {path: md5(path) for path in ("metrics/train.json", "plots/loss.csv")}
    read = {name: params[name] for name in ("data", "encoder", "max_length", "min_votes")}
    stages = {
        "preprocess": {
            "deps": entries({params["data"]: md5s["data_md5"]}),
            "params": {"params.yaml": read},
            "outs": entries({"data/processed/comments.parquet": md5s["comments_md5"]}),
        },
        "split": {"outs": entries({"data/splits/split.parquet": md5s["split_md5"]})},
        "baseline": {"outs": entries({"metrics/baseline.json": md5("metrics/baseline.json")})},
        "train": {"params": {"params.yaml": {"lr": params["lr"], "seed": 1}}, "outs": entries(trained)},
        "evaluate": {"outs": entries(outs)},
    }
    files.write_text("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}))


def entries(md5s: dict[str, str]) -> list[dict]:
    return [{"path": path, "hash": "md5", "md5": value} for path, value in md5s.items()]


def md5(path: str) -> str:
    return hashlib.md5(Path(path).read_bytes()).hexdigest()


def keep_predictions(store: Path) -> None:
    """Put the predictions where DVC would put them in a cache or a remote."""
    name = md5(PREDICTIONS)
    (store / "files" / "md5" / name[:2]).mkdir(parents=True)
    (store / "files" / "md5" / name[:2] / name[2:]).write_bytes(Path(PREDICTIONS).read_bytes())
