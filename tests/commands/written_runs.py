"""Runs written by hand, without training, and committed by DVC: the review's tests compare them."""

import numpy as np
import yaml
from dvc.repo import Repo

from emotions.core import files
from emotions.data import store
from emotions.metrics import bootstrap, scores
from tests.conftest import LABELS

N = 200
RANDOM = np.random.default_rng(0)
TRUTH = (RANDOM.random((N, 4)) < 0.4).astype(np.uint8)
WEAK = np.where(RANDOM.random((N, 4)) < 0.25, 1 - TRUTH, TRUTH) * 0.8 + 0.1
STRONG = np.where(RANDOM.random((N, 4)) < 0.5, WEAK, TRUTH * 0.8 + 0.1)  # right wherever the weak one is
NEARLY_WEAK = WEAK.copy()
NEARLY_WEAK[0] = 1 - NEARLY_WEAK[0]
PREDICTIONS = "data/predictions/test.parquet"
PARAMS = {"data": "data.csv", "encoder": "tiny", "min_votes": 1, "seed": 1, "lr": 1e-4}
IN_GIT = ("plots/training", "plots/evaluation", "metrics/baseline.json", "metrics/train.json", "metrics/test.json")
# All that the repository's dvc.yaml has in six stages.
STAGE = {
    "cmd": "true",
    "deps": ["${data}"],
    "params": [*PARAMS],
    "outs": ["data/splits/split.parquet", PREDICTIONS, *({path: {"cache": False}} for path in IN_GIT)],
}


def write_run(probabilities, ids="c", labels=TRUTH, data_content="", split_content="", **params) -> None:
    """Write the files of a run into the working folder, and commit them to DVC."""
    settings = {**PARAMS, **params}
    # PyYAML cannot write 1e-4 in the way that people do.
    files.write_text("params.yaml", yaml.safe_dump(settings, sort_keys=False).replace("0.0001", "1e-4"))
    files.write_text("dvc.yaml", yaml.safe_dump({"stages": {"run": STAGE}}))
    files.write_text(str(settings["data"]), f"data {data_content}")
    files.write_text("data/splits/split.parquet", f"split {split_content}")
    thresholds = np.full(4, 0.5)
    metrics = scores.score(labels, probabilities, thresholds)
    metrics |= bootstrap.intervals(labels, probabilities >= thresholds, 1)
    files.write_json("metrics/test.json", metrics)
    files.write_json("metrics/train.json", {"epochs": 2, "train_loss": round(float(probabilities.mean()), 5)})
    files.write_json("metrics/baseline.json", {"f1_micro": 0.5, "f1_macro": 0.4, "average_precision_macro": 0.3})
    per_label = scores.score_labels(labels, probabilities, thresholds, LABELS)
    files.write_csv("plots/evaluation/per_label.csv", per_label)
    files.write_text("plots/training/loss.csv", "epoch,step,train_loss,validation_loss\n1,10,0.5,0.4\n2,20,0.3,0.35\n")
    names = np.array([f"{ids}{number}" for number in range(N)], object)
    store.write_predictions(PREDICTIONS, names, labels, probabilities, thresholds, LABELS)
    lock()


def lock() -> None:
    """Bring dvc.lock up to date with what lies in the working folder."""
    with Repo() as repo:
        repo.commit(force=True)
