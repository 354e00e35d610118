"""What runs again and what does not, with the real `dvc` on a small copy of the pipeline; rebuilt to the byte."""

from pathlib import Path

import yaml
from dvc.repo import Repo

from emotions.core.files import sha256
from tests.conftest import set_params, small_comments, write_csv
from tests.project import STAGES, ran

# Stages → the parameters that these use, with another value; those after them run again as far as their inputs change.
USED_BY = {
    "preprocess train report": {"data": "data/other.csv", "encoder": "other-encoder", "max_length": 16},
    "preprocess train": {"revision": "main"},
    "preprocess": {"min_votes": 2},
    "split report": {"split": "rows"},
    "split": {"test_size": 0.3, "validation_size": 0.2},
    "split baseline train evaluate report": {"seed": 7},
    "train report": {"epochs": 1, "lr": 3e-5, "batch_size": 16},
    "train": {
        **{"head_lr": 3e-4, "warmup": 0.1, "weight_decay": 0.1, "max_grad_norm": 2.0, "accumulation": 2},
        **{"dropout": 0.2, "self_distillation": 0.5, "freeze_embeddings": False, "precision": "bf16"},
    },
    "train evaluate": {"threads": 2},
    "baseline evaluate report": {"threshold": 0.4},
    "": {"checkpoint_minutes": 1},  # changes no result
}
# A file of each folder → the stages that depend on the folder.
CODE = {
    "emotions/core/errors.py": set(STAGES),
    "emotions/metrics/scores.py": {"baseline", "train", "evaluate", "report"},
    "emotions/data/splitting.py": set(STAGES),
    "emotions/model/classifier.py": {"train", "evaluate"},
    "emotions/training/loop.py": {"train"},
    "emotions/reporting/figures.py": {"report"},
    "emotions/reporting/templates/report.css": {"report"},
    "emotions/commands/cli.py": set(),
    **{f"stages/{stage}.py": {stage} for stage in STAGES},
}


def changed_stages(folder: Path) -> set[str]:
    """Return the stages with a changed dependency or parameter according to `dvc status`."""
    with Repo(str(folder)) as repo:
        changed = [name for name, entries in repo.status().items() if any("changed deps" in entry for entry in entries)]
    return {name.rpartition(":")[2] for name in changed}


def test_each_parameter_reaches_the_stages_that_use_it_and_no_others(project):
    original = (project.folder / "params.yaml").read_text()
    uses = {name: (value, stages) for stages, changes in USED_BY.items() for name, value in changes.items()}
    assert set(yaml.safe_load(original)) == set(uses)
    write_csv(project.folder / "data" / "other.csv", small_comments(40))
    for name, (value, stages) in uses.items():
        set_params(project.folder, **{name: value})
        assert changed_stages(project.folder) == set(stages.split()), name
        (project.folder / "params.yaml").write_text(original)
    assert changed_stages(project.folder) == set()


def test_a_change_in_a_folder_reruns_the_stages_that_use_it_and_no_others(project):
    for name, stages in CODE.items():
        file = project.folder / name
        content = file.read_bytes()
        file.write_bytes(content + b"# changed\n")
        assert changed_stages(project.folder) == stages, name
        file.write_bytes(content)


def test_a_run_leaves_nothing_to_do_and_forced_again_it_is_the_same_to_the_byte(project):
    before = project.results()
    assert "up to date" in project("dvc status") and not ran(project("dvc repro"))
    assert not project("git status --porcelain")
    assert ran(project("dvc repro -f")) == list(STAGES)
    assert project.results() == before


def test_another_threshold_or_an_edited_figure_trains_nothing(project):
    assert ran(project("dvc exp run -S threshold=0.4")) == ["baseline", "evaluate", "report"]
    with (project.folder / "emotions" / "reporting" / "figures.py").open("a") as file:
        file.write("# edited\n")
    assert ran(project("dvc repro")) == ["report"]


def test_a_failing_stage_leaves_the_last_good_outputs(project):
    before = project.results()
    weights = sha256(project.folder / "model" / "model.safetensors")
    with (project.folder / "data" / "comments.csv").open("a") as file:
        file.write("x,,FALSE,0,0,0,1\n")
    printed = project("dvc repro", fails=True)
    assert "error: data/comments.csv, row 66" in printed and "text is empty" in printed
    project("git restore data")
    set_params(project.folder, epochs=0)
    assert "epochs" in project("dvc repro train", fails=True)
    assert project.results() == before and sha256(project.folder / "model" / "model.safetensors") == weights
