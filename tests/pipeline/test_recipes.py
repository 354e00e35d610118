"""The README's recipes, as written there, with the real `dvc` on a small copy of the pipeline."""

import shutil
import time

from emotions.core.files import sha256
from tests.conftest import set_params, small_comments, write_csv
from tests.project import README, STAGES, Project, ran


def test_one_variant_is_compared_kept_or_dropped(project):
    before = project.results()
    assert ran(project.recipe("dvc exp run -S lr=3e-5 -n slow")) == ["train", "evaluate", "report"]
    assert "lr" in project.recipe("dvc params diff")
    assert "f1_micro" in project.recipe("dvc metrics diff")
    page = project.recipe("dvc plots diff").strip().splitlines()[-1].removeprefix("file://")
    drawn = (project.folder / page).read_text()
    assert all(word in drawn for word in ("train_loss", "validation_loss", "workspace", "HEAD"))
    project.recipe("git restore . && dvc checkout")
    assert project.results() == before and "up to date" in project("dvc status")

    # In a folder of its own, the same run gives the same bytes.
    project.recipe("dvc exp run --temp -S lr=3e-5 -n aside")
    assert project.results() == before and not project("git status --porcelain")
    for file in ("dvc.lock", "metrics/test.json", "plots/training/loss.csv", "plots/evaluation/per_label.csv"):
        assert project.show("aside", file) == project.show("slow", file), file

    project.recipe("dvc exp apply slow")
    assert project.results() != before
    project("git restore . && dvc checkout")
    assert "lr" in project.recipe("dvc exp diff main slow")
    project.recipe("dvc exp branch slow try-slow")
    assert "try-slow" in project("git branch")
    assert project("git show try-slow:dvc.lock") == project.show("slow", "dvc.lock")


def test_the_first_steps_keep_the_users_model_on_a_clone_from_another_machine(project, tmp_path):
    """The committed lock names a model that is in nobody's cache, and another processor gives other last digits."""
    project(f"git clone --quiet {project.folder} {tmp_path / 'clone'}")
    clone = Project(tmp_path / "clone")
    set_params(clone.folder, threads=2)  # stands for the other processor
    clone("git config user.email b@example.org && git config user.name b && dvc repro")
    clone.recipe('git commit -am "Baseline on this machine"')
    weights = clone.folder / "model" / "model.safetensors"
    before = clone.results(), sha256(weights)
    assert before[0]["dvc.lock"] != project.results()["dvc.lock"]
    clone.recipe("dvc exp run -S lr=3e-5 -n slow")
    assert "f1_micro" in clone.recipe("dvc metrics diff")
    clone.recipe("git restore . && dvc checkout")
    assert (clone.results(), sha256(weights)) == before
    assert "up to date" in clone("dvc status")


def test_a_grid_as_a_loop(project):
    project.recipe("for lr in 3e-5 3e-4; do dvc exp run -S lr=$lr -n lr-$lr; done")
    printed = project.recipe("dvc exp show --only-changed --drop '(emotions|stages|model|plots|data/.*)'")
    assert all(word in printed for word in ("lr-3e-5", "lr-3e-4", "f1_micro"))
    assert "emotions/" not in printed


def test_a_grid_as_a_queue(project):
    project.recipe("dvc exp run --queue -S lr=1e-5,3e-5 -S batch_size=16,32 -S threads=1")
    project.recipe("dvc queue start -j 2")
    deadline = time.monotonic() + 350
    while (printed := project("dvc queue status")).count("Success") < 4:
        assert "Failed" not in printed, printed
        assert time.monotonic() < deadline, printed
        time.sleep(2)
    rows = [line.split() for line in printed.splitlines() if "Success" in line]
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
    printed = project("dvc exp run -S encoder=other-encoder")
    assert ran(printed)[0] == "preprocess" and "train" in ran(printed)


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


def test_recipes_that_need_a_network_name_what_exists():
    assert "-S data=data/goemotions -S encoder=google-bert/bert-base-uncased" in README
    assert "dvc update data/goemotions/*.dvc" in README
