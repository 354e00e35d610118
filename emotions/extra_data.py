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
from emotions.batches import Tokens
from emotions.splitting import same_text


@dataclass(frozen=True)
class Extra:
    """Which comments of a training run are of another origin, and how they count.

    positions: indices of comments, (m,). shift: what is added to their logits, (L,) float32. weight: of each of them
    in the loss.
    """

    positions: np.ndarray
    shift: np.ndarray
    weight: float


def read(
    path: str | Path, label_names: Sequence[str], own_texts: Iterable[str], tokenizer: Tokenizer, max_length: int
) -> tuple[Tokens, np.ndarray]:
    """Return the tokens and labels, (n, L) uint8, of the comments at `path`, in any format of `corpus`, in memory.

    label_names: the L labels of the data. Where those of `path` are others, no comment comes back. own_texts: of all
    comments of the data, which are left out, so that none for validation or testing is learned here.

    Raises what `corpus.read` raises.
    """
    judgements = corpus.read(path)
    if set(judgements.label_names) != set(label_names):
        print(f"{path} has other labels than the data, and is not learned from")
        return batches.tokenise(tokenizer, [], max_length)[0], np.zeros((0, len(label_names)), np.uint8)
    merged = votes.merge(judgements, min_votes=1)
    texts = judgements.texts.take(merged.rows).to_pylist()
    keys = [same_text(text) for text in texts]
    known = set(keys)
    known.intersection_update(map(same_text, own_texts))
    kept = [index for index, key in enumerate(keys) if key not in known]
    columns = [judgements.label_names.index(name) for name in label_names]
    tokens, _ = batches.tokenise(tokenizer, [texts[index] for index in kept], max_length)
    return tokens, merged.labels[kept][:, columns]
