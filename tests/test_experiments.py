"""The README's recipes, as written there, with the real `dvc` on a small copy of the pipeline; rebuilt to the byte."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from emotions.files import sha256
from tests.conftest import ROOT, make_workspace, set_params, small_comments, write_csv

README = (ROOT / "README.md").read_text(encoding="utf-8")
STAGES = ("preprocess", "split", "train", "evaluate")
# Parameter, another value, and the stages that use it; those after them run again as far as their inputs change.
USED_BY = {
    "data": ("data/other.csv", {"preprocess", "train"}),
    "encoder": ("other-encoder", {"preprocess", "train"}),
    "revision": ("main", {"preprocess", "train"}),
    "max_length": (16, {"preprocess", "train"}),
    "min_votes": (2, {"preprocess"}),
    "split": ("rows", {"split"}),
    "test_size": (0.3, {"split"}),
    "validation_size": (0.2, {"split"}),
    "seed": (7, {"split", "train", "evaluate"}),
    "pooling": ("cls", {"train"}),
    "dropout": (0.2, {"train"}),
    "lr": (3e-5, {"train"}),
    "head_lr": (3e-4, {"train"}),
    "epochs": (1, {"train"}),
    "batch_size": (16, {"train"}),
    "weight_decay": (0.1, {"train"}),
    "warmup": (0.1, {"train"}),
    "max_grad_norm": (2.0, {"train"}),
    "precision": ("bf16", {"train"}),
    "deterministic": (False, {"train"}),
    "threads": (2, {"train", "evaluate"}),
    "checkpoint_minutes": (1, set()),
    "threshold": (0.4, {"evaluate"}),
}


class Project:
    """The small pipeline as a git and DVC repository, with one run committed."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
        self.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment["DVC_NO_ANALYTICS"] = "1"

    def __call__(self, command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, cwd=self.folder, env=self.environment, timeout=400
        )
        assert (done.returncode != 0) is fails, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def recipe(self, command: str) -> str:
        """Run a command that the README has word for word."""
        assert command in README, f"the README has no recipe {command!r}"
        return self(command)

    def results(self) -> dict[str, str]:
        """Return the sha256 of dvc.lock, metrics and plots."""
        files = [self.folder / "dvc.lock", *self.folder.glob("metrics/*"), *self.folder.glob("plots/*")]
        return {file.name: sha256(file) for file in files}

    def show(self, experiment: str, file: str) -> str:
        """Return a committed file of an experiment; DVC keeps experiments as git references of their own."""
        references = self("git for-each-ref --format='%(refname)' refs/exps").split()
        (reference,) = [name for name in references if name.endswith(f"/{experiment}")]
        return self(f"git show {reference}:{file}")


