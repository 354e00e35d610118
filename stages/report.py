"""Draw all figures and write the page: metrics, tables, predictions, comments → plots/figures, plots/report.html."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from emotions.core import errors, files, params
from emotions.core.inputs import Inputs
from emotions.data import store
from emotions.reporting import figures, page, tables

COMMENTS, PREDICTIONS = "data/processed/comments.parquet", "data/predictions/test.parquet"
METRICS, BASELINE, FIGURES, PAGE = "metrics/test.json", "metrics/baseline.json", "plots/figures", "plots/report.html"
# Parameters on the page: those that people vary.
SHOWN = ("data", "encoder", "split", "epochs", "lr", "batch_size", "seed", "threshold")


def main() -> None:
    inputs = Inputs([COMMENTS, PREDICTIONS, METRICS, BASELINE, *tables.TABLES, page.TEMPLATES, "params.yaml"])
    settings = params.load()
    metrics, baseline = tables.read_metrics(METRICS), tables.read_metrics(BASELINE)
    data = tables.read_tables()
    predictions = store.read_predictions(PREDICTIONS)
    if tuple(data["per_label"]["label"]) != predictions.label_names:
        raise errors.InputError(f"plots/evaluation has other labels than {PREDICTIONS}: run `dvc repro`")
    texts = texts_of(predictions.ids)
    run = {name: getattr(settings, name) for name in SHOWN}
    names, per_label = list(predictions.label_names), data["per_label"]

    inputs.check()
    with files.replacing(FIGURES) as folder:
        figures.draw_loss(data["steps"], data["loss"], folder / "loss.png")
        figures.draw_per_label(per_label, folder / "per_label.png")
        figures.draw_precision_recall(data["precision_recall"], folder / "precision_recall.png")
        figures.draw_calibration(data["calibration"], folder / "calibration.png")
        figures.draw_f1_by_threshold(data["f1_by_threshold"], per_label["threshold"], folder / "f1_by_threshold.png")
        figures.draw_confusions(data["confusions"], names, folder / "confusions.png")
        figures.draw_label_counts(data["label_counts"], folder / "label_counts.png")
        figures.draw_label_pairs(data["label_pairs"], names, folder / "label_pairs.png")
        figures.draw_lengths(data["lengths"], settings.max_length, folder / "lengths.png")
        page.write(
            PAGE, run, metrics, baseline, per_label=per_label, predictions=predictions, texts=texts, figures=folder
        )
    print("; ".join(f"{name} {f1(metrics, name)}, baseline {f1(baseline, name)}" for name in ("f1_micro", "f1_macro")))
    print(f"The report: open {PAGE} in a browser")
    print('Next: git commit -am "Baseline on this machine", then dvc exp run -S lr=3e-5')


def texts_of(ids: Sequence[str]) -> list[str]:
    """Return the texts of comments; rows with equal ids have equal texts."""
    comments = store.read(COMMENTS, ["ids", "texts"])
    rows = pc.index_in(pa.array(ids, pa.string()), value_set=comments.ids)
    if rows.null_count:
        raise errors.InputError(f"{COMMENTS} lacks comments of {PREDICTIONS}: run `dvc repro`")
    return comments.texts.take(rows).to_pylist()


def f1(metrics: dict, name: str) -> str:
    return f"{metrics[name]:.3f} ({metrics[f'{name}_low']:.3f} to {metrics[f'{name}_high']:.3f})"


if __name__ == "__main__":
    errors.run(main)
