"""How a command ends: its exit status, and what it says on standard error."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def end(body: str, stdout: int = subprocess.PIPE) -> tuple[int, str, str | None]:
    """Run a command with this body in a process of its own; return exit status, standard error, standard output."""
    script = f"from emotions import errors\ndef command():\n    {body}\nerrors.run(command)\n"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True)
    return ended.returncode, ended.stderr, ended.stdout


def test_success_ends_with_status_0_and_a_silent_standard_error():
    assert end("print('done')") == (0, "", "done\n")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise errors.InputError('lr is -1, but should be above 0')", "error: lr is -1, but should be above 0\n"),
        ("open('nowhere.txt')", "error: nowhere.txt: No such file or directory\n"),
        ("raise OSError('the disk is full')", "error: the disk is full\n"),
        ("raise OSError('page 3:\\nno such page\\n')", "error: page 3: no such page\n"),
    ],
    ids=["input", "file", "system", "system in two lines"],
)
def test_a_wrong_input_ends_with_status_1_and_one_line(body: str, message: str):
    assert end(body) == (1, message, "")


def test_ctrl_c_ends_with_status_130_and_no_traceback():
    assert end("raise KeyboardInterrupt") == (130, "", "")


def test_a_defect_of_ours_keeps_its_traceback():
    status, stderr, _ = end("[][0]")
    assert status == 1
    assert stderr.startswith("Traceback") and "IndexError" in stderr


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_goes_away_is_told_nothing(lines: int):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert end(f"print('joy\\n' * {lines})", stdout=writing) == (1, "", None)
    finally:
        os.close(writing)
