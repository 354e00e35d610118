"""A small page with comments that try to break it, and a folder with all that the stage reads."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from emotions.core import files
from emotions.data import counts, store
from emotions.data.raters import Piece
from emotions.data.tokens import Tokens
from emotions.metrics import scores
from emotions.reporting import page
from stages import evaluate
from tests.conftest import set_params

LABELS, LIMITS = ("anger", "joy", "neutral"), np.array([0.3, 0.4, 0.6])
TEXTS = [
    "so happy",
    "<script>document.title = 'run'</script>",
    "</script><img src=x onerror=\"document.title = 'run'\">",
    "<!-- <script> a comment that opens two things",
    "one line\u2028and another\u2029and \x00 the 🙂 last & final",
]
ANNOTATED = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
PROBABILITIES = np.array([[0.1, 0.9, 0.1], [0.8, 0.8, 0.1], [0.7, 0.1, 0.1], [0.1, 0.1, 0.6], [0.1, 0.1004, 0.1]])
METRICS = {"comments": 5, "f1_micro": 0.71234, "f1_micro_low": 0.6, "f1_micro_high": 0.8, "roc_auc_macro": None}
BASELINE = {"f1_micro": 0.31234, "f1_micro_low": 0.25, "f1_micro_high": 0.375}


def write_page(path, names=LABELS, texts=TEXTS, labels=ANNOTATED, probabilities=PROBABILITIES, limits=LIMITS, run="x"):
    """Write a page about the comments above, or about others, without real figures. `limits` are thresholds."""
    predicted = (probabilities >= limits).astype(np.uint8)
    per_label = scores.score_labels(labels, probabilities, limits, names).assign(f1_low=0.11, f1_high=0.77)
    for name in page.CAPTIONS:
        (path.parent / f"{name}.png").write_bytes(b"a picture")
    ids = [f"c{row}" for row in range(len(labels))]
    table = {"labels": labels, "predicted": predicted, "probabilities": probabilities, "label_names": names}
    shown = {"run": {"data": run}, "metrics": METRICS, "baseline": BASELINE, "per_label": per_label, "texts": texts}
    page.write(path, predictions=store.Predictions(ids=ids, **table), figures=path.parent, **shown)
    return path


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with all that the stage reads: labels that are easily misread, and each id twice."""
    monkeypatch.chdir(tmp_path)
    names, random = ("NA", "1", r"a $\frac$ <b>"), np.random.default_rng(0)
    ids = np.array([f"c{row // 2}" for row in range(60)], object)
    probabilities = random.random((60, 3)).astype(np.float32)
    labels = (random.random((60, 3)) < probabilities).astype(np.uint8)
    tokens = Tokens(np.zeros(180, np.int32), np.arange(0, 181, 3))
    with store.writing("data/processed/comments.parquet", names, "tokenizer") as add:
        add(
            Piece(pa.chunked_array([ids]), pa.chunked_array([["text of " + name for name in ids]]), labels, None),
            tokens,
        )
    truth, belief, half = labels[40:], probabilities[40:], np.full(3, 0.5)
    store.write_predictions("data/predictions/test.parquet", ids[40:], truth, belief, half, names)
    metrics, tables = evaluate.score(truth, belief, half, names, seed=1)
    for name, table in tables.items():
        files.write_csv(f"plots/evaluation/{name}.csv", table)
    parts = np.repeat(["train", "validation", "test"], 20)
    files.write_csv("plots/data/label_counts.csv", counts.of_labels(labels, parts, names))
    files.write_csv("plots/data/label_pairs.csv", counts.of_pairs(labels, names))
    files.write_csv("plots/data/lengths.csv", counts.of_lengths(tokens.lengths))
    files.write_text("plots/training/loss.csv", "epoch,step,train_loss,validation_loss\n1,2,0.5,\n2,4,0.4,\n")
    files.write_text("plots/training/steps.csv", "step,loss,lr\n2,0.5,1e-4\n4,0.4,0\n")
    for path in ("metrics/test.json", "metrics/baseline.json"):
        files.write_json(path, metrics)
    set_params(tmp_path)
    return tmp_path
