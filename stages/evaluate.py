"""Judge the model on the test part, tuning nothing: comments, split, model/ → metrics, predictions, figures, report."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from emotions import (
    batches,
    bootstrap,
    checkpoints,
    comments,
    curves,
    determinism,
    errors,
    figures,
    files,
    params,
    prediction,
    predictions_file,
    provenance,
    report,
    scores,
    split_file,
)

COMMENTS, SPLIT, MODEL = "data/processed/comments.parquet", "data/splits/split.parquet", "model"
CHECKPOINTS = "checkpoints"
METRICS, PREDICTIONS = "metrics/test.json", "data/predictions/test.parquet"
PER_LABEL, BY_COUNT = "plots/per_label", "plots/f1_by_count"
CURVES, RELIABILITY = "plots/precision_recall", "plots/reliability"
BY_THRESHOLD, CONFUSIONS = "plots/f1_by_threshold", "plots/confusions"
REPORT = "plots/report.html"
# What the report shows of earlier stages.
BASELINE = "metrics/baseline.json"
BEFORE = {
    "plots/loss.png": "Loss of training and validation, and the learning rate",
    "plots/label_counts.png": "Comments with each label, in each part",
    "plots/label_pairs.png": "Which labels come together",
    "plots/lengths.png": "Length of the comments, and where they are cut off",
}
FIGURES = {
    f"{PER_LABEL}.png": "F1 of each label, with its interval and its number of test comments",
    f"{BY_COUNT}.png": "F1 of each label by its number of test comments",
    f"{CURVES}.png": "Precision by recall",
    f"{RELIABILITY}.png": "Reliability: what becomes of a probability",
    f"{BY_THRESHOLD}.png": "F1 on the test part, had the threshold been another",
    f"{CONFUSIONS}.png": "Which label is given where another is missed",
}
# What the report says was run: the parameters that people vary.
RUN = ("data", "encoder", "split", "epochs", "lr", "batch_size", "seed", "threshold")


def main() -> None:
    shown = [BASELINE, *BEFORE]
    for path in shown:
        if not Path(path).exists():
            raise errors.InputError(f"{path} does not exist: run `dvc repro`")
    origin = provenance.Provenance([COMMENTS, SPLIT, MODEL, "params.yaml", *shown, *report.TEMPLATES])
    settings = params.load()
    determinism.set_up(settings.seed, settings.threads)
    checkpoints.remove_finished(CHECKPOINTS)  # DVC comes here when dvc.lock holds what train made
    table = comments.read(COMMENTS, ["ids", "texts", "labels"])
    test = np.flatnonzero(split_file.read(SPLIT, table.ids) == "test")
    model = prediction.load(MODEL)
    if model.label_names != table.label_names or batches.fingerprint(model.backend_tokenizer) != table.tokenizer:
        raise errors.InputError(
            f"{MODEL} was trained on other labels or tokens than those of {COMMENTS}: run `dvc repro`"
        )

    thresholds = model.thresholds.choose(settings.threshold)
    ids, texts = table.ids.take(test).to_numpy(), table.texts.take(test).to_numpy()
    labels, probability = (
        table.labels[test],
        prediction.probabilities(predict(model, test)),
    )
    given, names = probability >= thresholds, table.label_names
    metrics = scores.with_intervals(
        scores.score(labels, probability, thresholds),
        bootstrap.intervals(labels, given, settings.seed),
    )
    per_label = scores.score_labels(labels, probability, thresholds, names)
    per_label["f1_low"], per_label["f1_high"] = bootstrap.label_intervals(labels, given, settings.seed)
    precision_recall = curves.precision_recall(labels, probability, names)
    reliability = curves.reliability(labels, probability)
    by_threshold = curves.f1_by_threshold(labels, probability)
    confusions = curves.confusions(labels, given, names)

    origin.check()
    predictions_file.write(PREDICTIONS, ids, labels, probability, thresholds, names)
    files.write_json(METRICS, metrics)
    files.write_csv(f"{PER_LABEL}.csv", per_label)
    figures.draw_per_label(per_label, f"{PER_LABEL}.png")
    figures.draw_f1_by_count(per_label, f"{BY_COUNT}.png")
    files.write_csv(f"{CURVES}.csv", precision_recall)
    figures.draw_precision_recall(precision_recall, f"{CURVES}.png")
    files.write_csv(f"{RELIABILITY}.csv", reliability)
    figures.draw_reliability(reliability, f"{RELIABILITY}.png")
    files.write_csv(f"{BY_THRESHOLD}.csv", by_threshold)
    figures.draw_f1_by_threshold(by_threshold, thresholds, f"{BY_THRESHOLD}.png")
    files.write_csv(f"{CONFUSIONS}.csv", confusions)
    figures.draw_confusions(confusions, names, f"{CONFUSIONS}.png")
    report.write(
        REPORT,
        run={name: getattr(settings, name) for name in RUN},
        metrics=metrics,
        per_label=per_label,
        label_names=names,
        ids=ids,
        texts=texts,
        labels=labels,
        probabilities=probability,
        thresholds=thresholds,
        figures=[*FIGURES.items(), *BEFORE.items()],
        baseline=json.loads(Path(BASELINE).read_text(encoding="utf-8")),
    )
    for name, value in metrics.items():
        print(f"{name:<24} {value}")


def predict(model: torch.nn.Module, positions: np.ndarray) -> np.ndarray:
    """Return logits, (len(positions), L), of the comments at `positions`, in ascending order; tokens come in pieces."""
    logits, start = [], 0
    for piece in comments.stream(COMMENTS, ["tokens"]):
        end = start + len(piece.tokens)
        inside = positions[(positions >= start) & (positions < end)]
        logits.append(prediction.predict_logits(model, piece.tokens, inside - start))
        start = end
    return np.concatenate(logits)


if __name__ == "__main__":
    errors.run(main)
