"""The training loop: mixed precision, two learning rates, warm-up and linear decay."""

import math
import os
from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import get_linear_schedule_with_warmup, set_seed

from emotions import batches
from emotions.batches import Tokens
from emotions.errors import InputError
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


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and torch, and let torch use deterministic algorithms alone. Call before making a model."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with this alone
    set_seed(seed)
    torch.use_deterministic_algorithms(True)


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
) -> History:
    """Fine-tune `model` in place on the comments at `train_positions`, and leave it on the device, in fp32.

    tokens: of n comments. labels: (n, L) of 0 and 1. Positions: indices of comments; those for validation may be none.

    Raises `InputError`, with the step, when the loss is not a finite number.
    """
    precision = choose_precision(recipe.precision)
    accelerator = Accelerator(mixed_precision="no" if precision == "fp32" else precision)
    bare_model = model.to(accelerator.device)
    optimizer = torch.optim.AdamW(_parameter_groups(model, recipe), fused=True)
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

    history = History()
    targets = torch.from_numpy(labels.astype(np.float32))
    lengths = tokens.lengths[train_positions]
    step = 0
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        epoch_loss = 0.0
        # Losses stay on the device until a row is due: asking for each would make a GPU wait.
        pending: list[Tensor] = []
        pending_comments = 0
        with Progress(f"epoch {epoch}/{recipe.epochs}", len(train_positions)) as progress:
            for batch in batches.shuffled(lengths, recipe.batch_size, recipe.seed, epoch):
                step += 1
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

                pending.append(loss.detach() * len(batch))
                pending_comments += len(batch)
                if step % row_every == 0 or step % steps_per_epoch == 0:
                    losses = torch.stack(pending).double().cpu().numpy()
                    _check_finite(losses, step, epoch)
                    history.steps.append(
                        {"step": step, "epoch": epoch, "loss": losses.sum() / pending_comments, "lr": lr}
                    )
                    epoch_loss += losses.sum()
                    pending, pending_comments = [], 0
                progress.add(len(batch), f"loss {history.steps[-1]['loss']:.4f}" if history.steps else "")

        row = {"epoch": epoch, "step": step, "train_loss": epoch_loss / len(train_positions), "validation_loss": None}
        if len(validation_positions):
            history.validation_logits = predict_logits(bare_model, tokens, validation_positions)
            row["validation_loss"] = binary_cross_entropy_with_logits(
                torch.from_numpy(history.validation_logits), targets[validation_positions]
            ).item()
            if not math.isfinite(row["validation_loss"]):
                raise InputError(
                    f"the validation loss is {row['validation_loss']} after step {step}: lower lr or head_lr"
                )
        history.epochs.append(row)
        told = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4f}" for name in list(row)[2:] if row[name] is not None)
        print(f"epoch {epoch}/{recipe.epochs}: {told}", flush=True)
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return history


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


def _check_finite(losses: np.ndarray, step: int, epoch: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(losses))
    if len(wrong):
        first = step - len(losses) + 1 + wrong[0]
        raise InputError(f"the loss is {losses[wrong[0]]} at step {first} (epoch {epoch}): lower lr or head_lr")
