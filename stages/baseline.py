"""Score a linear model of word counts on the same parts, for comparison: comments, split → metrics/baseline.json.

TF-IDF of words and pairs of words, and a logistic regression for each label, by scikit-learn:
https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting
"""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from emotions.core import errors, files, params
from emotions.core.inputs import Inputs
from emotions.data import store
from emotions.metrics import bootstrap, scores, thresholds

COMMENTS, SPLIT, METRICS = "data/processed/comments.parquet", "data/splits/split.parquet", "metrics/baseline.json"
# A word is a run of letters, digits and apostrophes, straight or not, or one other character, such as "!" or an emoji.
WORD = r"[\w'\u2019]+|[^\w\s]"
MIN_TEXTS = 2  # that a word or pair must occur in


def main() -> None:
    inputs = Inputs([COMMENTS, SPLIT, "params.yaml"])
    settings = params.load()
    comments = store.read(COMMENTS, ["ids", "texts", "labels"])
    parts = store.read_split(SPLIT, comments.ids)
    train, validation, test = (np.flatnonzero(parts == part) for part in ("train", "validation", "test"))

    print(f"baseline: counting words of {len(train):,} comments, for {len(comments.label_names)} labels", flush=True)
    model = fit(comments.texts.take(train).to_pylist(), comments.labels[train])
    chosen = thresholds.half(len(comments.label_names))
    if len(validation):
        probability = model.predict_proba(comments.texts.take(validation).to_pylist())
        chosen = thresholds.choose(comments.labels[validation], probability)
    threshold = chosen.choose(settings.threshold)
    labels, probability = comments.labels[test], model.predict_proba(comments.texts.take(test).to_pylist())
    metrics = scores.score(labels, probability, threshold)
    metrics = scores.with_intervals(metrics, bootstrap.intervals(labels, probability >= threshold, settings.seed))
    metrics["threshold_global"] = chosen.common

    inputs.check()
    files.write_json(METRICS, metrics)
    print(f"baseline: f1_micro {metrics['f1_micro']}, f1_macro {metrics['f1_macro']}")


def fit(texts: Sequence[str], labels: np.ndarray) -> Pipeline:
    """Return the baseline fitted on n texts with labels (n, L) of 0 and 1; a label on none or all stays so.

    If no word occurs in `MIN_TEXTS` texts, it raises `InputError`.
    """
    counts = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), min_df=MIN_TEXTS, sublinear_tf=True)
    # Of scikit-learn's solvers the fastest on sparse counts, and without random numbers.
    model = make_pipeline(counts, OneVsRestClassifier(LogisticRegression(C=4.0, solver="liblinear")))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Label .* is present in all training examples")
            return model.fit(texts, labels)
    except ValueError as error:
        if "min_df" not in str(error) and "no terms remain" not in str(error):
            raise
        raise errors.InputError(
            f"the baseline needs words that occur in {MIN_TEXTS} of the {len(texts):,} training comments: use more data"
        ) from None


if __name__ == "__main__":
    errors.run(main)
