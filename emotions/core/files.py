"""Writes outputs whole or not at all: under a temporary name, then renamed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path`, for a file or a folder, and rename it to `path` if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Some writers choose the format by the suffix, which stays last.
    partial, old = path.with_name(f".partial-{path.name}"), path.with_name(f".old-{path.name}")
    if old.exists() and not path.exists():
        old.rename(path)  # a run was killed between the two renames below
    remove(old)
    remove(partial)
    try:
        yield partial
        if path.is_dir() and partial.exists():
            # A folder cannot be renamed over another: the old one steps aside first.
            path.rename(old)
            partial.rename(path)
            remove(old)
        else:
            partial.replace(path)
    finally:
        remove(partial)


@contextmanager
def scratch(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, and remove it in the end; the next run removes that of a killed one."""
    folder = Path(path).with_name(f".partial-{Path(path).stem}")
    remove(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove(folder)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 with LF line ends on every platform."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, content: dict) -> None:
    """Write `content` as JSON, one key a line, in the given order."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: str | Path, table: pd.DataFrame, float_format: str | None = None) -> None:
    """Write the columns of `table`, without its index."""
    write_text(path, table.to_csv(index=False, float_format=float_format, lineterminator="\n"))


def sha256(path: str | Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()  # hashlib.file_digest needs Python 3.11
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Remove a file or a folder with all it contains, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
