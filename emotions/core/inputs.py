"""Detects inputs edited while a stage runs.

DVC hashes a stage's dependencies after its command has ended. A file edited in the meantime would enter dvc.lock with
its new hash, although its old content made the outputs.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from emotions.core.errors import InputError
from emotions.core.files import sha256

ROOT = Path(__file__).resolve().parents[2]


class Inputs:
    """The sha256 of every file that a stage depends on, imported code included, taken at the stage's start."""

    def __init__(self, paths: Iterable[str | Path]):
        """Hash `paths`, files or folders with all they contain, and the imported code."""
        self.hashes = {path: sha256(path) for path in _code()}
        self._paths: list[Path] = []
        self.add(paths)

    def add(self, paths: Iterable[str | Path]) -> None:
        """Add inputs that were not known from the start."""
        new = [Path(path) for path in paths]
        self._paths += new
        self.hashes |= {path: sha256(path) for path in _files(new)}

    def check(self) -> None:
        """Raise `InputError` when a file changed, disappeared or was added. Call it before outputs are written."""
        for path in [*self.hashes, *_files(self._paths)]:
            if path not in self.hashes or not path.exists() or sha256(path) != self.hashes[path]:
                raise InputError(f"{path} changed while this stage ran: run `dvc repro` again")

    def digest(self, leave_out: Iterable[str | Path] = ()) -> str:
        """Return a sha256 over the content of all files but `leave_out`, the same in any folder."""
        left_out = {Path(path) for path in leave_out}
        hashes = sorted(digest for path, digest in self.hashes.items() if path not in left_out)
        return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _code() -> list[Path]:
    folders = ROOT / "emotions", ROOT / "stages"
    modules = [Path(module.__file__).resolve() for module in sys.modules.values() if getattr(module, "__file__", None)]
    return sorted({file for file in modules if any(file.is_relative_to(folder) for folder in folders)})


def _files(paths: list[Path]) -> list[Path]:
    found = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return [file for file in found if file.is_file()]
