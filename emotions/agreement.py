"""How far raters agree with each other, and a model with them: on what people disagree, no model can be right.

Every rater of a comment is held against every other one, as a prediction is held against labels, and a model against
every rater. Each comment counts the same, however many raters it has. F1 between raters as a measure of agreement where
most of what could be given is not: Hripcsak and Rothschild, Agreement, the F-Measure, and Reliability in Information
Retrieval, JAMIA 2005. The figures need no merged labels, so that nobody is measured against himself.
"""

from dataclasses import dataclass

import numpy as np

from emotions import bootstrap
from emotions.errors import InputError
from emotions.judgements import Judgements
from emotions.predictions_file import Predictions


@dataclass(frozen=True)
class Votes:
    """The n comments that several raters judged, without raters who could not tell.

    ids: n strings. votes: (n, L), the number of raters that gave the label. raters: (n,), the number of all.
    """

    ids: list[str]
    votes: np.ndarray
    raters: np.ndarray


def measure(judgements: Judgements, predictions: Predictions | None) -> dict[str, dict[str, float]]:
    """Return, by who is compared, the number of comments, and f1_micro and f1_macro with their 95% intervals.

    Raters are compared on all comments that several of them judged; and on those that `predictions` holds, of which
    there may be none, raters as well as the model.

    Raises `InputError` when no comment has several raters, and when labels differ from those of the predictions.
    """
    votes = count(judgements)
    compared = {"a rater with another": (votes, between_raters(votes))}
    row = {comment: index for index, comment in enumerate(predictions.ids if predictions else [])}
    common = [index for index, comment in enumerate(votes.ids) if comment in row]
    if common:
        if set(predictions.label_names) != set(judgements.label_names):
            raise InputError("the predictions are for other labels than those of the data")
        columns = [predictions.label_names.index(name) for name in judgements.label_names]
        votes = Votes([votes.ids[index] for index in common], votes.votes[common], votes.raters[common])
        given = predictions.given[[row[comment] for comment in votes.ids]][:, columns]
        compared["a rater with another, test comments"] = (votes, between_raters(votes))
        compared["the model with a rater, test comments"] = (votes, with_raters(votes, given))
    return {
        who: {"comments": len(judged.ids), **bootstrap.intervals_of_counts(*counts, seed=0)}
        for who, (judged, counts) in compared.items()
    }


def count(judgements: Judgements) -> Votes:
    """Return the votes of the comments with two raters or more, in order of first appearance.

    Raises `InputError` when there is none.
    """
    clear = np.flatnonzero(~judgements.unclear)
    encoded = judgements.ids.take(clear).combine_chunks().dictionary_encode()
    comments, ids = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
    raters = np.bincount(comments, minlength=len(ids))
    votes = np.zeros((len(ids), len(judgements.label_names)))
    np.add.at(votes, comments, judgements.labels[clear])
    several = np.flatnonzero(raters > 1)
    if not len(several):
        raise InputError("no comment has several raters, so there is no agreement to measure")
    return Votes([ids[row] for row in several], votes[several], raters[several])


def between_raters(votes: Votes) -> tuple[np.ndarray, np.ndarray]:
    """Return hits and marks, (n, L) each, of all pairs of raters, as `bootstrap.intervals_of_counts` takes them.

    Of the k (k - 1) / 2 pairs, v (v - 1) / 2 agree on a label that v raters gave, and each of them gave it in k - 1.
    """
    v, k = votes.votes, votes.raters[:, None]
    return v * (v - 1) / (k * (k - 1)), 2 * v / k


def with_raters(votes: Votes, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hits and marks, (n, L) each, of a prediction against every rater. given: (n, L) of 0 and 1."""
    share = votes.votes / votes.raters[:, None]
    return given * share, given + share
