"""Read the data, merge raters, tokenise: `data` → data/processed/comments.parquet."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from emotions import batches, comments, corpus, encoders, errors, params, provenance, votes

OUTPUT = "data/processed/comments.parquet"


def main() -> None:
    origin = provenance.Provenance(["params.yaml"])
    settings = params.load()
    origin.add([settings.data])
    folder = encoders.locate(settings.encoder, settings.revision)
    tokenizer = encoders.load_tokenizer(folder)
    longest = encoders.longest_input(folder)
    if settings.max_length > longest:
        raise errors.InputError(
            f"max_length is {settings.max_length}, but {settings.encoder} takes {longest} tokens at most"
        )

    judgements = corpus.read(settings.data)
    merged = votes.merge(judgements, settings.min_votes)
    texts = np.array(judgements.texts, object)[merged.rows]
    tokens, truncated = batches.tokenise(tokenizer, list(texts), settings.max_length)

    origin.check()
    comments.write(
        OUTPUT,
        comments.Comments(
            ids=np.array(judgements.ids, object)[merged.rows],
            texts=texts,
            labels=merged.labels,
            label_names=judgements.label_names,
            tokens=tokens,
            parts=None if judgements.parts is None else judgements.parts[merged.rows],
            tokenizer=encoders.fingerprint(tokenizer),
        ),
    )

    rows, kept = len(judgements.ids), len(texts)
    print(f"read       {rows:>9,} rows with {len(judgements.label_names)} labels from {settings.data}")
    print(f"dropped    {merged.unclear:>9,} rows marked unclear")
    print(f"merged     {merged.merged:>9,} rows into others of the same comment")
    print(f"dropped    {merged.unlabelled:>9,} comments without a label")
    print(f"kept       {kept:>9,} comments, {merged.labels.sum() / kept:.2f} labels each")
    print(f"tokenised  {len(tokens.ids):>9,} tokens, {len(tokens.ids) / kept:.1f} a comment")
    print(f"truncated  {truncated:>9,} comments to {settings.max_length} tokens")


if __name__ == "__main__":
    errors.run(main)
