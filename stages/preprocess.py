"""Read the data, merge raters, tokenise: `data` → data/processed/comments.parquet."""

from emotions.core import errors, files, params
from emotions.core.inputs import Inputs
from emotions.data import encoders, raters, store, tokens

OUTPUT = "data/processed/comments.parquet"


def main() -> None:
    inputs = Inputs(["params.yaml"])
    settings = params.load()
    inputs.add([settings.data])
    folder = encoders.locate(settings.encoder, settings.revision)
    tokenizer = encoders.load_tokenizer(folder).backend_tokenizer
    longest = encoders.longest_input(folder)
    if settings.max_length > longest:
        raise errors.InputError(
            f"max_length is {settings.max_length}, but {settings.encoder} takes {longest} tokens at most"
        )

    count = truncated = labels = 0
    with files.scratch(OUTPUT) as scratch:
        merged = raters.merge(settings.data, settings.min_votes, scratch)
        with store.writing(OUTPUT, merged.label_names, tokens.fingerprint(tokenizer)) as add:
            for piece in merged.pieces:
                tokenised, cut = tokens.tokenise(tokenizer, piece.texts.to_pylist(), settings.max_length)
                add(piece, tokenised)
                count, truncated, labels = count + len(tokenised.ids), truncated + cut, labels + piece.labels.sum()
            inputs.check()

    print(f"read       {merged.rows:>10,} rows with {len(merged.label_names)} labels from {settings.data}")
    print(f"dropped    {merged.unclear:>10,} rows marked unclear")
    print(f"merged     {merged.merged:>10,} rows into others of the same comment")
    print(f"dropped    {merged.unlabelled:>10,} comments without a label")
    print(f"kept       {merged.kept:>10,} comments, {labels / merged.kept:.2f} labels each")
    print(f"tokenised  {count:>10,} tokens, {count / merged.kept:.1f} per comment")
    print(f"truncated  {truncated:>10,} comments to {settings.max_length} tokens")


if __name__ == "__main__":
    errors.run(main)
