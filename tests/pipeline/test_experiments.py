"""What runs again and what does not, with the real `dvc` on a small copy of the pipeline; rebuilt to the byte."""

from pathlib import Path

import yaml
from dvc.repo import Repo

from emotions.core.files import sha256
from tests.conftest import set_params, small_comments, write_csv
from tests.project import STAGES, Project, ran

# Parameter, another value, and the stages that use it; those after them run again as far as their inputs change.
USED_BY = {
    "data": ("data/other.csv", {"preprocess", "train", "report"}),
    "encoder": ("other-encoder", {"preprocess", "train", "report"}),
    "revision": ("main", {"preprocess", "train"}),
    "max_length": (16, {"preprocess", "train", "report"}),
    "min_votes": (2, {"preprocess"}),
    "split": ("rows", {"split", "report"}),
    "test_size": (0.3, {"split"}),
    "validation_size": (0.2, {"split"}),
    "seed": (7, {"split", "baseline", "train", "evaluate", "report"}),
    "dropout": (0.2, {"train"}),
    "lr": (3e-5, {"train", "report"}),
    "head_lr": (3e-4, {"train"}),
    "epochs": (1, {"train", "report"}),
    "batch_size": (16, {"train", "report"}),
    "accumulation": (2, {"train"}),
    "weight_decay": (0.1, {"train"}),
    "warmup": (0.1, {"train"}),
    "max_grad_norm": (2.0, {"train"}),
    "self_distillation": (0.5, {"train"}),
    "freeze_embeddings": (False, {"train"}),
    "precision": ("bf16", {"train"}),
    "threads": (2, {"train", "evaluate"}),
    "checkpoint_minutes": (1, set()),
    "threshold": (0.4, {"baseline", "evaluate", "report"}),
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
    assert set(yaml.safe_load(original)) == set(USED_BY)
    write_csv(project.folder / "data" / "other.csv", small_comments(40))
    for name, (value, stages) in USED_BY.items():
        set_params(project.folder, **{name: value})
        assert changed_stages(project.folder) == stages, name
        (project.folder / "params.yaml").write_text(original)
    assert changed_stages(project.folder) == set()


def test_a_change_in_a_folder_reruns_the_stages_that_use_it_and_no_others(project):
    for name, stages in CODE.items():
        file = project.folder / name
        content = file.read_bytes()
        file.write_bytes(content + b"# changed\n")
        assert changed_stages(project.folder) == stages, name
        file.write_bytes(content)


def test_a_run_leaves_nothing_to_do(project):
    assert "up to date" in project("dvc status")
    assert not ran(project("dvc repro"))
    assert not project("git status --porcelain")


def test_another_threshold_trains_nothing(project):
    assert ran(project("dvc exp run -S threshold=0.4")) == ["baseline", "evaluate", "report"]


def test_an_edited_figure_trains_and_scores_nothing(project):
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


def test_forced_again_the_run_is_the_same_to_the_byte(project):
    before = project.results()
    assert ran(project("dvc repro -f")) == list(STAGES)
    assert project.results() == before


def test_a_clone_in_another_folder_gives_the_same_bytes(project, tmp_path):
    project(f"git clone --quiet {project.folder} {tmp_path / 'somewhere' / 'else'}")
    clone = Project(tmp_path / "somewhere" / "else")
    # git carries the baseline's only output, so that there is nothing to run once the parts are the same again.
    assert ran(clone("dvc repro")) == [stage for stage in STAGES if stage != "baseline"]
    assert clone.results() == project.results()
    assert not clone("git status --porcelain")
