"""What runs again and what does not, with the real `dvc` on a small copy of the pipeline; rebuilt to the byte."""

from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from emotions.files import sha256
from tests.conftest import set_params, small_comments, write_csv
from tests.project import STAGES, Project, ran

# Parameter, another value, and the stages that use it; those after them run again as far as their inputs change.
USED_BY = {
    "data": ("data/other.csv", {"preprocess", "train", "evaluate"}),
    "encoder": ("other-encoder", {"preprocess", "train", "evaluate"}),
    "revision": ("main", {"preprocess", "train"}),
    "max_length": (16, {"preprocess", "split", "train"}),
    "min_votes": (2, {"preprocess"}),
    "split": ("rows", {"split", "evaluate"}),
    "test_size": (0.3, {"split"}),
    "validation_size": (0.2, {"split"}),
    "seed": (7, {"split", "baseline", "train", "evaluate"}),
    "extra_data": ("data/other.csv", {"train"}),
    "label_minimum": (500, {"train"}),
    "opinions": ("data/other.csv", {"train"}),
    "opinion_weight": (0.5, {"train"}),
    "pooling": ("cls", {"train"}),
    "dropout": (0.2, {"train"}),
    "encoder_dropout": (0.1, {"train"}),
    "lr": (3e-5, {"train", "evaluate"}),
    "head_lr": (3e-4, {"train"}),
    "epochs": (1, {"train", "evaluate"}),
    "batch_size": (16, {"train", "evaluate"}),
    "weight_decay": (0.1, {"train"}),
    "warmup": (0.1, {"train"}),
    "max_grad_norm": (2.0, {"train"}),
    "self_distillation": (0.5, {"train"}),
    "freeze_embeddings": (False, {"train"}),
    "freeze_layers": (3, {"train"}),
    "precision": ("bf16", {"train"}),
    "deterministic": (False, {"train"}),
    "threads": (2, {"train", "evaluate"}),
    "checkpoint_minutes": (1, set()),
    "threshold": (0.4, {"baseline", "evaluate"}),
    "baseline_c": (1.0, {"baseline"}),
    "baseline_ngrams": (1, {"baseline"}),
    "baseline_min_df": (1, {"baseline"}),
}


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
    assert ran(project("dvc exp run -S threshold=0.4")) == ["baseline", "evaluate"]


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
    # git carries the baseline's only output, so that there is nothing to run once the parts are the same again.
    assert ran(clone("dvc repro")) == [stage for stage in STAGES if stage != "baseline"]
    assert clone.results() == project.results()
    assert not clone("git status --porcelain")


def test_the_number_of_threads_is_used(project, monkeypatch: pytest.MonkeyPatch):
    code = "import torch; from emotions import determinism; determinism.set_up(1, {}); print(torch.get_num_threads())"
    assert [project(f'python -c "{code.format(threads)}"').strip() for threads in (1, 3)] == ["1", "3"]
