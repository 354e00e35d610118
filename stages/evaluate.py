"""Score the model on the test part, tuning nothing: comments, split, model/ → metrics, predictions, tables."""

import numpy as np
import pandas as pd

from emotions.core import determinism, errors, files, params
from emotions.core.inputs import Inputs
from emotions.data import store, tokens
from emotions.metrics import bootstrap, curves, scores
from emotions.model.classifier import Classifier
from emotions.model.prediction import predict_logits, probabilities

COMMENTS, SPLIT, MODEL = "data/processed/comments.parquet", "data/splits/split.parquet", "model"
METRICS, PREDICTIONS, TABLES = "metrics/test.json", "data/predictions/test.parquet", "plots/evaluation"


def main() -> None:
    inputs = Inputs([COMMENTS, SPLIT, MODEL, "params.yaml"])
    settings = params.load()
    determinism.set_up(settings.seed, settings.threads)
    comments = store.read(COMMENTS, ["ids", "labels", "tokens"])
    test = np.flatnonzero(store.read_split(SPLIT, comments.ids) == "test")
    classifier = Classifier.load(MODEL)
    names = comments.label_names
    tokenizer = tokens.fingerprint(classifier.tokenizer.backend_tokenizer)
    if (classifier.label_names, tokenizer) != (names, comments.tokenizer):
        raise errors.InputError(f"{MODEL} has other labels or another tokenizer than {COMMENTS}: run `dvc repro`")

    ids, labels = comments.ids.take(test).to_numpy(), comments.labels[test]
    probability = probabilities(predict_logits(classifier.model, comments.tokens, test))
    thresholds = classifier.thresholds.choose(settings.threshold)
    metrics, tables = score(labels, probability, thresholds, names, settings.seed)

    inputs.check()
    store.write_predictions(PREDICTIONS, ids, labels, probability, thresholds, names)
    with files.replacing(TABLES) as folder:
        for name, table in tables.items():
            files.write_csv(folder / f"{name}.csv", table)
    files.write_json(METRICS, metrics)
    print(*(f"{name:<24} {value}" for name, value in metrics.items()), sep="\n")


def score(
    labels: np.ndarray, probability: np.ndarray, thresholds: np.ndarray, names: tuple[str, ...], seed: int
) -> tuple[dict, dict[str, pd.DataFrame]]:
    """Return the metrics, and the tables by name."""
    predicted = probability >= thresholds
    metrics = scores.score(labels, probability, thresholds)
    low, high = bootstrap.label_intervals(labels, predicted, seed)
    return scores.with_intervals(metrics, bootstrap.intervals(labels, predicted, seed)), {
        "per_label": scores.score_labels(labels, probability, thresholds, names).assign(f1_low=low, f1_high=high),
        "precision_recall": curves.precision_recall(labels, probability, names),
        "calibration": curves.calibration(labels, probability),
        "f1_by_threshold": curves.f1_by_threshold(labels, probability),
        "confusions": curves.confusions(labels, predicted, names),
    }


if __name__ == "__main__":
    errors.run(main)
