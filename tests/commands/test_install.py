"""The package: pip installs it with its console command, and everything that it reads."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that pip installed the package into, from a copy of the repository."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.txt", "requirements-export.txt"):
        shutil.copy(ROOT / name, source)
    for name in ("emotions", "stages", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", *options, str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"]])
def test_the_console_command_runs_in_another_folder(installed, tmp_path, arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [installed / "bin" / "emotions", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: emotions {'predict ' * len(arguments[1:])}")


def test_the_package_holds_what_it_reads_and_names_what_it_needs(installed):
    expected = {path.relative_to(ROOT) for path in (ROOT / "emotions").rglob("*") if path.suffix not in ("", ".pyc")}
    assert {path for path in expected if not (installed / path).is_file()} == set()
    assert any(path.parent.name == "templates" for path in expected)
    assert not (installed / "stages").exists() and not (installed / "tests").exists()
    (metadata,) = installed.glob("emotions-2.0.0.dist-info/METADATA")
    required = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist: ")]
    assert "Requires-Dist: torch==2.13.0" in required
    assert any(line.startswith("Requires-Dist: onnx==") and 'extra == "export"' in line for line in required)
