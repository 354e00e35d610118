"""What a training run is made of: its history, for people, and its whole state, for a checkpoint."""

from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor

from emotions import sharding
from emotions.errors import InputError
from emotions.model import EmotionClassifier


@dataclass
class History:
    """What was learned. Losses are means over (comment, label) pairs of binary cross-entropy, in nats.

    Extra comments and second opinions have no part in them.

    steps: rows of step (counted from 1), epoch, loss (mean since the row before), lr (the encoder's, at that step).
    epochs: rows of epoch, step, train_loss (mean over the epoch), validation_loss (after it; None without validation).
    validation_logits: after the last epoch, (validation comments, L).
    """

    steps: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    validation_logits: np.ndarray | None = None


class Run:
    """All that changes from one step to the next. Where several processes train together, each has one.

    beliefs: the probability that the model gave each label of each training comment when it last met it, (n, L)
    float16 on the device; the same in every process, and before that what it is given.
    """

    def __init__(self, accelerator: Accelerator, model: EmotionClassifier, optimizer, schedule, beliefs: Tensor):
        self._model, self._optimizer = model, optimizer.optimizer  # accelerate's own is around it
        parts = {"schedule": schedule, "scaler": accelerator.scaler}
        self._parts = {name: part for name, part in parts.items() if part is not None}
        self._accelerator = accelerator
        self.beliefs = beliefs
        self.history = History()
        self.step = 0
        self.epoch_loss = 0.0
        # Losses stay on the device until a row is due: asking for each would make a GPU wait.
        self._pending: list[Tensor] = []
        self._pending_comments = 0

    def count(self, loss: Tensor, comments: int) -> None:
        """Count a step with so many of the data's own `comments`, over all processes.

        loss: this process's part of the sum of their losses.
        """
        self.step += 1
        self._pending.append(loss)
        self._pending_comments += comments

    def write_row(self, epoch: int, lr: float) -> None:
        """Add a row to the history's steps. Raises `InputError` when a loss since the last one is not finite."""
        losses = self._accelerator.reduce(torch.stack(self._pending), "sum").cpu().double().numpy()
        wrong = np.flatnonzero(~np.isfinite(losses))
        if len(wrong):
            first = self.step - len(losses) + 1 + wrong[0]
            raise InputError(f"the loss is {losses[wrong[0]]} at step {first} (epoch {epoch}): lower lr or head_lr")
        if self._pending_comments:  # else there were extra ones alone
            loss = float(losses.sum()) / self._pending_comments
            self.history.steps.append({"step": self.step, "epoch": epoch, "loss": loss, "lr": lr})
        self.epoch_loss += float(losses.sum())
        self._pending, self._pending_comments = [], 0

    def state_dict(self) -> dict:
        """Return everything as tensors and plain values. Every process's random numbers and losses are part of it.

        Where the model is sharded, the main process alone has model and optimizer in it, and these whole.
        """
        logits = self.history.validation_logits
        own = {
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
            "pending": [loss.cpu() for loss in self._pending],
        }
        return {
            "learned": sharding.state_dict(self._accelerator, self._model, self._optimizer),
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
            "processes": gather_object([own]),
            "beliefs": self.beliefs.cpu(),
            "step": self.step,
            "epoch_loss": self.epoch_loss,
            "pending_comments": self._pending_comments,
            "steps": self.history.steps,
            "epochs": self.history.epochs,
            "validation_logits": None if logits is None else torch.from_numpy(logits),
        }

    def resume(self, state: dict | None) -> None:
        """Become what `state_dict` was taken of, by the state that the main process has; None changes nothing."""
        learned = state and state.pop("learned")
        state = broadcast_object_list([state])[0]
        if state is None:
            return
        sharding.load_state_dict(self._accelerator, self._model, self._optimizer, learned)
        for name, part in self._parts.items():
            part.load_state_dict(state["parts"][name])
        own = state["processes"][self._accelerator.process_index]
        torch.set_rng_state(own["random"])
        if own["cuda_random"] is not None:
            torch.cuda.set_rng_state(own["cuda_random"])
        self._pending = [loss.to(self._accelerator.device) for loss in own["pending"]]
        self._pending_comments = state["pending_comments"]
        self.beliefs.copy_(state["beliefs"])
        self.step = state["step"]
        self.epoch_loss = state["epoch_loss"]
        self.history.steps = state["steps"]
        self.history.epochs = state["epochs"]
        if state["validation_logits"] is not None:
            self.history.validation_logits = state["validation_logits"].numpy()
