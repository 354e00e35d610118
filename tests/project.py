"""The small pipeline as a git and DVC repository, in which the tests run the real commands."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from emotions.core.files import sha256

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
STAGES = ("preprocess", "split", "baseline", "train", "evaluate", "report")


class Project:
    """A folder with git and DVC; calling it runs a command there and returns what it printed."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
        self.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment["DVC_NO_ANALYTICS"] = "1"

    def __call__(self, command: str, fails: bool = False) -> str:
        # Into files: a pipe would be waited for as long as a worker that the command leaves in the background has it.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            done = subprocess.run(
                command, shell=True, stdout=output, stderr=errors, cwd=self.folder, env=self.environment, timeout=400
            )
            printed = ""
            for file in (output, errors):
                file.seek(0)
                printed += file.read()
        assert (done.returncode != 0) is fails, f"{command}\n{printed}"
        return printed

    def recipe(self, command: str) -> str:
        """Run a command that the README has word for word."""
        assert command in README, f"the README has no recipe {command!r}"
        return self(command)

    def results(self) -> dict[str, str]:
        """Return the sha256 of dvc.lock, metrics and plots."""
        files = [self.folder / "dvc.lock", *self.folder.glob("metrics/*"), *self.folder.glob("plots/**/*")]
        return {str(file.relative_to(self.folder)): sha256(file) for file in files if file.is_file()}

    def show(self, experiment: str, file: str) -> str:
        """Return a committed file of an experiment; DVC keeps experiments as git references of their own."""
        references = self("git for-each-ref --format='%(refname)' refs/exps").split()
        (reference,) = [name for name in references if name.endswith(f"/{experiment}")]
        return self(f"git show {reference}:{file}")


def ran(printed: str) -> list[str]:
    return [stage for stage in STAGES if f"Running stage '{stage}'" in printed]
