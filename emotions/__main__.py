"""By hand: `python -m emotions predict …`; `… score …`, `… agreement …`, `… export …`, `… review …`.

Imports stand inside the functions, so that `--help` does not wait for torch.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from emotions import errors

# Texts that are predicted on at a time: sorted by length among themselves, printed in their own order.
PIECE = 2_000


def predict(arguments: argparse.Namespace) -> None:
    """Print the labels of each text, in the order given."""
    from emotions import texts
    from emotions.prediction import load, predict_texts

    if bool(arguments.text) == bool(arguments.file):
        raise errors.InputError("give texts, or --file with a file of them (- is standard input); not both")
    if arguments.text == ["-"]:
        source = texts.read("-")
    elif arguments.file:
        source = texts.read(arguments.file)
    else:
        for text in arguments.text:
            if not text.strip():
                raise errors.InputError("one of the texts is empty")
            if any("\ud800" <= character <= "\udfff" for character in text):  # bytes that Python could not decode
                raise errors.InputError(f"the text {text!a} is not UTF-8")
        source = iter(arguments.text)

    model = load(arguments.model)
    thresholds = model.thresholds.choose(_threshold(arguments))
    for piece in texts.pieces(source, PIECE):
        for text, probabilities in zip(piece, predict_texts(model, piece), strict=True):
            by_label = {name: float(value) for name, value in zip(model.label_names, probabilities, strict=True)}
            given = [
                name for name, enough in zip(model.label_names, probabilities >= thresholds, strict=True) if enough
            ]
            given.sort(key=by_label.get, reverse=True)
            if arguments.json:
                rounded = {name: round(value, 5) for name, value in by_label.items()}
                line = {"text": text, "labels": given, "probabilities": rounded}
                print(json.dumps(line, ensure_ascii="utf" not in sys.stdout.encoding.lower()))
            else:
                shown = ", ".join(f"{name} {by_label[name]:.2f}" for name in given)
                if not given:
                    likeliest = max(by_label, key=by_label.get)
                    shown = f"none (likeliest: {likeliest} {by_label[likeliest]:.2f})"
                print(f"{shown}\t{' '.join(text.split())}")


def score(arguments: argparse.Namespace) -> None:
    """Print the metrics of a model on labelled data."""
    from emotions import corpus, scores, votes
    from emotions.prediction import load, predict_texts

    if arguments.min_votes < 0:
        raise errors.InputError(f"--min-votes should be 0 or more, but is {arguments.min_votes}")
    model = load(arguments.model)
    judgements = corpus.read(arguments.data)
    merged = votes.merge(judgements, arguments.min_votes)
    votes.check(len(merged.rows), len(judgements.ids), merged.unclear, arguments.min_votes)
    kept, labels = merged.rows, merged.labels
    if arguments.part:
        if judgements.parts is None:
            raise errors.InputError(f"{arguments.data} has no parts of its own: leave --part out to score all of it")
        members = judgements.parts[kept] == arguments.part
        kept, labels = kept[members], labels[members]
        if not len(kept):
            raise errors.InputError(f"{arguments.data} has no comment for {arguments.part}")
    if set(judgements.label_names) != set(model.label_names):
        odd = sorted(set(judgements.label_names) ^ set(model.label_names))
        raise errors.InputError(f"{arguments.data} and {arguments.model} differ in the labels {', '.join(odd)}")
    labels = labels[:, [judgements.label_names.index(name) for name in model.label_names]]

    texts = judgements.texts.take(kept).to_pylist()
    thresholds = model.thresholds.choose(_threshold(arguments))
    metrics = scores.score(labels, predict_texts(model, texts), thresholds)
    if arguments.json:
        print(json.dumps(metrics))
    else:
        print("\n".join(f"{name:<24} {value}" for name, value in metrics.items()))


def agree(arguments: argparse.Namespace) -> None:
    """Print how far raters agree with each other, and a model with them."""
    from emotions import agreement, bootstrap, corpus, predictions_file

    predictions = None
    if Path(arguments.predictions).exists():
        predictions = predictions_file.read(Path(arguments.predictions).read_bytes(), arguments.predictions)
    found = agreement.measure(corpus.read(arguments.data), predictions)
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{'':<40}{'comments':>8}  f1_micro (95%)          f1_macro (95%)")
    for who, figures in found.items():
        shown = (
            f"{figures[name]:.3f} ({figures[f'{name}_low']:.3f} to {figures[f'{name}_high']:.3f})"
            for name in bootstrap.NAMES
        )
        print(f"{who:<40}{figures['comments']:>8,}  {'  '.join(shown)}")


def export(arguments: argparse.Namespace) -> None:
    """Write a model in ONNX."""
    from emotions import export
    from emotions.model import EmotionClassifier

    export.check_packages()  # before the model is read
    print(f"writing {arguments.onnx}, which takes up to a minute", file=sys.stderr)
    model = EmotionClassifier.from_pretrained(arguments.model)
    export.write(model, model.thresholds.choose(_threshold(arguments)), arguments.onnx)


def review(arguments: argparse.Namespace) -> None:
    """Print, as Markdown for a pull request, what the workspace changes against a commit."""
    from emotions import review

    figure = arguments.figure or str(Path(tempfile.gettempdir(), "review.png"))
    print(review.review(arguments.base, figure), end="")
    print(f"loss of both runs: {figure}", file=sys.stderr)


def main() -> None:
    """Parse the command line and run one command."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--model", default="model", metavar="DIR", help="folder of a trained model (default: model)")
    common.add_argument(
        "--threshold",
        metavar="T",
        help="per_label, global, or a number (default: what params.yaml says, else per_label)",
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")

    parser = argparse.ArgumentParser(prog="python -m emotions", description="Emotions of comments.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("predict", parents=[common, as_json], help="print the labels of texts")
    command.add_argument("text", nargs="*", help="a comment; a single - reads one a line from standard input")
    command.add_argument("--file", metavar="F", help="one comment a line, or a CSV or parquet file with a column text")
    command.set_defaults(run=predict)

    command = commands.add_parser("score", parents=[common, as_json], help="print a model's metrics on labelled data")
    command.add_argument("data", metavar="DATA", help="data in any format that the pipeline accepts")
    command.add_argument(
        "--part", choices=["train", "validation", "test"], help="score one part of data that has its own (default: all)"
    )
    command.add_argument(
        "--min-votes", type=int, default=1, metavar="N", help="raters that must agree on a label (default: 1)"
    )
    command.set_defaults(run=score)

    command = commands.add_parser(
        "agreement", help="print how far raters agree with each other, and the model with them"
    )
    command.add_argument("data", metavar="DATA", help="data with a row for each rater")
    command.add_argument(
        "--predictions",
        default="data/predictions/test.parquet",
        metavar="FILE",
        help="what a model trained on DATA says of its test comments (default: data/predictions/test.parquet)",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=agree)

    command = commands.add_parser("export", parents=[common], help="write a model in ONNX, for use without torch")
    command.add_argument("--onnx", required=True, metavar="DIR", help="folder to write; an earlier export is replaced")
    command.set_defaults(run=export)

    command = commands.add_parser("review", help="print, as Markdown, what the workspace changes against a commit")
    command.add_argument(
        "base", nargs="?", metavar="BASE", help="a commit (default: where the branch left origin/main, else main)"
    )
    command.add_argument(
        "--figure", metavar="FILE", help="where to draw the loss of both (default: review.png in the temporary folder)"
    )
    command.set_defaults(run=review)

    arguments = parser.parse_args()
    # A terminal that cannot show a character gets its code instead of an error.
    sys.stdout.reconfigure(errors="backslashreplace")
    arguments.run(arguments)


def _threshold(arguments: argparse.Namespace) -> str | float:
    from emotions import params

    if arguments.threshold is None:
        return params.load().threshold if Path("params.yaml").exists() else "per_label"
    try:
        return params.parse_threshold(arguments.threshold)
    except ValueError as error:
        raise errors.InputError(f"--threshold {error}, but is {arguments.threshold!r}") from None


if __name__ == "__main__":
    errors.run(main)
