"""The reader and the split on GoEmotions itself, where a copy of it lies in shared/ beside the repository."""

import csv

import numpy as np
import pytest

from emotions.data import formats, splitting
from tests.conftest import ROOT
from tests.data.conftest import leaks, merge, read

OFFICIAL = ROOT.parent / "shared" / "goemotions-devcut"
RAW = ROOT.parent / "shared" / "goemotions-raw-sample"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="no shared/goemotions-devcut beside the repository")
needs_raw = pytest.mark.skipif(not RAW.exists(), reason="no shared/goemotions-raw-sample beside the repository")


@needs_official
def test_every_part_has_all_its_texts_without_the_quotes_of_the_format():
    rows = read(OFFICIAL)
    for name, count in {"train.tsv": 39_069, "dev.tsv": 4_341, "test.tsv": 5_426}.items():
        with (OFFICIAL / name).open(encoding="utf-8", newline="") as file:
            expected = [text for text, _, _ in csv.reader(file, delimiter="\t")]
        texts = [text for text, part in zip(rows.texts, rows.parts, strict=True) if part == formats.PARTS[name]]
        assert len(texts) == count and texts == expected


@needs_raw
@pytest.mark.parametrize(("min_votes", "kept"), [(0, 10_257), (1, 9_592), (2, 240)])
def test_the_raw_sample_is_merged_and_split_without_leaks_and_in_proportion(min_votes: int, kept: int):
    merged = merge(RAW, min_votes)
    assert (merged.counts.rows, merged.counts.unclear, len(merged.ids)) == (10_429, 172, kept)
    assert len(set(merged.ids)) == kept or not min_votes
    parts = splitting.grouped(merged.texts, merged.labels, 0.2, 0.1, seed=42)
    assert not leaks(merged.texts, parts)
    for part, share in {"train": 0.72, "validation": 0.08, "test": 0.2}.items():
        assert np.abs(merged.labels[parts == part].sum(axis=0) - share * merged.labels.sum(axis=0)).max() <= 2
