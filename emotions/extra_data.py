"""Comments of another origin to learn from beside the data's own: a smaller set, in which rare labels are not rare.

Labels are as frequent in it as its authors made them. So its comments are given logits of their own, those of the
model and `shift`, the difference of the log-odds: what is learned of words is shared, how frequent labels are is not
(as in Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021, arXiv 2007.07314, section 4.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from emotions import batches, corpus, votes
from emotions.comments import Comments
from emotions.model import log_odds
from emotions.splitting import same_text


@dataclass(frozen=True)
class Extra:
    """Which comments of a training run are of another origin, and how they count.

    positions: indices of comments, (m,). shift: what is added to their logits, (L,) float32. chances: of each of them
    to be learned from in an epoch, (m,) from 0 to 1; in sum one half or more.
    """

    positions: np.ndarray
    shift: np.ndarray
    chances: np.ndarray

    @property
    def epoch_size(self) -> int:
        """How many of the comments every epoch learns from."""
        return round(self.chances.sum())

    def draw(self, seed: int, epoch: int) -> np.ndarray:
        """Return those of an epoch, as indices of `positions`, (epoch_size,); they depend on seed and epoch alone.

        They are drawn one after the other and without replacement, so that their frequencies only approximate large
        `chances`.
        """
        random = np.random.default_rng([seed, epoch, len(self.positions)])
        chances = self.chances / self.chances.sum()
        return np.sort(random.choice(len(chances), self.epoch_size, replace=False, p=chances))


def read(
    path: str | Path, label_names: Sequence[str], own_texts: Iterable[str], tokenizer: Tokenizer, max_length: int
) -> Comments | None:
    """Return the comments at `path`, in any format of `corpus`, in memory: all but their parts.

    label_names: the L labels of the data. Where those of `path` are others, None comes back. own_texts: of all
    comments of the data, which are left out, so that none for validation or testing is learned here. Of a folder with
    parts of its own only the training part comes back. A label needs one vote.

    Raises what `corpus.read` raises.
    """
    judgements = corpus.read(path)
    if set(judgements.label_names) != set(label_names):
        return None
    merged = votes.merge(judgements, min_votes=1)
    ids, texts = judgements.ids.take(merged.rows), judgements.texts.take(merged.rows)
    for_training = np.ones(len(texts), bool) if judgements.parts is None else judgements.parts[merged.rows] == "train"
    keys = [same_text(text) for text in texts.to_pylist()]
    known = set(keys)
    known.intersection_update(map(same_text, own_texts))
    kept = np.flatnonzero(for_training & np.array([key not in known for key in keys], bool))
    columns = [judgements.label_names.index(name) for name in label_names]
    texts = texts.take(kept)
    tokens, _ = batches.tokenise(tokenizer, texts.to_pylist(), max_length)
    labels, fingerprint = merged.labels[kept][:, columns], batches.fingerprint(tokenizer)
    return Comments(tuple(label_names), fingerprint, ids.take(kept), texts, labels, tokens)


def plan(labels: np.ndarray, own_labels: np.ndarray, start: int, minimum: int) -> Extra | None:
    """Return how m comments of another origin count, whose positions begin at `start`; None where none is needed.

    labels: theirs, (m, L). own_labels: of the data's comments to train on, (n, L). minimum: of comments with each label
    that an epoch should have, as far as there are so many.
    """
    chances = needed(labels, own_labels, minimum)
    if round(chances.sum()) == 0:
        return None
    shift = log_odds(np.average(labels, axis=0, weights=chances)) - log_odds(own_labels.mean(axis=0))
    return Extra(np.arange(start, start + len(labels)), shift.astype(np.float32), chances)


def needed(labels: np.ndarray, own_labels: np.ndarray, minimum: int) -> np.ndarray:
    """Return for each of m comments of another origin the share of epochs that need it, (m,) float64 from 0 to 1.

    labels: theirs, (m, L) of 0 and 1. own_labels: of the data's comments to train on, (n, L). What the data's own
    comments with a label lack to `minimum` is spread evenly over the others with that label. Of a comment's labels the
    one that is lacked most counts. What a label means is for the data's raters to say, and others are listened to where
    these say little.
    """
    counts, own_counts = labels.sum(axis=0, dtype=float), own_labels.sum(axis=0, dtype=float)
    shares = np.clip((minimum - own_counts) / np.maximum(counts, 1), 0, 1)
    return (labels * shares).max(axis=1, initial=0.0)
