"""Shared by the tests: small data, a tiny random encoder, and a working folder with a small pipeline in it."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from accelerate.state import AcceleratorState
from transformers import BertConfig, BertModel, BertTokenizerFast

from emotions.core import params
from emotions.metrics.thresholds import Thresholds
from emotions.model import classifier
from emotions.model.classifier import Classifier
from tests.project import Project

ROOT = Path(__file__).resolve().parents[1]
LABELS = ("anger", "joy", "surprise", "neutral")
# Words that give a comment's labels away, so that even a tiny encoder can learn them.
WORDS = {
    "anger": ["furious", "angry", "rage", "hate"],
    "joy": ["happy", "glad", "delighted", "smiling"],
    "surprise": ["wow", "unexpected", "sudden", "gosh"],
    "neutral": ["table", "station", "Tuesday", "paper"],
}
# fmt: off
FILLERS = [
    "the", "one", "on", "my", "way", "to", "a", "house", "with", "some", "people", "and", "then", "it", "was", "there",
    "for", "you", "all", "day", "long",
]
# fmt: on
# Of the small pipeline, and of runs of the training loop by itself.
SMALL = {"max_length": 32, "epochs": 2, "batch_size": 8, "lr": 1e-3, "head_lr": 1e-2, "precision": "fp32"}

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and there is none here")


def small_comments(count: int = 64) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return (id, text, labels) of `count` different comments; every third has two labels."""
    comments = []
    for number in range(count):
        names = [LABELS[number % 4]]
        if number % 3 == 0 and names[0] != "neutral":
            names.append(LABELS[(number % 4 + 1) % 3])
        words = [WORDS[name][(number // 4) % 4] for name in names]
        words += [FILLERS[(number * 7 + step * 5) % len(FILLERS)] for step in range(2 + number % 9)]
        comments.append((f"c{number}", f"{' '.join(words)} {number}", tuple(dict.fromkeys(names))))
    return comments


def write_csv(path: Path, comments: list[tuple[str, str, tuple[str, ...]]]) -> Path:
    """Write comments in the notebook's format."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "text", "example_very_unclear", *LABELS])
        for comment, text, names in comments:
            writer.writerow([comment, text, "FALSE", *(int(label in names) for label in LABELS)])
    return path


def small_params(**changes: object) -> params.Params:
    """Return the repository's parameters for the small data, with changes."""
    return params.load(ROOT / "params.yaml").model_copy(update={**SMALL, **changes})


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and random weights, with a tokenizer that knows the words above, in a folder."""
    folder = tmp_path_factory.mktemp("encoder")
    words = sorted({word.lower() for words in (*WORDS.values(), FILLERS) for word in words})
    pieces = [chr(code) for code in range(97, 123)] + [str(digit) for digit in range(10)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *pieces, *(f"##{piece}" for piece in pieces)]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def small_classifier(tiny_encoder: Path) -> Classifier:
    """A classifier with thresholds that has learned nothing but its labels' names and frequencies."""
    torch.manual_seed(0)
    small = classifier.create(tiny_encoder, LABELS, max_length=32, dropout=0.1)
    classifier.start_head(small, np.full(4, 0.3))
    small.thresholds = Thresholds((0.2, 0.3, 0.4, 0.5), 0.35)
    return small


@pytest.fixture
def no_traces():
    """Leave nothing of what accelerate and torch hold for the whole process; use one thread, the quickest here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    AcceleratorState._reset_state(True)
    yield
    AcceleratorState._reset_state(True)
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.fixture
def workspace(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, no_traces: None) -> Path:
    """A folder with the repository's code and pipeline, small data and a tiny encoder; the tests run inside it."""
    monkeypatch.chdir(make_workspace(tmp_path, tiny_encoder))
    return tmp_path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Project:
    project = Project(make_workspace(tmp_path_factory.mktemp("built"), tiny_encoder))
    set_params(project.folder, threads=1)
    project("git init --quiet --initial-branch main && git config user.email a@example.org && git config user.name a")
    project("dvc init --quiet")
    shutil.copytree(ROOT / ".dvc" / "plots", project.folder / ".dvc" / "plots")  # templates of `dvc plots`
    project("git add --all && git commit --quiet --message start")
    project("dvc repro && git add --all && git commit --quiet --message run")
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built project, all of it up to date."""
    return Project(Path(shutil.copytree(built.folder, tmp_path / "project", symlinks=True)))


def make_workspace(folder: Path, encoder: Path) -> Path:
    """Put the repository's code and pipeline, small data and an encoder into a folder, and return it."""
    for name in ("stages", "emotions"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    for declared in ROOT.glob("data/goemotions*/*.dvc"):
        target = folder / declared.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(declared, target)
    (folder / "data").mkdir(exist_ok=True)
    write_csv(folder / "data" / "comments.csv", small_comments())
    shutil.copytree(encoder, folder / "encoder")
    set_params(folder, encoder="encoder", **SMALL)
    return folder


def set_params(folder: Path, **changes: object) -> None:
    """Write params.yaml: what `folder` has already, or the repository's own, with changes."""
    path = folder / "params.yaml"
    known = yaml.safe_load((path if path.exists() else ROOT / "params.yaml").read_text())
    path.write_text(yaml.safe_dump({**known, **changes}, sort_keys=False))


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment, with one thread and the repository on the path of its children."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **changes}
