"""dvc.yaml, dvc.lock and the files in git fit each other; and the declared imports can be fetched."""

import ast
import hashlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from dvc.repo import Repo

from tests.conftest import ROOT
from tests.project import STAGES

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
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
    imported = imported_folders(ROOT / "stages" / f"{stage}.py")
    reached = imported.union(*(ARROWS[folder] for folder in imported))
    code = [dep for dep in map(str, PIPELINE[stage]["deps"]) if dep.startswith(("emotions", "stages"))]
    assert reached <= {Path(dep).name for dep in code}
    assert {f"stages/{stage}.py", "emotions/__init__.py"} <= set(code) and "emotions/commands" not in code


def test_the_lock_fits_the_committed_code_parameters_and_data():
    """Outputs that git does not hold may be missing, as in a fresh clone; nothing may differ."""
    with Repo(str(ROOT)) as repo:
        status = repo.status()
    differing, absent = [], ("deleted", "not in cache")
    for stage, entries in status.items():
        for entry in entries:  # a word, or paths and their changes by kind
            changes = entry.values() if isinstance(entry, dict) else [{stage: entry}]
            differing += [(stage, path, how) for one in changes for path, how in one.items() if how not in absent]
    assert not differing, "run `dvc repro` and commit dvc.lock, metrics and plots"


def test_outputs_survive_until_a_run_has_better_ones():
    for stage in PIPELINE.values():
        for entry in [*stage.get("outs", []), *stage.get("metrics", [])]:
            ((path, options),) = entry.items()
            assert options["persist"] is True, path
            # The report is a megabyte, new with every run: too much for git.
            in_git = path.startswith(("metrics/", "plots/")) and path != "plots/report.html"
            assert options.get("cache", True) is not in_git, path


def test_the_official_files_are_declared_as_imports():
    declared = {
        "train": (3519053, "83a206cc5aa2fa9749ee45675f866d03"),
        "dev": (439059, "8820aa4fd13c5dee1b55c2893aad1232"),
        "test": (436706, "8c3482a12f52ff56429a5d178257be09"),
    }
    for name, (size, md5) in declared.items():
        content = yaml.safe_load((ROOT / "data" / "goemotions" / f"{name}.tsv.dvc").read_text())
        assert content["frozen"] is True and "2adf640a14f11025ae5a9d0ec493b78530d276d3" in content["deps"][0]["path"]
        assert (content["outs"][0]["size"], content["outs"][0]["md5"]) == (size, md5)
    assert len(list((ROOT / "data" / "goemotions_raw").glob("goemotions_[123].csv.dvc"))) == 3


def test_declared_imports_are_fetched_by_dvc_update(project, tmp_path):
    """With a server on this machine in place of the official one."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "train.tsv").write_text("good morning\t3\tx1\n")
    declared = project.folder / "data" / "goemotions" / "train.tsv.dvc"
    content = yaml.safe_load(declared.read_text())
    content["outs"][0] |= {"md5": hashlib.md5((served / "train.tsv").read_bytes()).hexdigest(), "size": 20}
    handler = partial(SimpleHTTPRequestHandler, directory=served)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        content["deps"][0] = {"path": f"http://127.0.0.1:{server.server_port}/train.tsv", "hash": "md5"}
        declared.write_text(yaml.safe_dump(content))
        project("dvc update data/goemotions/train.tsv.dvc")
        server.shutdown()
    assert declared.with_suffix("").read_text() == "good morning\t3\tx1\n"
    assert yaml.safe_load(declared.read_text())["outs"][0]["md5"] == content["outs"][0]["md5"]
    assert not project("git status --porcelain --ignored=no -- data/goemotions/train.tsv")