def ran(told: str) -> list[str]:
    return [stage for stage in STAGES if f"Running stage '{stage}'" in told]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Project:
    project = Project(make_workspace(tmp_path_factory.mktemp("built"), tiny_encoder))
    set_params(project.folder, threads=1)
    project("git init --quiet --initial-branch main && git config user.email a@example.org && git config user.name a")
    project("dvc init --quiet && git add --all && git commit --quiet --message start")
    project("dvc repro && git add --all && git commit --quiet --message run")
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built project: nothing in it is to be done."""
    return Project(Path(shutil.copytree(built.folder, tmp_path / "project", symlinks=True)))


def changed_stages(folder: Path) -> set[str]:
    """Return the stages of which `dvc status` says that a dependency or a parameter changed."""
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


def test_a_change_in_a_module_reruns_the_stages_that_import_it_and_no_others(project):
    pipeline = yaml.safe_load((project.folder / "dvc.yaml").read_text())["stages"]
    for module in sorted([*project.folder.glob("emotions/*.py"), *project.folder.glob("stages/*.py")]):
        content = module.read_bytes()
        module.write_bytes(content + b"# changed\n")
        name = module.relative_to(project.folder).as_posix()
        assert changed_stages(project.folder) == {stage for stage in STAGES if name in pipeline[stage]["deps"]}, name
        module.write_bytes(content)


def test_a_run_leaves_nothing_to_do(project):
    assert "up to date" in project("dvc status")
    assert not ran(project("dvc repro"))
    assert not project("git status --porcelain")


def test_another_threshold_judges_again_and_trains_nothing(project):
    assert ran(project("dvc exp run -S threshold=0.4")) == ["evaluate"]


def test_a_failing_stage_leaves_the_last_good_outputs(project):
    before = project.results()
    weights = sha256(project.folder / "model" / "model.safetensors")
    with (project.folder / "data" / "comments.csv").open("a") as file:
        file.write("x,,FALSE,0,0,0,1\n")
    assert "error: data/comments.csv, row 66: the text is empty" in project("dvc repro", fails=True)
    project("git restore data")
    set_params(project.folder, epochs=0)
    assert "epochs" in project("dvc repro train", fails=True)
    assert project.results() == before and sha256(project.folder / "model" / "model.safetensors") == weights


def test_forced_again_the_run_is_the_same_to_the_byte(project):
    before = project.results()
    assert ran(project("dvc repro -f")) == list(STAGES)
    assert project.results() == before


def test_a_clone_in_another_folder_gives_the_same_bytes(project, tmp_path, tiny_encoder):
    project(f"git clone --quiet {project.folder} {tmp_path / 'somewhere' / 'else'}")
    clone = Project(tmp_path / "somewhere" / "else")
    assert ran(clone("dvc repro")) == list(STAGES)
    assert clone.results() == project.results()
    assert not clone("git status --porcelain")


def test_one_variant_is_compared_kept_or_dropped(project):
    before = project.results()
    assert ran(project.recipe("dvc exp run -S lr=3e-5 -n slow")) == ["train", "evaluate"]
    assert "lr" in project.recipe("dvc params diff")
    assert "f1_micro" in project.recipe("dvc metrics diff")
    told = project.recipe("dvc plots diff")
    page = project.folder / told.strip().splitlines()[-1].removeprefix("file://")
    drawn = page.read_text()
    assert all(word in drawn for word in ("train_loss", "validation_loss", "workspace", "HEAD"))
    project.recipe("git restore params.yaml dvc.lock metrics plots && dvc checkout")
    assert project.results() == before and "up to date" in project("dvc status")

    # In a folder of its own, the same run gives the same bytes.
    project.recipe("dvc exp run --temp -S lr=3e-5 -n aside")
    assert project.results() == before and not project("git status --porcelain")
    for file in ("dvc.lock", "metrics/test.json", "metrics/train.json", "plots/loss.csv", "plots/per_label.csv"):
        assert project.show("aside", file) == project.show("slow", file), file

    project.recipe("dvc exp apply slow")
    assert project.results() != before
    project("git restore . && dvc checkout")
    assert "lr" in project.recipe("dvc exp diff main slow")
    project.recipe("dvc exp branch slow try-slow")
    assert "try-slow" in project("git branch") and project("git show try-slow:dvc.lock") == project.show(
        "slow", "dvc.lock"
    )


def test_a_grid_as_a_loop(project):
    project.recipe("for lr in 3e-5 3e-4; do dvc exp run -S lr=$lr -n lr-$lr; done")
    told = project.recipe("dvc exp show --only-changed --drop '(emotions|stages|model|data/.*)'")
    assert all(word in told for word in ("lr-3e-5", "lr-3e-4", "f1_micro"))
    assert "emotions/training.py" not in told


def test_a_grid_as_a_queue(project):
    project.recipe("dvc exp run --queue -S lr=1e-5,3e-5 -S batch_size=16,32 -S threads=1")
    project.recipe("dvc queue start -j 2")
    deadline = time.monotonic() + 350
    while (told := project("dvc queue status")).count("Success") < 4:
        assert "Failed" not in told, told
        assert time.monotonic() < deadline, told
        time.sleep(2)
    rows = [line.split() for line in told.splitlines() if "Success" in line]
    assert "Running stage 'train'" in project(f"dvc queue logs {rows[0][0]}")
    project("dvc queue stop --kill")
    assert "dvc queue logs" in README
    # What the queue made is what a run in the workspace makes.
    project("dvc exp run -S lr=3e-5 -S batch_size=32 -S threads=1 -n direct")
    assert project.show("direct", "dvc.lock") in [project.show(name, "dvc.lock") for _, name, *_ in rows]


def test_data_and_encoder_are_switched_by_one_parameter_each(project, tiny_encoder):
    write_csv(project.folder / "data" / "mine.csv", small_comments(48))
    assert ran(project.recipe("dvc exp run -S data=data/mine.csv")) == list(STAGES)
    shutil.copytree(tiny_encoder, project.folder / "other-encoder")
    with (project.folder / "other-encoder" / "vocab.txt").open("a") as file:
        file.write("another\n")
    told = project("dvc exp run -S encoder=other-encoder")
    assert ran(told)[0] == "preprocess" and "train" in ran(told)


def test_an_experiment_goes_to_another_clone_through_a_remote(project, tmp_path):
    storage, shared = tmp_path / "storage", tmp_path / "shared.git"
    project(f"git init --quiet --bare {shared} && git remote add origin {shared} && git push --quiet origin main")
    project(f"dvc remote add --default storage {storage} && git commit --quiet --all --message remote")
    project("git push --quiet origin main")
    project("dvc exp run -S lr=3e-5 -n slow")
    project.recipe("dvc exp push origin slow")
    project(f"git clone --quiet --branch main {shared} {tmp_path / 'colleague'}")
    colleague = Project(tmp_path / "colleague")
    colleague.recipe("dvc exp pull origin slow")
    colleague.recipe("dvc exp apply slow")
    assert colleague.show("slow", "dvc.lock") == project.show("slow", "dvc.lock")
    assert (colleague.folder / "model" / "model.safetensors").exists()
    assert not ran(colleague("dvc repro"))


def test_the_number_of_threads_is_used(project, monkeypatch: pytest.MonkeyPatch):
    code = "import torch; from emotions import determinism; determinism.set_up(1, {}); print(torch.get_num_threads())"
    assert [project(f'python -c "{code.format(threads)}"').strip() for threads in (1, 3)] == ["1", "3"]


def test_recipes_that_need_a_network_name_what_exists():
    for name in (
        "-S data=data/goemotions -S encoder=google-bert/bert-base-uncased",
        "dvc update data/goemotions/*.dvc",
    ):
        assert name in README
