"""Outputs appear whole or not at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emotions import files
from tests.conftest import ROOT

KINDS = ["file", "folder"]


def put(path: Path, kind: str, content: str) -> None:
    """Write a file, or a folder with a file of that content's name in a folder inside it."""
    if kind == "file":
        path.write_text(content)
    else:
        (path / "inner").mkdir(parents=True)
        (path / "inner" / content).write_text(content)


def tree(folder: Path) -> dict[str, str | None]:
    """Return all that is below a folder, hidden files too: path → content, None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None for path in folder.rglob("*")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_appears_with_the_folders_above_it(tmp_path: Path, kind: str):
    with files.replacing(tmp_path / "deep" / "down" / "out") as partial:
        put(partial, kind, "new")
    written = {"out": "new"} if kind == "file" else {"out": None, "out/inner": None, "out/inner/new": "new"}
    assert tree(tmp_path / "deep" / "down") == written


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_takes_the_place_of_the_old_one_and_keeps_nothing_of_it(tmp_path: Path, kind: str):
    put(tmp_path / "out", kind, "old")
    with files.replacing(tmp_path / "out") as partial:
        put(partial, kind, "new")
    written = {"out": "new"} if kind == "file" else {"out": None, "out/inner": None, "out/inner/new": "new"}
    assert tree(tmp_path) == written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_output_untouched(tmp_path: Path, kind: str, error: type[BaseException]):
    put(tmp_path / "out", kind, "old")
    before = tree(tmp_path)
    with pytest.raises(error), files.replacing(tmp_path / "out") as partial:
        put(partial, kind, "half")
        raise error
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_block_leaves_nothing_where_nothing_was(tmp_path: Path, kind: str):
    with pytest.raises(RuntimeError), files.replacing(tmp_path / "out") as partial:
        put(partial, kind, "half")
        raise RuntimeError
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_writes_nothing_leaves_the_old_output_untouched(tmp_path: Path, kind: str):
    put(tmp_path / "out", kind, "old")
    before = tree(tmp_path)
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "out"):
        pass
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_run_leaves_is_no_hindrance_and_goes_away(tmp_path: Path, kind: str):
    killed = (
        "import os, sys; from pathlib import Path; from emotions import files\n"
        "with files.replacing(sys.argv[1]) as partial:\n"
        "    partial.write_text('half') if sys.argv[2] == 'file' else partial.mkdir()\n"
        "    os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", killed, str(tmp_path / "out"), kind], cwd=ROOT)
    assert ended.returncode == 9 and not (tmp_path / "out").exists()
    with files.replacing(tmp_path / "out") as partial:
        put(partial, kind, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_behind_a_symbolic_link_is_replaced(tmp_path: Path):
    put(tmp_path / "elsewhere", "folder", "old")
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    with files.replacing(tmp_path / "out") as partial:
        put(partial, "folder", "new")
    assert tree(tmp_path / "out") == {"inner": None, "inner/new": "new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]


def test_the_temporary_name_keeps_the_suffix_by_which_writers_choose_a_format(tmp_path: Path):
    with files.replacing(tmp_path / "loss.png") as partial:
        assert partial.suffix == ".png"
        partial.touch()


def test_text_is_utf_8_with_plain_line_ends(tmp_path: Path):
    files.write_text(tmp_path / "out.csv", "größe\n1\n")
    assert (tmp_path / "out.csv").read_bytes() == "größe\n1\n".encode()


def test_json_keeps_the_order_of_its_keys_one_a_line(tmp_path: Path):
    files.write_json(tmp_path / "out.json", {"f1": 0.5, "a": "größe"})
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == '{\n  "f1": 0.5,\n  "a": "größe"\n}\n'


def test_a_number_that_json_does_not_know_leaves_the_old_file(tmp_path: Path):
    files.write_json(tmp_path / "out.json", {"f1": 0.5})
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "out.json", {"f1": float("nan")})
    assert json.loads((tmp_path / "out.json").read_text()) == {"f1": 0.5}
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
