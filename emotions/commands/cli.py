"""The command line: `emotions COMMAND …`, or `python -m emotions COMMAND …` in a clone.

Each command is a module beside this one, imported when it runs, so that `--help` does not wait for torch.
"""

import argparse
import importlib
import sys
from pathlib import Path

from emotions.core import errors


def run() -> None:
    """Run the command line as a process: one line for a wrong input, and an exit status."""
    errors.run(main)


def main() -> None:
    """Parse the command line and run one command; bad input raises `InputError`."""
    arguments = _parser().parse_args()
    if "threshold" in arguments:
        arguments.threshold = _threshold(arguments.threshold)
    # A terminal that cannot show a character gets its code instead of an error.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    importlib.import_module(f"emotions.commands.{arguments.command}").run(arguments)


def _parser() -> argparse.ArgumentParser:
    with_model = argparse.ArgumentParser(add_help=False)
    with_model.add_argument("--model", default="model", metavar="DIR", help="a trained model's folder (default: model)")
    with_model.add_argument("--threshold", metavar="T", help="per_label, global or a number (default: params.yaml's)")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")

    program = "python -m emotions" if Path(sys.argv[0]).name == "__main__.py" else "emotions"
    parser = argparse.ArgumentParser(prog=program, description="Label comments with emotions.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("predict", parents=[with_model, as_json], help="print the labels of texts")
    command.add_argument("text", nargs="*", help="a comment; a single - reads one per line from standard input")
    command.add_argument("--file", metavar="F", help="one comment per line, or CSV or parquet with a column text")

    command = commands.add_parser("score", parents=[with_model, as_json], help="print metrics on labelled data")
    command.add_argument("data", metavar="DATA", help="data in any format that the pipeline reads")
    command.add_argument("--part", choices=["train", "validation", "test"], help="score one part (default: all data)")
    command.add_argument("--min-votes", type=int, default=1, metavar="N", help="raters who must agree (default: 1)")

    command = commands.add_parser("export", parents=[with_model], help="write a model as ONNX, for use without torch")
    command.add_argument("--onnx", required=True, metavar="DIR", help="folder to write; an earlier export is replaced")

    command = commands.add_parser("review", help="compare the workspace's run with a commit's, as Markdown")
    command.add_argument("base", nargs="?", metavar="BASE", help="commit (default: where the branch left main)")
    command.add_argument("--figure", metavar="FILE", help="PNG file for both losses (default: a temporary file)")
    return parser


def _threshold(value: str | None) -> str | float:
    from emotions.core import params

    if value is None:
        return params.load().threshold if Path("params.yaml").exists() else "per_label"
    try:
        return params.parse_threshold(value)
    except ValueError as error:
        raise errors.InputError(f"--threshold {error}, but is {value!r}") from None
