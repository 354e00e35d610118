"""dvc.yaml, dvc.lock and what git holds fit each other; and the declared imports are fetched."""

import hashlib
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest
import yaml

from emotions.params import Params
from tests.conftest import ROOT
from tests.imports import imported_files
from tests.project import STAGES

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
LOCK = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def paths(entries: list) -> list[str]:
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_every_module_that_it_imports(stage):
    code = {dep for dep in paths(PIPELINE[stage]["deps"]) if dep.endswith(".py")}
    assert code == imported_files(ROOT / "stages" / f"{stage}.py", ROOT)


def test_evaluate_depends_on_what_the_report_is_made_of():
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "emotions" / "templates").iterdir()}
    assert templates == {dep for dep in paths(PIPELINE["evaluate"]["deps"]) if dep.startswith("emotions/templates/")}


def test_imports_are_followed_through_packages_and_modules(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "first.py").write_text("def f():\n    import package.second\n")
    (tmp_path / "package" / "second.py").write_text("import os\n")
    (tmp_path / "package" / "third.py").write_text("")
    (tmp_path / "script.py").write_text("from package import first\n")
    expected = {"script.py", "package/__init__.py", "package/first.py", "package/second.py"}
    assert imported_files(tmp_path / "script.py", tmp_path) == expected


def test_every_parameter_reaches_a_stage():
    used = {name for stage in PIPELINE.values() for name in stage["params"]}
    # How often training is saved changes nothing in what it ends with, so it makes nothing run again.
    assert used | {"checkpoint_minutes"} == set(PARAMS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_lock_fits_the_committed_code_parameters_and_data(stage):
    locked = LOCK[stage]
    assert locked["cmd"] == PIPELINE[stage]["cmd"]
    expected = {Template(dep).substitute(PARAMS) for dep in paths(PIPELINE[stage]["deps"])}
    assert {dep["path"] for dep in locked["deps"]} == expected
    made = {out["path"]: out["md5"] for name in STAGES for out in LOCK[name]["outs"]}
    for dep in locked["deps"]:
        if dep["path"] == PARAMS["data"] and not (ROOT / dep["path"]).is_file():
            continue  # a folder, or data that git does not hold
        current = made.get(dep["path"]) or md5(ROOT / dep["path"])
        assert dep["md5"] == current, f"{dep['path']} changed: run `dvc repro` and commit dvc.lock, metrics and plots"
    ran = locked["params"]["params.yaml"]
    assert set(ran) == set(PIPELINE[stage]["params"])
    assert Params(**{**PARAMS, **ran}) == Params(**PARAMS)  # 1e-4 and 0.0001 are the same


@pytest.mark.parametrize("stage", ["baseline", "train", "evaluate"])
def test_metrics_and_plots_in_git_are_what_the_lock_says(stage):
    in_git = [out for out in LOCK[stage]["outs"] if out["path"].endswith((".json", ".csv", ".png"))]
    assert in_git
    for out in in_git:
        assert md5(ROOT / out["path"]) == out["md5"], out["path"]


def test_outputs_survive_until_a_run_has_better_ones():
    for stage in PIPELINE.values():
        for entry in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
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
