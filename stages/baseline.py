"""Judge a linear model of word counts on the same parts, for comparison: comments, split → metrics/baseline.json."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from emotions import baseline, bootstrap, comments, errors, files, params, provenance, scores, split_file, thresholds

COMMENTS, SPLIT = "data/processed/comments.parquet", "data/splits/split.parquet"
METRICS = "metrics/baseline.json"


def main() -> None:
    origin = provenance.Provenance([COMMENTS, SPLIT, "params.yaml"])
    settings = params.load()
    table = comments.read(COMMENTS, ["ids", "texts", "labels"])
    parts = split_file.read(SPLIT, table.ids)
    train, validation, test = (np.flatnonzero(parts == part) for part in ("train", "validation", "test"))

    print(f"baseline: counting words of {len(train):,} comments, for {len(table.label_names)} labels", flush=True)
    model = baseline.fit(
        table.texts.take(train).to_pylist(),
        table.labels[train],
        settings.baseline_c,
        settings.baseline_ngrams,
        settings.baseline_min_df,
    )
    if len(validation):
        chosen = thresholds.choose(
            table.labels[validation], model.predict_proba(table.texts.take(validation).to_pylist())
        )
    else:
        chosen = thresholds.half(len(table.label_names))
    threshold = chosen.choose(settings.threshold)

    labels, probability = table.labels[test], model.predict_proba(table.texts.take(test).to_pylist())
    metrics = scores.with_intervals(
        scores.score(labels, probability, threshold),
        bootstrap.intervals(labels, probability >= threshold, settings.seed),
    )
    metrics["threshold_global"] = chosen.common
    origin.check()
    files.write_json(METRICS, metrics)
    print(f"baseline: f1_micro {metrics['f1_micro']}, f1_macro {metrics['f1_macro']}")


if __name__ == "__main__":
    errors.run(main)
