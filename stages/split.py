"""Decide who is for training, validation and testing: comments.parquet → data/splits/split.parquet."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from emotions import (
    comments,
    counts,
    errors,
    figures_of_data,
    files,
    params,
    provenance,
    split_file,
    splitting,
)

INPUT, OUTPUT = "data/processed/comments.parquet", "data/splits/split.parquet"
LABELS, PAIRS, LENGTHS = "plots/label_counts", "plots/label_pairs", "plots/lengths"


def main() -> None:
    origin = provenance.Provenance([INPUT, "params.yaml"])
    settings = params.load()
    table = comments.read(INPUT, ["ids", "labels", "parts"])
    lengths = [piece.tokens.lengths for piece in comments.stream(INPUT, ["tokens"])]
    sizes = settings.test_size, settings.validation_size, settings.seed
    if settings.split == "grouped":
        texts = (text for piece in comments.stream(INPUT, ["texts"]) for text in piece.texts.to_pylist())
        parts = splitting.grouped(texts, table.labels, *sizes)
    elif settings.split == "rows":
        parts = splitting.rows(len(table.ids), *sizes)
    else:
        parts = splitting.official(table.parts)
    wants_validation = settings.split == "official" or settings.validation_size > 0
    splitting.check(parts, table.labels, table.label_names, wants_validation)

    labels = counts.of_labels(table.labels, parts, table.label_names)
    pairs = counts.of_pairs(table.labels, table.label_names)
    lengths = counts.of_lengths(np.concatenate(lengths))

    origin.check()
    split_file.write(OUTPUT, table.ids, parts)
    files.write_csv(f"{LABELS}.csv", labels)
    figures_of_data.draw_label_counts(labels, f"{LABELS}.png")
    files.write_csv(f"{PAIRS}.csv", pairs)
    figures_of_data.draw_pairs(pairs, table.label_names, f"{PAIRS}.png")
    files.write_csv(f"{LENGTHS}.csv", lengths)
    figures_of_data.draw_lengths(lengths, settings.max_length, f"{LENGTHS}.png")
    for part in splitting.PARTS:
        members = parts == part
        rarest = table.labels[members].sum(axis=0).min() if members.any() else 0
        print(f"{part:<10} {members.sum():>9,} comments, {rarest:,} of the rarest label")


if __name__ == "__main__":
    errors.run(main)
