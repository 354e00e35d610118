"""data/comments.csv is a corpus to learn from: enough of every label, and no copies."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from emotions.data import formats
from tests.conftest import ROOT
from tests.data.conftest import read


@pytest.fixture(scope="module")
def comments() -> SimpleNamespace:
    return read(ROOT / "data" / "comments.csv")


def test_there_are_200_comments_of_every_label_and_15_percent_have_more_than_one(comments):
    assert comments.label_names == formats.GOEMOTIONS_LABELS
    assert comments.labels.sum(axis=0).min() >= 200
    counts = comments.labels.sum(axis=1)
    assert counts.min() >= 1 and counts.max() <= 5
    assert (counts > 1).mean() >= 0.15


def test_no_id_comes_twice_and_the_readme_counts_them(comments):
    assert len(set(comments.ids)) == len(comments.ids)
    story = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    counts = [sum(name.startswith(first) for name in comments.ids) for first in ("c", "r")]  # written, replies
    assert sum(counts) == len(comments.ids) and all(f"{count:,}" in story for count in (*counts, sum(counts)))


def test_no_two_comments_share_80_percent_of_their_words(comments):
    # Lower-cased words without punctuation; shared[i, j] counts the words that two comments have in common.
    texts = comments.texts
    words = CountVectorizer(binary=True, token_pattern=r"[\w']+", dtype=np.int32).fit_transform(texts)
    sizes = words.getnnz(axis=1)
    pairs = []
    for start in range(0, len(texts), 1000):  # all at once would take gigabytes
        shared = (words[start : start + 1000] @ words.T).tocoo()
        rows = shared.row + start
        alike = (rows < shared.col) & (shared.data >= 0.8 * np.maximum(sizes[rows], sizes[shared.col]))
        pairs += [(texts[one], texts[other]) for one, other in zip(rows[alike], shared.col[alike], strict=True)]
    assert pairs == []
