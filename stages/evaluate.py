"""Judge the model on the test part, tuning nothing: comments, split, model/ → metrics, per-label table, predictions."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from emotions import (
    bootstrap,
    checkpoints,
    comments,
    determinism,
    encoders,
    errors,
    figures,
    files,
    params,
    predictions_file,
    provenance,
    report,
    scores,
    split_file,
)
from emotions.model import EmotionClassifier
from emotions.prediction import predict_logits, probabilities

COMMENTS, SPLIT, MODEL = "data/processed/comments.parquet", "data/splits/split.parquet", "model"
CHECKPOINTS = "checkpoints"
METRICS, PREDICTIONS = "metrics/test.json", "data/predictions/test.parquet"
TABLE, FIGURE = "plots/per_label.csv", "plots/per_label.png"
REPORT = "plots/report.html"
# In the report, each with its caption.
FIGURES = [(FIGURE, "F1 of each label on the test part, best first, with its number of comments")]
# What the report says was run: the parameters that people vary.
RUN = ("data", "encoder", "split", "epochs", "lr", "batch_size", "seed", "threshold")


def main() -> None:
    origin = provenance.Provenance([COMMENTS, SPLIT, MODEL, "params.yaml", *report.TEMPLATES])
    settings = params.load()
    determinism.set_up(settings.seed, settings.threads)
    checkpoints.remove_finished(CHECKPOINTS)  # DVC comes here when dvc.lock holds what train made
    table = comments.read(COMMENTS)
    test = np.flatnonzero(split_file.read(SPLIT, table.ids) == "test")
    model = EmotionClassifier.from_pretrained(MODEL).to("cuda" if torch.cuda.is_available() else "cpu")
    if model.label_names != table.label_names or encoders.fingerprint(model.tokenizer) != table.tokenizer:
        raise errors.InputError(
            f"{MODEL} was trained on other labels or tokens than those of {COMMENTS}: run `dvc repro`"
        )

    thresholds = model.thresholds.choose(settings.threshold)
    labels, probability = table.labels[test], probabilities(predict_logits(model, table.tokens, test))
    metrics = _beside(
        scores.score(labels, probability, thresholds),
        bootstrap.intervals(labels, probability >= thresholds, settings.seed),
    )
    per_label = scores.score_labels(labels, probability, thresholds, table.label_names)

    origin.check()
    predictions_file.write(PREDICTIONS, table.ids[test], labels, probability, thresholds, table.label_names)
    files.write_json(METRICS, metrics)
    files.write_text(TABLE, per_label.to_csv(index=False, lineterminator="\n"))
    figures.draw_per_label(per_label, FIGURE)
    report.write(
        REPORT,
        run={name: getattr(settings, name) for name in RUN},
        metrics=metrics,
        per_label=per_label,
        label_names=table.label_names,
        ids=table.ids[test],
        texts=table.texts[test],
        labels=labels,
        probabilities=probability,
        thresholds=thresholds,
        figures=FIGURES,
    )
    for name, value in metrics.items():
        print(f"{name:<24} {value}")


def _beside(metrics: dict, intervals: dict) -> dict:
    """Put each interval right after the metric that it belongs to."""
    result = {}
    for name, value in metrics.items():
        result[name] = value
        result |= {end: intervals[end] for end in (f"{name}_low", f"{name}_high") if end in intervals}
    return result


if __name__ == "__main__":
    errors.run(main)
