"""The reader and the split on GoEmotions itself, where a copy of it lies in shared/ beside the repository."""

import csv
from collections import defaultdict

import numpy as np
import pytest

from emotions.data import formats, splitting
from tests.conftest import ROOT
from tests.data.conftest import merge, read

OFFICIAL = ROOT.parent / "shared" / "goemotions-devcut"
RAW = ROOT.parent / "shared" / "goemotions-raw-sample"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="no shared/goemotions-devcut beside the repository")
needs_raw = pytest.mark.skipif(not RAW.exists(), reason="no shared/goemotions-raw-sample beside the repository")


@needs_official
@pytest.mark.parametrize(("name", "count"), [("train.tsv", 39_069), ("dev.tsv", 4_341), ("test.tsv", 5_426)])
def test_every_part_has_all_its_texts_without_the_quotes_of_the_format(name: str, count: int):
    with (OFFICIAL / name).open(encoding="utf-8", newline="") as file:
        quoted = sum(line.startswith('"') for line in file)
        file.seek(0)
        expected = [text for text, _, _ in csv.reader(file, delimiter="\t")]
    rows = read(OFFICIAL)
    texts = [text for text, part in zip(rows.texts, rows.parts, strict=True) if part == formats.PARTS[name]]
    assert len(texts) == count and quoted > 100
    assert texts == expected


@needs_raw
@pytest.mark.parametrize(("min_votes", "kept"), [(1, 9_592), (2, 240)])
def test_the_raw_sample_merges_to_its_labelled_comments(min_votes: int, kept: int):
    merged = merge(RAW, min_votes)
    assert (merged.counts.rows, merged.counts.unclear) == (10_429, 172)
    assert len(merged.ids) == len(set(merged.ids)) == kept


@needs_raw
@pytest.mark.parametrize("min_votes", [0, 1])
def test_a_grouped_split_of_the_raw_sample_leaks_nothing_and_keeps_proportions(min_votes: int):
    merged = merge(RAW, min_votes)
    parts = splitting.grouped(merged.texts, merged.labels, 0.2, 0.1, seed=42)
    where = defaultdict(set)
    for text, part in zip(merged.texts, parts, strict=True):
        where[" ".join(text.lower().split())].add(part)
    assert len(where) < len(merged.texts)
    assert all(len(found) == 1 for found in where.values())
    for part, share in {"train": 0.72, "validation": 0.08, "test": 0.2}.items():
        assert np.abs(merged.labels[parts == part].sum(axis=0) - share * merged.labels.sum(axis=0)).max() <= 2
