"""data/comments.csv is a corpus that a classifier can learn from: enough of every label, and no copies."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from emotions import corpus
from emotions.judgements import Judgements
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def comments() -> Judgements:
    return corpus.read(ROOT / "data" / "comments.csv")


def test_there_are_3000_comments_and_90_of_every_label(comments: Judgements):
    assert len(comments.ids) >= 3_000
    assert comments.label_names == corpus.GOEMOTIONS_LABELS
    counts = dict(zip(comments.label_names, comments.labels.sum(axis=0), strict=True))
    assert {name: count for name, count in counts.items() if count < 90} == {}


def test_every_comment_has_one_to_three_labels_and_15_percent_more_than_one(comments: Judgements):
    counts = comments.labels.sum(axis=1)
    assert set(counts) <= {1, 2, 3}
    assert (counts > 1).mean() >= 0.15


@pytest.mark.parametrize("column", ["ids", "texts"])
def test_no_id_and_no_text_comes_twice(comments: Judgements, column: str):
    values = [" ".join(value.casefold().split()) for value in getattr(comments, column).to_pylist()]
    assert len(set(values)) == len(values)


def test_no_two_comments_share_80_percent_of_their_words(comments: Judgements):
    # Lower-cased words without punctuation; shared[i, j] is how many of them two comments have in common.
    words = CountVectorizer(binary=True, token_pattern=r"[\w']+", dtype=np.int32).fit_transform(
        comments.texts.to_pylist()
    )
    shared = (words @ words.T).tocoo()
    sizes = words.getnnz(axis=1)
    alike = (shared.row < shared.col) & (shared.data >= 0.8 * np.maximum(sizes[shared.row], sizes[shared.col]))
    pairs = zip(shared.row[alike], shared.col[alike], strict=True)
    assert [(comments.texts[one], comments.texts[other]) for one, other in pairs] == []
