"""The readers and the split on GoEmotions itself, where a copy of it lies in shared/ beside the repository."""

import csv
from collections import defaultdict

import numpy as np
import pytest

from emotions import corpus, splitting, votes
from emotions.corpus import Judgements
from tests.conftest import ROOT

OFFICIAL = ROOT.parent / "shared" / "goemotions-devcut"
RAW = ROOT.parent / "shared" / "goemotions-raw-sample"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="no shared/goemotions-devcut beside the repository")
needs_raw = pytest.mark.skipif(not RAW.exists(), reason="no shared/goemotions-raw-sample beside the repository")


@pytest.fixture(scope="module")
def official() -> Judgements:
    return corpus.read(OFFICIAL)


@pytest.fixture(scope="module")
def raw() -> Judgements:
    return corpus.read(RAW)


@needs_official
@pytest.mark.parametrize(("part", "count"), [("train", 39_069), ("validation", 4_341), ("test", 5_426)])
def test_every_part_has_all_its_comments(official: Judgements, part: str, count: int):
    assert (official.parts == part).sum() == count


@needs_official
@pytest.mark.parametrize(("name", "part"), corpus.PARTS.items())
def test_no_text_keeps_the_quotes_of_the_file_format(official: Judgements, name: str, part: str):
    with (OFFICIAL / name).open(encoding="utf-8", newline="") as file:
        expected = [text for text, _, _ in csv.reader(file, delimiter="\t")]
    lines = (OFFICIAL / name).read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith('"') for line in lines) > 100
    assert [text for text, where in zip(official.texts, official.parts, strict=True) if where == part] == expected


@needs_official
def test_every_comment_keeps_its_labels_whatever_min_votes(official: Judgements):
    merged = votes.merge(official, min_votes=3)
    assert len(merged.rows) == len(official.ids) == 48_836
    assert (merged.labels == official.labels).all()
    splitting.check(splitting.official(official.parts), merged.labels, official.label_names, validation=True)


@needs_raw
def test_the_raw_sample_has_all_its_judgements(raw: Judgements):
    assert (len(raw.ids), raw.unclear.sum()) == (10_429, 172)
    assert raw.label_names == corpus.GOEMOTIONS_LABELS


@needs_raw
@pytest.mark.parametrize(("min_votes", "kept"), [(1, 9_592), (2, 240)])
def test_the_raw_sample_merges_to_its_labelled_comments(raw: Judgements, min_votes: int, kept: int):
    rows = votes.merge(raw, min_votes).rows
    assert len(rows) == len({raw.ids[row] for row in rows}) == kept


@needs_raw
@pytest.mark.parametrize("min_votes", [0, 1])
def test_a_grouped_split_of_the_raw_sample_leaks_nothing_and_keeps_proportions(raw: Judgements, min_votes: int):
    merged = votes.merge(raw, min_votes)
    texts = [raw.texts[row] for row in merged.rows]
    parts = splitting.grouped(texts, merged.labels, 0.2, 0.1, seed=42)
    where = defaultdict(set)
    for text, part in zip(texts, parts, strict=True):
        where[" ".join(text.lower().split())].add(part)
    assert len(where) < len(texts)
    assert all(len(found) == 1 for found in where.values())
    for part, share in {"train": 0.72, "validation": 0.08, "test": 0.2}.items():
        assert np.abs(merged.labels[parts == part].sum(axis=0) - share * merged.labels.sum(axis=0)).max() <= 2
