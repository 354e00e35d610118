"""Outputs appear whole or not at all."""

import contextlib
from pathlib import Path

import pytest

from emotions.core import files

# What a new output looks like: path → content, None for a folder.
NEW = {"file": {"out.png": "new"}, "folder": {"out.png": None, "out.png/new": "new"}}


def put(path: Path, kind: str, content: str) -> None:
    """Write a file, or a folder with a file in it that is named after its content."""
    if kind == "folder":
        path.mkdir()
        path /= content
    path.write_text(content)


def tree(folder: Path) -> dict[str, str | None]:
    """Return all that is below a folder, hidden files too."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path.read_text("utf-8") if path.is_file() else None for name, path in paths.items()}


@pytest.mark.parametrize("kind", NEW)
@pytest.mark.parametrize("existed", [False, True])
def test_an_output_appears_in_place_of_an_old_one(tmp_path: Path, kind: str, existed: bool):
    folder = tmp_path / "deep" / "down"
    if existed:
        folder.mkdir(parents=True)
        put(folder / "out.png", kind, "old")
    with files.replacing(folder / "out.png") as partial:
        assert partial.suffix == ".png"  # by which writers choose a format
        put(partial, kind, "new")
    assert tree(folder) == NEW[kind]


@pytest.mark.parametrize("kind", NEW)
@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_changes_nothing(tmp_path: Path, kind: str, existed: bool, error: type[BaseException]):
    if existed:
        put(tmp_path / "out.png", kind, "old")
    before = tree(tmp_path)
    with pytest.raises(error), files.replacing(tmp_path / "out.png") as partial:
        put(partial, kind, "half")
        raise error
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", NEW)
def test_a_block_that_writes_nothing_changes_nothing(tmp_path: Path, kind: str):
    put(tmp_path / "out.png", kind, "old")
    before = tree(tmp_path)
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "out.png"):
        pass
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", NEW)
def test_what_a_killed_run_leaves_goes_away_with_the_next(tmp_path: Path, kind: str):
    killed = files.replacing(tmp_path / "out.png")
    put(killed.__enter__(), kind, "half")
    with files.replacing(tmp_path / "out.png") as partial:
        put(partial, kind, "new")
    assert tree(tmp_path) == NEW[kind]


def test_a_folder_behind_a_symbolic_link_is_replaced(tmp_path: Path):
    put(tmp_path / "elsewhere", "folder", "old")
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    with files.replacing(tmp_path / "out") as partial:
        put(partial, "folder", "new")
    assert tree(tmp_path / "out") == {"new": "new"}
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "out"}


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_a_scratch_folder_goes_away_however_its_block_ends(tmp_path: Path, error: type[BaseException] | None):
    killed = files.scratch(tmp_path / "deep" / "out.parquet")
    (killed.__enter__() / "left").write_text("by a killed run")
    with (
        contextlib.suppress(RuntimeError, KeyboardInterrupt),
        files.scratch(tmp_path / "deep" / "out.parquet") as folder,
    ):
        assert tree(folder) == {} and folder.parent == tmp_path / "deep"
        (folder / "much").write_text("data")
        if error:
            raise error
    assert tree(tmp_path) == {"deep": None}


def test_json_keeps_the_order_of_its_keys_and_refuses_what_json_does_not_know(tmp_path: Path):
    files.write_json(tmp_path / "out.json", {"f1": 0.5, "a": "größe"})
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "out.json", {"f1": float("nan")})
    assert tree(tmp_path) == {"out.json": '{\n  "f1": 0.5,\n  "a": "größe"\n}\n'}
