"""How a command ends: its exit status, and what it says on standard error."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def end(body: str, stdout: int = subprocess.DEVNULL) -> tuple[int, str]:
    """Run a command with this body in a process of its own; return its exit status and standard error."""
    script = f"from emotions.core import errors\ndef command():\n    {body}\nerrors.run(command)\n"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # so that output waits in the buffer, as it does for users
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("body", "status", "stderr"),
    [
        ("print('done')", 0, ""),
        ("raise errors.InputError('lr is -1, but should be above 0')", 1, "error: lr is -1, but should be above 0\n"),
        ("open('nowhere.txt')", 1, "error: nowhere.txt: No such file or directory\n"),
        ("raise OSError('the disk is full')", 1, "error: the disk is full\n"),
        ("raise OSError('page 3:\\nno such page\\n')", 1, "error: page 3: no such page\n"),
        ("raise KeyboardInterrupt", 130, ""),
    ],
)
def test_a_command_ends_with_its_status_and_at_most_one_line(body: str, status: int, stderr: str):
    assert end(body) == (status, stderr)


def test_a_defect_of_ours_keeps_its_traceback():
    status, stderr = end("[][0]")
    assert status == 1 and stderr.startswith("Traceback") and "IndexError" in stderr


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_goes_away_ends_a_command_without_a_word(lines: int):
    reading, writing = os.pipe()
    os.close(reading)
    assert end(f"print('joy\\n' * {lines})", stdout=writing) == (1, "")
    os.close(writing)
