"""The tables behind the figures of the evaluation, small enough for git, rounded to `scores.DIGITS` places.

Of n comments, `labels` (annotated) and `predicted` are (n, L) of 0 and 1, `probabilities` (n, L).
"""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve

from emotions.metrics import bootstrap
from emotions.metrics.scores import DIGITS, binned
from emotions.metrics.thresholds import GRID

MICRO = "all labels"
NO_LABEL = "(no label)"
EXTREMES = 3  # labels with a curve at either end of the ranking by average precision
RECALLS = np.arange(101) / 100


def precision_recall(labels: np.ndarray, probabilities: np.ndarray, label_names: tuple[str, ...]) -> pd.DataFrame:
    """Return precision by recall of all labels together and of the labels with the best and worst average precision.

    Columns: curve (`MICRO` or a label, with its average precision), recall (every hundredth), precision (at the highest
    threshold that reaches the recall). Labels on no comment have no curve.
    """
    occurring = np.flatnonzero(labels.any(axis=0))
    precisions = [average_precision_score(labels[:, column], probabilities[:, column]) for column in occurring]
    order = occurring[np.argsort(-np.array(precisions), kind="stable")]
    shown = [*order[:EXTREMES], *order[EXTREMES:][-EXTREMES:]]
    curves = {MICRO: (labels.ravel(), probabilities.ravel())}
    curves |= {label_names[column]: (labels[:, column], probabilities[:, column]) for column in shown}
    pieces = []
    for name, (truth, probability) in curves.items():
        if not truth.any():
            continue
        precision, recall, _ = precision_recall_curve(truth, probability)  # by falling recall
        reached = len(recall) - 1 - np.searchsorted(recall[::-1], RECALLS - 1e-12)
        title = f"{name} ({average_precision_score(truth, probability):.2f})"
        pieces.append(pd.DataFrame({"curve": title, "recall": RECALLS, "precision": precision[reached]}))
    return pd.concat(pieces).round(DIGITS) if pieces else pd.DataFrame(columns=["curve", "recall", "precision"])


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return a reliability diagram (DeGroot and Fienberg, The Comparison and Evaluation of Forecasters, 1983).

    Columns, for each range of probability that has pairs of a comment and a label: predicted (their mean probability),
    observed (the share that is annotated), pairs (their number).
    """
    pairs, probability, truth = binned(labels, probabilities, bins)
    table = pd.DataFrame({"predicted": probability, "observed": truth}).div(np.maximum(pairs, 1), axis=0)
    return table.assign(pairs=pairs)[pairs > 0].round(DIGITS)


def f1_by_threshold(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return threshold, f1_micro and f1_macro for one threshold for all labels, every hundredth."""
    rows = [[threshold, *bootstrap.f1(labels, probabilities >= threshold)] for threshold in GRID]
    return pd.DataFrame(rows, columns=["threshold", *bootstrap.NAMES]).round(DIGITS)


def confusions(labels: np.ndarray, predicted: np.ndarray, label_names: tuple[str, ...]) -> pd.DataFrame:
    """Return which labels are predicted instead of a missed one.

    Columns: label (the missed one), missed (comments where it is annotated and not predicted), instead (a label wrongly
    predicted on some of them, or `NO_LABEL` for those without any prediction), share (of the comments missed). The
    shares of a label need not add up to 1. Only a share of `NO_LABEL` can be 0, so that every missed label has a row.
    """
    truth, predicted = labels.astype(bool), predicted.astype(bool)
    missed = (truth & ~predicted).astype(float)
    wrong = np.column_stack([predicted & ~truth, ~predicted.any(axis=1)]).astype(float)
    counts = missed.sum(axis=0)
    share = missed.T @ wrong / np.maximum(counts, 1)[:, None]
    names = [*label_names, NO_LABEL]
    kept = share > 0
    kept[:, -1] = counts > 0
    found = zip(*np.nonzero(kept), strict=True)
    rows = [[names[row], int(counts[row]), names[column], share[row, column]] for row, column in found]
    return pd.DataFrame(rows, columns=["label", "missed", "instead", "share"]).round(DIGITS)
