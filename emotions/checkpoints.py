"""Checkpoints of a training run: written whole or not at all, checked before use, never those of another run."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from emotions.errors import InputError
from emotions.files import sha256

NAME = re.compile(r"step-(\d{9})-([0-9a-f]{16})\.pt")
# Stands in the folder of a run of which all outputs are written.
FINISHED = "finished"
# Should the newest turn out to be damaged, the one before it is used.
KEPT = 2


class Checkpoints:
    """The checkpoints of one run, in a folder of `folder` that is named after the run's fingerprint.

    The fingerprint stands for all that decides what the run ends with, so that another run never resumes from here.
    A file's name ends in its sha256, so that a damaged file is known before it is read.
    """

    def __init__(self, folder: str | Path, fingerprint: str):
        self.folder = Path(folder) / fingerprint[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / ".lock")
        try:
            self._lock.acquire(timeout=0)  # until the process ends, however it does
        except Timeout:
            raise InputError("another process is training the same: wait for it, or stop it") from None

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Keep `state`, made of tensors, numbers, strings, lists and dicts, and remove all but the newest `KEPT`."""
        partial = self.folder / ".partial"
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())  # a machine that dies must not leave a name without its content
        partial.replace(self.folder / f"step-{step:09d}-{sha256(partial)[:16]}.pt")
        for path in self._newest_first()[KEPT:]:
            path.unlink()

    def load(self) -> dict[str, Any] | None:
        """Return the newest whole state, or None where there is none, saying which, and what became of damaged ones."""
        for path in self._newest_first():
            step, digest = NAME.fullmatch(path.name).groups()
            if sha256(path).startswith(digest):
                print(f"resuming from step {int(step):,}", flush=True)
                # weights_only: nothing but tensors and plain values is ever unpickled.
                return torch.load(path, map_location="cpu", weights_only=True)
            path.rename(path.with_suffix(".damaged"))
            print(f"the checkpoint {path} is damaged: set aside as {path.stem}.damaged", flush=True)
        others = [path for path in self.folder.parent.glob("*/*.pt") if path.parent != self.folder]
        if others:
            print(
                f"starting afresh: {self.folder.parent}/ holds checkpoints of other parameters, data or code",
                flush=True,
            )
        return None

    def finish(self) -> None:
        """Mark the run as finished. Its last checkpoint stays until `remove_finished`: it may yet be needed."""
        (self.folder / FINISHED).touch()

    def _newest_first(self) -> list[Path]:
        files = self.folder.glob("step-*.pt")
        return sorted((path for path in files if NAME.fullmatch(path.name)), key=lambda path: path.name, reverse=True)


def remove_finished(folder: str | Path) -> None:
    """Remove the checkpoints of finished runs; to be called when dvc.lock, too, is known to hold what they made."""
    for mark in Path(folder).glob(f"*/{FINISHED}"):
        shutil.rmtree(mark.parent)
