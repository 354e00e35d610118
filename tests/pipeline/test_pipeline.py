"""dvc.yaml, dvc.lock and the files in git fit each other; and the declared imports can be fetched."""

import ast
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from emotions.core.params import Params
from tests.conftest import ROOT
from tests.project import STAGES

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
LOCK = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
# Folder of the library → the folders that it may import from.
ARROWS = {
    "core": set(),
    "metrics": set(),
    "data": {"core"},
    "model": {"core", "data", "metrics"},
    "training": {"core", "data", "metrics", "model"},
    "reporting": {"core", "data", "metrics"},
    "commands": {"core", "data", "metrics", "model", "training", "reporting"},
}


def paths(entries: list) -> list[str]:
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def imported_folders(file: Path) -> set[str]:
    """Return the folders of the library that a file imports from, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("emotions.")}
    return found


@pytest.mark.parametrize("folder", ARROWS)
def test_imports_go_one_way(folder):
    files = list((ROOT / "emotions" / folder).rglob("*.py"))
    assert files
    for file in files:
        assert imported_folders(file) - {folder} <= ARROWS[folder], file


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_every_folder_that_it_imports(stage):
    reached, new = set(), imported_folders(ROOT / "stages" / f"{stage}.py")
    while new:
        reached |= new
        files = (file for folder in new for file in (ROOT / "emotions" / folder).rglob("*.py"))
        new = {folder for file in files for folder in imported_folders(file)} - reached
    code = [dep for dep in paths(PIPELINE[stage]["deps"]) if dep.startswith(("emotions", "stages"))]
    assert reached <= {Path(dep).name for dep in code}
    assert {f"stages/{stage}.py", "emotions/__init__.py"} <= set(code) and "emotions/commands" not in code


def test_every_parameter_reaches_a_stage():
    used = {name for stage in PIPELINE.values() for name in stage["params"]}
    # The time between checkpoints does not change the result, so it makes nothing run again.
    assert used | {"checkpoint_minutes"} == set(PARAMS)


def test_the_lock_fits_the_committed_code_parameters_and_data():
    """Outputs that git does not hold may be missing, as in a fresh clone; nothing may differ."""
    with Repo(str(ROOT)) as repo:
        status = repo.status()
    differing = []
    for stage, entries in status.items():
        for entry in entries:
            for changes in entry.values() if isinstance(entry, dict) else [{stage: entry}]:
                for path, change in changes.items() if isinstance(changes, dict) else [(stage, changes)]:
                    if change != "deleted":
                        differing.append((stage, path, change))
    assert not differing, "run `dvc repro` and commit dvc.lock, metrics and plots"


def test_the_lock_was_made_with_these_parameters():
    for stage in STAGES:
        assert LOCK[stage]["cmd"] == PIPELINE[stage]["cmd"] == f"python -m stages.{stage}"
        ran = LOCK[stage]["params"]["params.yaml"]
        assert set(ran) == set(PIPELINE[stage]["params"])
        assert Params(**{**PARAMS, **ran}) == Params(**PARAMS)  # 1e-4 and 0.0001 are the same


def test_outputs_survive_until_a_run_has_better_ones():
    for stage in PIPELINE.values():
        for entry in [*stage.get("outs", []), *stage.get("metrics", [])]:
            ((path, options),) = entry.items()
            assert options["persist"] is True, path
            # The report is a megabyte, new with every run: too much for git.
            in_git = path.startswith(("metrics/", "plots/")) and path != "plots/report.html"
            assert options.get("cache", True) is not in_git, path


def test_the_official_files_are_declared_as_imports():
    declared = {}
    for name in ("train", "dev", "test"):
        content = yaml.safe_load((ROOT / "data" / "goemotions" / f"{name}.tsv.dvc").read_text())
        assert content["frozen"] is True
        assert "2adf640a14f11025ae5a9d0ec493b78530d276d3" in content["deps"][0]["path"]
        declared[name] = (content["outs"][0]["size"], content["outs"][0]["md5"])
    assert declared == {
        "train": (3519053, "83a206cc5aa2fa9749ee45675f866d03"),
        "dev": (439059, "8820aa4fd13c5dee1b55c2893aad1232"),
        "test": (436706, "8c3482a12f52ff56429a5d178257be09"),
    }
    assert len(list((ROOT / "data" / "goemotions_raw").glob("goemotions_[123].csv.dvc"))) == 3


def test_declared_imports_are_fetched_by_dvc_update(project, tmp_path):
    """With a server on this machine in place of the official one."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "train.tsv").write_text("good morning\t3\tx1\n")
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(served)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = server.stdout.readline().split(" port ")[1].split()[0]
        folder = project.folder / "data" / "goemotions"
        content = yaml.safe_load((ROOT / "data" / "goemotions" / "train.tsv.dvc").read_text())
        content["deps"][0] = {"path": f"http://127.0.0.1:{port}/train.tsv", "hash": "md5"}
        content["outs"][0] |= {"md5": md5(served / "train.tsv"), "size": 20}
        (folder / "train.tsv.dvc").write_text(yaml.safe_dump(content))
        project("dvc update data/goemotions/train.tsv.dvc")
        assert (folder / "train.tsv").read_text() == "good morning\t3\tx1\n"
        after = yaml.safe_load((folder / "train.tsv.dvc").read_text())
        assert after["outs"][0]["md5"] == content["outs"][0]["md5"]
        assert not project("git status --porcelain --ignored=no -- data/goemotions/train.tsv")
    finally:
        server.terminate()
        server.wait()
