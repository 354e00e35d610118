"""How good predictions are, seen from several sides: the tables behind evaluate's figures, small enough for git.

In all of them n comments have L labels; labels: (n, L) of 0 and 1; probabilities: (n, L); numbers are rounded to
`scores.DIGITS` digits.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve

from emotions.scores import DIGITS

MICRO = "all labels"
# Labels that are drawn at either end, by average precision.
EXTREMES = 3
RECALLS = np.arange(101) / 100
THRESHOLDS = np.arange(1, 100) / 100


def precision_recall(labels: np.ndarray, probabilities: np.ndarray, label_names: tuple[str, ...]) -> pd.DataFrame:
    """Return precision by recall of all labels together, and of the best and the worst of them.

    Columns: curve (`MICRO`, or a label with its average precision), recall, precision: the precision at the highest
    threshold that reaches the recall; every hundredth of recall. Labels on no comment have no curve.
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
        precision, recall, _ = precision_recall_curve(truth, probability)  # recall falls along it
        reached = len(recall) - 1 - np.searchsorted(recall[::-1], RECALLS - 1e-12)
        told = f"{name} ({average_precision_score(truth, probability):.2f})"
        pieces.append(pd.DataFrame({"curve": told, "recall": RECALLS, "precision": precision[reached]}))
    return pd.concat(pieces).round(DIGITS) if pieces else pd.DataFrame(columns=["curve", "recall", "precision"])


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return what becomes of a probability: of the (comment, label) pairs that have it, the part that holds.

    Columns: predicted (mean probability of a bin), observed (part of its pairs that hold), pairs (their number); one
    row for each of `bins` equal ranges of probability that has pairs. A reliability diagram: DeGroot and Fienberg, The
    Comparison and Evaluation of Forecasters, The Statistician 32, 1983.
    """
    truth, belief = labels.ravel().astype(float), probabilities.ravel().astype(float)
    bin_of = np.minimum((belief * bins).astype(int), bins - 1)
    pairs = np.bincount(bin_of, minlength=bins)
    filled = pairs > 0
    means = [np.bincount(bin_of, values, bins)[filled] / pairs[filled] for values in (belief, truth)]
    table = pd.DataFrame({"predicted": means[0], "observed": means[1], "pairs": pairs[filled]})
    return table.round(DIGITS)


def f1_by_threshold(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return threshold, f1_micro and f1_macro for one threshold for all labels, every hundredth.

    F1 of a label that is neither there nor given counts as 0.
    """
    rows = []
    for threshold in THRESHOLDS:
        given = probabilities >= threshold
        hits = (given & (labels > 0)).sum(axis=0)
        marks = given.sum(axis=0) + labels.sum(axis=0, dtype=int)
        rows.append([threshold, 2 * hits.sum() / max(marks.sum(), 1), (2 * hits / np.maximum(marks, 1)).mean()])
    return pd.DataFrame(rows, columns=["threshold", "f1_micro", "f1_macro"]).round(DIGITS)


def confusions(labels: np.ndarray, given: np.ndarray, label_names: tuple[str, ...]) -> pd.DataFrame:
    """Return which label is given where another one is missed. given: (n, L) of 0 and 1.

    Columns: label (the one missed), missed (comments that have it and were not given it), instead (a label that these
    comments were given and do not have, or `nothing` where they were given no label), share (the part of those missed
    that got it). Shares of 0 are left out but for `nothing`, so that every label that was missed is there. A comment
    can get several labels, so shares need not add up to 1.
    """
    truth, given = labels.astype(bool), given.astype(bool)
    missed = (truth & ~given).astype(float)
    wrong = np.column_stack([given & ~truth, ~given.any(axis=1)]).astype(float)
    counts = missed.sum(axis=0)
    share = missed.T @ wrong / np.maximum(counts, 1)[:, None]
    names = [*label_names, "nothing"]
    kept = share > 0
    kept[:, -1] = counts > 0
    rows = [
        [label_names[row], int(counts[row]), names[column], share[row, column]]
        for row, column in zip(*np.nonzero(kept), strict=True)
    ]
    return pd.DataFrame(rows, columns=["label", "missed", "instead", "share"]).round(DIGITS)
