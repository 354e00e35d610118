"""Comments to learn from before the data's own: a smaller set with the same labels, plainly written.

An encoder that has first learned the same labels from clean examples learns them better from noisy ones, the rare ones
above all (Phang, Févry and Bowman, Sentence Encoders on STILTs, 2018, arXiv 1811.01088).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from emotions import batches, corpus, votes
from emotions.batches import Tokens
from emotions.splitting import same_text


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
