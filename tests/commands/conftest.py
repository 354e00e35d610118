"""A model in the working folder, and the command line run in this process."""

import io
import sys

import pytest

from emotions.commands import cli


@pytest.fixture
def model(small_classifier, tmp_path, monkeypatch):
    """A model that is also in the folder `model` of the working folder."""
    small_classifier.model.classifier.weight.data *= 50  # probabilities on both sides of the thresholds
    small_classifier.save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return small_classifier


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line, and return what it printed."""

    def run(*arguments: object, stdin: bytes = b"") -> str:
        monkeypatch.setattr(sys, "argv", ["emotions", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "ascii"))
        capsys.readouterr()
        cli.main()
        return capsys.readouterr().out

    return run
