"""Assign every comment to the training, validation or test part: comments → data/splits/split.parquet, tables."""

import numpy as np

from emotions.core import errors, files, params
from emotions.core.inputs import Inputs
from emotions.data import counts, splitting, store

INPUT, OUTPUT, TABLES = "data/processed/comments.parquet", "data/splits/split.parquet", "plots/data"


def main() -> None:
    inputs = Inputs([INPUT, "params.yaml"])
    settings = params.load()
    comments = store.read(INPUT, ["ids", "labels", "parts"])
    lengths = [piece.tokens.lengths for piece in store.stream(INPUT, ["tokens"])]
    sizes = settings.test_size, settings.validation_size, settings.seed
    if settings.split == "grouped":
        texts = (text for piece in store.stream(INPUT, ["texts"]) for text in piece.texts.to_pylist())
        parts = splitting.grouped(texts, comments.labels, *sizes)
    elif settings.split == "rows":
        parts = splitting.rows(len(comments.ids), *sizes)
    elif comments.parts is not None:
        parts = comments.parts
    else:
        raise errors.InputError(
            "split official needs data with train.tsv, dev.tsv and test.tsv; set split to grouped or rows"
        )
    validation = settings.split == "official" or settings.validation_size > 0
    splitting.check(parts, comments.labels, comments.label_names, validation)
    tables = {
        "label_counts": counts.of_labels(comments.labels, parts, comments.label_names),
        "label_pairs": counts.of_pairs(comments.labels, comments.label_names),
        "lengths": counts.of_lengths(np.concatenate(lengths)),
    }

    inputs.check()
    store.write_split(OUTPUT, comments.ids, parts)
    with files.replacing(TABLES) as folder:
        for name, table in tables.items():
            files.write_csv(folder / f"{name}.csv", table)
    for part in splitting.PARTS:
        members = parts == part
        rarest = comments.labels[members].sum(axis=0).min() if members.any() else 0
        print(f"{part:<10} {members.sum():>10,} comments, {rarest:,} of the rarest label")


if __name__ == "__main__":
    errors.run(main)
