"""Read the data, merge raters, tokenise: `data` → data/processed/comments.parquet."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emotions import batches, comments, encoders, errors, files, out_of_core, params, provenance

OUTPUT = "data/processed/comments.parquet"


def main() -> None:
    origin = provenance.Provenance(["params.yaml"])
    settings = params.load()
    origin.add([settings.data])
    folder = encoders.locate(settings.encoder, settings.revision)
    tokenizer = encoders.load_tokenizer(folder).backend_tokenizer
    longest = encoders.longest_input(folder)
    if settings.max_length > longest:
        raise errors.InputError(
            f"max_length is {settings.max_length}, but {settings.encoder} takes {longest} tokens at most"
        )

    tokens = truncated = labels = 0
    with files.scratch(OUTPUT) as folder:
        merged = out_of_core.merge(settings.data, settings.min_votes, folder)
        with comments.writing(OUTPUT, merged.label_names, batches.fingerprint(tokenizer)) as add:
            for piece in merged.pieces:
                tokenised, cut = batches.tokenise(tokenizer, piece.texts.to_pylist(), settings.max_length)
                add(piece.ids, piece.texts, piece.labels, tokenised, piece.parts)
                tokens, truncated, labels = tokens + len(tokenised.ids), truncated + cut, labels + piece.labels.sum()
            origin.check()

    print(f"read       {merged.rows:>9,} rows with {len(merged.label_names)} labels from {settings.data}")
    print(f"dropped    {merged.unclear:>9,} rows marked unclear")
    print(f"merged     {merged.merged:>9,} rows into others of the same comment")
    print(f"dropped    {merged.unlabelled:>9,} comments without a label")
    print(f"kept       {merged.kept:>9,} comments, {labels / merged.kept:.2f} labels each")
    print(f"tokenised  {tokens:>9,} tokens, {tokens / merged.kept:.1f} a comment")
    print(f"truncated  {truncated:>9,} comments to {settings.max_length} tokens")


if __name__ == "__main__":
    errors.run(main)
