"""The training loop: mixed precision, two learning rates, warm-up and linear decay."""

import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import get_linear_schedule_with_warmup

from emotions import batches, interrupts
from emotions.batches import Tokens
from emotions.checkpoints import Checkpoints
from emotions.errors import InputError, Interrupted
from emotions.model import EmotionClassifier
from emotions.prediction import predict_logits
from emotions.progress import Progress

# Rows of the step-by-step record that an epoch leaves.
ROWS_PER_EPOCH = 20


@dataclass(frozen=True)
class Recipe:
    """What the loop needs to know; params.yaml says what each one does."""

    lr: float
    head_lr: float
    weight_decay: float
    warmup: float
    epochs: int
    batch_size: int
    max_grad_norm: float
    precision: str
    seed: int


@dataclass
class History:
    """What was learned. Losses are means over (comment, label) pairs of binary cross-entropy, in nats.

    steps: rows of step (counted from 1), epoch, loss (mean since the row before), lr (the encoder's, at that step).
    epochs: rows of epoch, step, train_loss (mean over the epoch), validation_loss (after it; None without validation).
    validation_logits: after the last epoch, (validation comments, L).
    """

    steps: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    validation_logits: np.ndarray | None = None


def choose_precision(precision: str) -> str:
    """Return fp32, bf16 or fp16 for a `precision` of those or auto: what this machine's device does well.

    Raises `InputError` for fp16 without a GPU.
    """
    gpu = torch.cuda.is_available()
    if precision == "fp16" and not gpu:
        raise InputError("precision fp16 needs a GPU, and there is none here: use auto, fp32 or bf16")
    if precision != "auto":
        return precision
    if not gpu:
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def train(
    model: EmotionClassifier,
    tokens: Tokens,
    labels: np.ndarray,
    train_positions: np.ndarray,
    validation_positions: np.ndarray,
    recipe: Recipe,
    checkpoints: Checkpoints | None = None,
    checkpoint_minutes: float = math.inf,
) -> History:
    """Fine-tune `model` in place on the comments at `train_positions`, and leave it on the device, in fp32.

    tokens: of n comments. labels: (n, L) of 0 and 1. Positions: indices of comments; those for validation may be none.
    checkpoints: where the run is saved after each epoch and every `checkpoint_minutes`, and resumed from; a resumed
    run ends with the same bytes as one that was never interrupted.

    Raises `InputError`, with the step, when the loss is not a finite number; `Interrupted` after SIGINT or SIGTERM,
    when the run is saved.
    """
    precision = choose_precision(recipe.precision)
    # Of the devices that accelerate would choose by itself, some lack float64 and have no saved random state.
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(), mixed_precision="no" if precision == "fp32" else precision
    )
    bare_model = model.to(accelerator.device)
    optimizer = torch.optim.AdamW(_parameter_groups(model, recipe), fused=accelerator.scaler is None)
    model, optimizer = accelerator.prepare(model, optimizer)

    steps_per_epoch = math.ceil(len(train_positions) / recipe.batch_size)
    total = recipe.epochs * steps_per_epoch
    schedule = get_linear_schedule_with_warmup(optimizer, round(recipe.warmup * total), total)
    row_every = max(1, steps_per_epoch // ROWS_PER_EPOCH)
    print(
        f"training on {accelerator.device} in {precision}: {len(train_positions):,} comments, "
        f"{recipe.epochs} epochs, {total:,} steps",
        flush=True,
    )

    run = _Run(bare_model, optimizer, schedule, accelerator.scaler)
    if checkpoints and (state := checkpoints.load()):
        run.load_state_dict(state)
    saved_at = time.monotonic()
    history = run.history
    targets = torch.from_numpy(labels.astype(np.float32))
    lengths = tokens.lengths[train_positions]
    with interrupts.postponed() as stop:
        # A run saved between an epoch's last step and its validation has that epoch's validation to do.
        for epoch in range(len(history.epochs) + 1, recipe.epochs + 1):
            model.train()
            done = run.step - (epoch - 1) * steps_per_epoch
            todo = batches.shuffled(lengths, recipe.batch_size, recipe.seed, epoch)[done:]
            with Progress(f"epoch {epoch}/{recipe.epochs}", sum(map(len, todo))) as progress:
                for batch in todo:
                    lr = schedule.get_last_lr()[0]
                    inputs = batches.collate(tokens, train_positions[batch], bare_model.tokenizer.pad_token_id)
                    logits = model(**{name: tensor.to(accelerator.device) for name, tensor in inputs.items()})
                    target = targets[train_positions[batch]].to(accelerator.device)
                    loss = binary_cross_entropy_with_logits(logits.float(), target)
                    accelerator.backward(loss)
                    accelerator.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
                    optimizer.step()
                    optimizer.zero_grad()
                    if not accelerator.optimizer_step_was_skipped:  # fp16: the gradients overflowed
                        schedule.step()

                    run.count(loss.detach(), len(batch))
                    if run.step % row_every == 0 or run.step % steps_per_epoch == 0:
                        run.write_row(epoch, lr)
                    progress.add(len(batch), f"loss {history.steps[-1]['loss']:.4f}" if history.steps else "")
                    due = stop.signal or time.monotonic() - saved_at >= checkpoint_minutes * 60
                    if checkpoints and due:
                        checkpoints.save(run.step, run.state_dict())
                        saved_at = time.monotonic()
                    if stop.signal:
                        raise _interrupted(stop.signal, run.step)

            row = {"epoch": epoch, "step": run.step, "train_loss": run.epoch_loss / len(train_positions)}
            row["validation_loss"] = None
            if len(validation_positions):
                history.validation_logits = predict_logits(bare_model, tokens, validation_positions)
                row["validation_loss"] = binary_cross_entropy_with_logits(
                    torch.from_numpy(history.validation_logits), targets[validation_positions]
                ).item()
                if not math.isfinite(row["validation_loss"]):
                    raise InputError(
                        f"the validation loss is {row['validation_loss']} at step {run.step}: lower lr or head_lr"
                    )
            history.epochs.append(row)
            run.epoch_loss = 0.0
            told = [
                f"{name.replace('_', ' ')} {value:.4f}" for name, value in list(row.items())[2:] if value is not None
            ]
            print(f"epoch {epoch}/{recipe.epochs}: {', '.join(told)}", flush=True)
            if checkpoints:
                checkpoints.save(run.step, run.state_dict())
                saved_at = time.monotonic()
            if stop.signal:
                raise _interrupted(stop.signal, run.step)
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return history


class _Run:
    """All that changes from one step to the next: what a checkpoint holds."""

    def __init__(self, model: EmotionClassifier, optimizer, schedule, scaler):
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "scaler": scaler}
        self._parts = {name: part for name, part in parts.items() if part is not None}
        self.history = History()
        self.step = 0
        self.epoch_loss = 0.0
        # Losses stay on the device until a row is due: asking for each would make a GPU wait.
        self._pending: list[Tensor] = []
        self._pending_comments = 0

    def count(self, loss: Tensor, comments: int) -> None:
        """Count a step with its mean loss over `comments`."""
        self.step += 1
        self._pending.append(loss * comments)
        self._pending_comments += comments

    def write_row(self, epoch: int, lr: float) -> None:
        """Add a row to the history's steps. Raises `InputError` when a loss since the last one is not finite."""
        losses = torch.stack(self._pending).cpu().double().numpy()
        wrong = np.flatnonzero(~np.isfinite(losses))
        if len(wrong):
            first = self.step - len(losses) + 1 + wrong[0]
            raise InputError(f"the loss is {losses[wrong[0]]} at step {first} (epoch {epoch}): lower lr or head_lr")
        loss = float(losses.sum()) / self._pending_comments
        self.history.steps.append({"step": self.step, "epoch": epoch, "loss": loss, "lr": lr})
        self.epoch_loss += float(losses.sum())
        self._pending, self._pending_comments = [], 0

    def state_dict(self) -> dict:
        """Return everything as tensors and plain values. Dropout's random numbers are part of it."""
        logits = self.history.validation_logits
        return {
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
            "step": self.step,
            "epoch_loss": self.epoch_loss,
            "pending": [loss.cpu() for loss in self._pending],
            "pending_comments": self._pending_comments,
            "steps": self.history.steps,
            "epochs": self.history.epochs,
            "validation_logits": None if logits is None else torch.from_numpy(logits),
        }

    def load_state_dict(self, state: dict) -> None:
        """Become what `state_dict` was taken of."""
        for name, part in self._parts.items():
            part.load_state_dict(state["parts"][name])
        torch.set_rng_state(state["random"])
        if state["cuda_random"] is not None:
            torch.cuda.set_rng_state(state["cuda_random"])
        self.step = state["step"]
        self.epoch_loss = state["epoch_loss"]
        self._pending = [loss.to(self._parts["model"].head.weight.device) for loss in state["pending"]]
        self._pending_comments = state["pending_comments"]
        self.history.steps = state["steps"]
        self.history.epochs = state["epochs"]
        if state["validation_logits"] is not None:
            self.history.validation_logits = state["validation_logits"].numpy()


def _interrupted(signal: int, step: int) -> Interrupted:
    return Interrupted(signal, f"interrupted at step {step:,}: `dvc repro` resumes from there")


def _parameter_groups(model: EmotionClassifier, recipe: Recipe) -> list[dict]:
    """Give the head its own learning rate, and spare biases and normalisation weights from decay.

    Decay pulls towards zero, where a scale or an offset has no reason to be (Loshchilov and Hutter, Decoupled Weight
    Decay Regularization, ICLR 2019, for the decay; Devlin et al., BERT, NAACL 2019, for what it spares).
    """
    groups = []
    for module, lr in ((model.encoder, recipe.lr), (model.head, recipe.head_lr)):
        for decayed in (True, False):
            parameters = [parameter for parameter in module.parameters() if (parameter.ndim > 1) == decayed]
            decay = recipe.weight_decay if decayed else 0.0
            groups.append({"params": parameters, "lr": lr, "weight_decay": decay})
    return groups
