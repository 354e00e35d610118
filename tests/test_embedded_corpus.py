"""data/comments.csv and data/replies.csv are corpora to learn from: enough of every label, and no copies."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from emotions import corpus
from emotions.judgements import Judgements
from tests.conftest import ROOT

FILES = ("comments.csv", "replies.csv")


@pytest.fixture(scope="module", params=FILES)
def comments(request: pytest.FixtureRequest) -> Judgements:
    return corpus.read(ROOT / "data" / request.param)


def test_there_are_3000_comments_and_90_of_every_label(comments: Judgements):
    assert len(comments.ids) >= 3_000
    assert comments.label_names == corpus.GOEMOTIONS_LABELS
    counts = dict(zip(comments.label_names, comments.labels.sum(axis=0), strict=True))
    assert {name: count for name, count in counts.items() if count < 90} == {}


def test_every_comment_has_a_few_labels_and_15_percent_more_than_one(comments: Judgements):
    counts = comments.labels.sum(axis=1)
    assert counts.min() >= 1 and counts.max() <= 5
    assert (counts > 1).mean() >= 0.15


def test_where_one_author_judged_there_are_three_labels_at_most_and_neutral_stands_alone():
    comments = corpus.read(ROOT / "data" / "comments.csv")
    assert set(comments.labels.sum(axis=1)) <= {1, 2, 3}
    neutral = comments.labels[:, comments.label_names.index("neutral")] > 0
    assert (comments.labels[neutral].sum(axis=1) == 1).all()


@pytest.mark.parametrize("column", ["ids", "texts"])
def test_no_id_and_no_text_comes_twice(column: str):
    both = [value for name in FILES for value in getattr(corpus.read(ROOT / "data" / name), column).to_pylist()]
    values = [" ".join(value.casefold().split()) for value in both]
    assert len(set(values)) == len(values)


def test_no_two_comments_share_80_percent_of_their_words():
    texts = [text for name in FILES for text in corpus.read(ROOT / "data" / name).texts.to_pylist()]
    # Lower-cased words without punctuation; shared[i, j] is how many of them two comments have in common.
    words = CountVectorizer(binary=True, token_pattern=r"[\w']+", dtype=np.int32).fit_transform(texts)
    sizes = words.getnnz(axis=1)
    pairs = []
    for start in range(0, len(texts), 1000):  # all at once would take gigabytes
        shared = (words[start : start + 1000] @ words.T).tocoo()
        rows = shared.row + start
        alike = (rows < shared.col) & (shared.data >= 0.8 * np.maximum(sizes[rows], sizes[shared.col]))
        pairs += [(texts[one], texts[other]) for one, other in zip(rows[alike], shared.col[alike], strict=True)]
    assert pairs == []
