"""What a stage runs on, known from its start, so that a file edited meanwhile is noticed and not recorded as what ran.

DVC hashes a stage's dependencies when its command has ended. A file that was edited while the command ran would enter
dvc.lock with its new hash, though its old content made the outputs.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from emotions.errors import InputError
from emotions.files import sha256

ROOT = Path(__file__).resolve().parents[1]


class Provenance:
    """The sha256 of every file that a stage depends on, taken when it is made: at the stage's start.

    hashes: file → sha256. The files are the inputs and the repository's modules that Python has imported.
    """

    def __init__(self, inputs: Iterable[str | Path]):
        """inputs: files, and folders with all that is in them."""
        self.hashes = {path: sha256(path) for path in _code()}
        self._inputs: list[Path] = []
        self.add(inputs)

    def add(self, inputs: Iterable[str | Path]) -> None:
        """Add inputs that were not known from the start."""
        paths = [Path(path) for path in inputs]
        self._inputs += paths
        self.hashes |= {path: sha256(path) for path in _files(paths)}

    def check(self) -> None:
        """Raise `InputError` when one of the files is not what it was, or one more is there.

        To be called before outputs are written, and at the end where writing them takes long.
        """
        for path in [*self.hashes, *_files(self._inputs)]:
            if path not in self.hashes or not path.exists() or sha256(path) != self.hashes[path]:
                raise InputError(f"{path} changed while this stage ran: run `dvc repro` again")

    def digest(self, leave_out: Iterable[str | Path] = ()) -> str:
        """Return a sha256 over all files' content, in an order that no path of the machine has a part in."""
        left_out = {Path(path) for path in leave_out}
        hashes = sorted(digest for path, digest in self.hashes.items() if path not in left_out)
        return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _code() -> list[Path]:
    files = {Path(module.__file__).resolve() for module in sys.modules.values() if getattr(module, "__file__", None)}
    return sorted(file for file in files if file.parent in (ROOT / "emotions", ROOT / "stages"))


def _files(paths: list[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]
