"""Checkpoints of a training run: written whole or not at all, verified before use, never those of another run."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from filelock import FileLock, Timeout
from torch import Tensor

from emotions.core.errors import InputError
from emotions.core.files import remove, sha256, write_json

KEPT = 2  # should the newest checkpoint turn out to be damaged, the one before it is used
MANIFEST, STATE = "manifest.json", "run.pt"
FINISHED = "finished"  # marks the folder of a run whose outputs are all written


@dataclass
class Run:
    """The course of a run. Losses are mean binary cross-entropy over (comment, label) pairs, in nats.

    Attributes:
        beliefs: The latest prediction for each of m training comments, (m + 1, L) float16, on the device.
        step: Optimizer steps taken.
        steps: Rows of step (from 1), epoch, loss (mean since the row before), lr (the encoder's at that step).
        epochs: Rows of epoch, step, train_loss (mean over the epoch), validation_loss (None without validation).
        logits: Of the v validation comments after the last epoch, (v, L).
        epoch_loss: Sum over the epoch's comments up to the last row.
        pending: Sums of loss and comments since the last row, on the device, or a GPU would wait for each.
    """

    beliefs: Tensor
    step: int = 0
    steps: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    logits: Tensor | None = None
    epoch_loss: float = 0.0
    pending: list[Tensor] = field(default_factory=list)

    def add_row(self, epoch: int, lr: float) -> float:
        """Add a row to `steps` and return its loss, or raise `InputError` if it is not finite."""
        loss, comments = torch.stack(self.pending).double().sum(dim=0).tolist()
        if not math.isfinite(loss):
            first = self.steps[-1]["step"] + 1 if self.steps else 1
            raise InputError(f"the loss is not finite in steps {first} to {self.step}: lower lr or head_lr")
        self.steps.append({"step": self.step, "epoch": epoch, "loss": loss / comments, "lr": lr})
        self.epoch_loss += loss
        self.pending.clear()
        return loss / comments


class Checkpoints:
    """The checkpoints of one run, in a folder named after its fingerprint.

    A checkpoint is a folder that accelerate's `save_state` writes, with a manifest of the run's fingerprint and every
    file's sha256. All processes that train together have one of these; the folder is on a disk that they share.
    """

    def __init__(self, folder: str | Path, fingerprint: str, main: bool = True):
        """Open the folder; in the main process lock it, or raise `InputError`, and remove those of finished runs."""
        self.folder, self.fingerprint = Path(folder) / fingerprint[:16], fingerprint
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / ".lock")
        if not main:
            return
        try:
            self._lock.acquire(timeout=0)  # until the process ends, however it does
        except Timeout:
            raise InputError("another process is training the same run: wait for it, or stop it") from None
        for mark in Path(folder).glob(f"*/{FINISHED}"):
            if mark.parent != self.folder:
                shutil.rmtree(mark.parent)

    def save(self, accelerator: Accelerator, run: Run) -> None:
        """Save the run, and remove all but the newest `KEPT` checkpoints."""
        partial = self.folder / ".partial"
        if accelerator.is_main_process:
            remove(partial)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            torch.save(vars(run), partial / STATE)
            files = [path for path in partial.rglob("*") if path.is_file()]
            hashes = {path.relative_to(partial).as_posix(): sha256(path) for path in files}
            write_json(partial / MANIFEST, {"fingerprint": self.fingerprint, "sha256": hashes})
            for path in files:
                with path.open("rb") as file:
                    os.fsync(file.fileno())  # a machine that dies must not leave a name without its content
            target = self.folder / f"step-{run.step:09d}"
            remove(target)
            partial.rename(target)
            for path in self._newest_first()[KEPT:]:
                shutil.rmtree(path)
        accelerator.wait_for_everyone()

    def resume(self, accelerator: Accelerator, run: Run) -> None:
        """Load the newest intact checkpoint, if there is one, into the prepared objects and `run`."""
        found = broadcast_object_list([self._newest() if accelerator.is_main_process else None])[0]
        if found is None:
            return
        accelerator.print(f"resuming from step {int(found.name.removeprefix('step-')):,}", flush=True)
        accelerator.load_state(str(found))
        # weights_only: nothing but tensors and plain values is ever unpickled.
        state = torch.load(found / STATE, map_location=run.beliefs.device, weights_only=True)
        for name, value in state.items():
            setattr(run, name, value)

    def finish(self) -> None:
        """Mark the run as finished. Its newest checkpoint stays until another run starts: DVC may repeat this one."""
        (self.folder / FINISHED).touch()
        for path in self._newest_first()[1:]:
            shutil.rmtree(path)

    def _newest(self) -> Path | None:
        for path in self._newest_first():
            if not (fault := self._fault(path)):
                return path
            print(f"the checkpoint {path} {fault}: set aside as {path.name}.damaged", flush=True)
            remove(path.with_suffix(".damaged"))
            path.rename(path.with_suffix(".damaged"))
        if any(path.parent != self.folder for path in self.folder.parent.glob("*/step-*")):
            print(f"starting afresh: {self.folder.parent}/ holds checkpoints of other parameters, data or code")
        return None

    def _fault(self, path: Path) -> str:
        """Return the reason why a checkpoint cannot be used, empty for an intact one of this run."""
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            if manifest["fingerprint"] != self.fingerprint:
                return "is of another run"
            intact = all(sha256(path / name) == digest for name, digest in manifest["sha256"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            intact = False
        return "" if intact else "is damaged"

    def _newest_first(self) -> list[Path]:
        return sorted((path for path in self.folder.glob("step-*") if path.suffix == ""), reverse=True)
