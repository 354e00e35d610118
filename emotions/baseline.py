"""The baseline: what word counts and a linear model can do, so that an encoder's score has something to stand against.

TF-IDF of words and their neighbours, and a logistic regression for each label on its own, all by scikit-learn:
https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting
"""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from emotions.errors import InputError

# A word is a run of letters, digits and apostrophes, straight or not; or one other character: "!" and emoji tell of
# emotions too.
WORD = r"[\w'\u2019]+|[^\w\s]"


def fit(texts: Sequence[str], labels: np.ndarray, c: float, ngrams: int, min_df: int) -> Pipeline:
    """Return the baseline, fitted on n texts with labels (n, L) of 0 and 1.

    c: the inverse strength of the L2 penalty. ngrams: the most words that are counted together. min_df: the number of
    texts that an n-gram must occur in. A label on none or all of the texts is given to none or all.

    Raises `InputError` when no n-gram occurs in `min_df` of the texts.
    """
    counts = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, ngrams), min_df=min_df, sublinear_tf=True)
    # Of scikit-learn's solvers the fastest on sparse counts, and without random numbers.
    regression = OneVsRestClassifier(LogisticRegression(C=c, solver="liblinear"))
    model = Pipeline([("counts", counts), ("regression", regression)])
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Label .* is present in all training examples")
            return model.fit(texts, labels)
    except ValueError as error:
        if "min_df" not in str(error) and "no terms remain" not in str(error):
            raise
        raise InputError(
            f"no word occurs in baseline_min_df = {min_df} of the {len(texts):,} training comments: lower it"
        ) from None
