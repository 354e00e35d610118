"""The training loop: mixed precision, two learning rates, warm-up and linear decay, one process or many."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, get_linear_schedule_with_warmup

from emotions.core import interrupts, progress
from emotions.core.errors import InputError, Interrupted
from emotions.core.params import Params
from emotions.data.tokens import Tokens
from emotions.model import batches
from emotions.model.classifier import Classifier
from emotions.model.prediction import predict_logits
from emotions.training import optimizer
from emotions.training.checkpoints import Checkpoints, Run

ROWS_PER_EPOCH = 20  # of steps.csv
AGREE_EVERY = 10  # steps after which processes agree on saving or stopping; torch's launcher kills after 30 seconds


@dataclass(frozen=True)
class Examples:
    """n labelled comments to learn from."""

    tokens: Tokens
    labels: np.ndarray  # (n, L) of 0 and 1
    train: np.ndarray  # positions of the m comments to train on
    validation: np.ndarray  # positions of the v comments to validate on, which may be none


def train(
    accelerator: Accelerator,
    classifier: Classifier,
    examples: Examples,
    params: Params,
    checkpoints: Checkpoints | None = None,
    report: Callable[[Run], None] = lambda run: None,
) -> Run:
    """Fine-tune the classifier's model. Processes that call this together share every batch.

    Self-distillation: from the second epoch on, a comment's target is a mixture of its labels and of the model's own
    prediction one epoch earlier, whose weight rises linearly to `params.self_distillation` in the last epoch. Labels
    that raters omitted or gave by mistake are then memorised less (Kim, Ji, Yoon and Hwang, Self-Knowledge Distillation
    with Progressive Refinement of Targets, ICCV 2021).

    Args:
        accelerator: From `accelerator.start`.
        classifier: Its model is trained, and ends in fp32.
        examples: Comments to train and validate on.
        params: The training parameters.
        checkpoints: Where the run is saved and resumed from, to the same bytes as if it had never been interrupted.
        report: Called in the main process whenever `steps` or `epochs` of the run have grown.

    Raises:
        InputError: The loss is not finite, or a batch does not fit in the device's memory.
        Interrupted: After SIGINT or SIGTERM, once the run is saved.
    """
    model = classifier.model
    grown = report if accelerator.is_main_process else lambda run: None
    if accelerator.device.type == "cpu" and accelerator.mixed_precision == "bf16":
        # On a CPU the backward pass of torch's fused attention is ten times as slow in bf16 as in fp32.
        model.set_attn_implementation("eager")
    if params.freeze_embeddings:
        optimizer.freeze_embeddings(model)
    rows = batches.TrainingRows(examples.tokens, examples.labels, examples.train, classifier.tokenizer.pad_token_id)
    lengths = examples.tokens.lengths[examples.train]
    sampler = batches.LengthGroupedSampler(lengths, params.batch_size, params.accumulation, params.seed)
    steps_per_epoch = len(sampler) // params.accumulation
    total, row_every = params.epochs * steps_per_epoch, max(1, steps_per_epoch // ROWS_PER_EPOCH)
    adamw = optimizer.create(model, params, fused=accelerator.scaler is None)
    model, adamw, loader, schedule = accelerator.prepare(
        model,
        adamw,
        # A generator of its own: the DataLoader would draw from torch's, and once more often in a resumed run.
        DataLoader(rows, batch_sampler=sampler, collate_fn=lambda batch: batch, generator=torch.Generator()),
        get_linear_schedule_with_warmup(adamw, round(params.warmup * total), total),
    )
    precision = "fp32" if accelerator.mixed_precision == "no" else accelerator.mixed_precision
    accelerator.print(
        f"training on {accelerator.device.type} in {precision}, processes: {accelerator.num_processes}; "
        f"{len(rows):,} comments, {params.epochs} epochs, {total:,} steps",
        flush=True,
    )

    # The latest prediction for each training comment, its labels before there is one. The last row is for fillers.
    beliefs = torch.from_numpy(np.vstack([examples.labels[examples.train], np.zeros_like(examples.labels[:1])]))
    run = Run(beliefs.to(accelerator.device, torch.float16))
    if checkpoints:
        checkpoints.resume(accelerator, run)

    def step(batch: dict[str, Tensor], trust: float) -> None:
        """Take a step, or a part of one under gradient accumulation; `trust` is the weight of the beliefs."""
        row, weight, labels = (batch.pop(name) for name in ("row", "weight", "labels"))
        with accelerator.accumulate(model):
            logits = model(**batch).logits.float()
            target = labels.lerp(run.beliefs[row].float(), trust) if trust else labels
            accelerator.backward((_losses(logits, target) * weight).mean())
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), params.max_grad_norm)
            adamw.step()
            schedule.step()
            adamw.zero_grad()
        logits = logits.detach()
        own = row, weight, _losses(logits, labels) * weight, logits.sigmoid()
        row, weight, loss, predicted = accelerator.gather(own)
        run.beliefs[row] = predicted.half()
        run.pending.append(torch.stack([loss.sum(), weight.sum()]))

    def save_and_stop(signal: int) -> None:
        if checkpoints:
            checkpoints.save(accelerator, run)
        if signal:
            how = "`dvc repro`" if accelerator.num_processes == 1 else "the same command"
            raise Interrupted(signal, f"interrupted at step {run.step:,}: {how} resumes from there")

    saved_at, lr = time.monotonic(), params.lr
    with interrupts.postponed() as signals:
        for epoch in range(len(run.epochs) + 1, params.epochs + 1):
            model.train()
            sampler.epoch = epoch
            trust = params.self_distillation * (epoch - 1) / max(1, params.epochs - 1)
            done = run.step - (epoch - 1) * steps_per_epoch
            title = f"epoch {epoch}/{params.epochs}"
            with progress.bar(title, len(rows), silent=not accelerator.is_main_process) as shown:
                shown.update(done * params.batch_size)
                for batch in accelerator.skip_first_batches(loader, done * params.accumulation):
                    lr = schedule.get_last_lr()[0]
                    try:
                        step(batch, trust)
                    except torch.OutOfMemoryError:
                        raise InputError(
                            f"a batch does not fit in the device's memory: lower batch_size ({params.batch_size}) "
                            f"or raise accumulation ({params.accumulation})"
                        ) from None
                    if not accelerator.sync_gradients:
                        continue
                    run.step += 1
                    shown.update(min(params.batch_size, len(rows) - shown.n))
                    row_due = run.step % row_every == 0 or run.step % steps_per_epoch == 0
                    if row_due:
                        loss = run.add_row(epoch, lr)
                        shown.set_postfix_str(f"loss {loss:.4f}", refresh=False)
                        grown(run)
                    if accelerator.num_processes == 1 or row_due or run.step % AGREE_EVERY == 0:
                        late = time.monotonic() - saved_at >= params.checkpoint_minutes * 60
                        if _agree(accelerator, bool(signals) or late):
                            save_and_stop(_agree(accelerator, max(signals, default=0)))
                            saved_at = time.monotonic()

            losses = {"train_loss": run.epoch_loss / len(rows), "validation_loss": None}
            if len(examples.validation):
                run.logits = _predict(accelerator, accelerator.unwrap_model(model), examples)
                truth = torch.from_numpy(examples.labels[examples.validation]).float()
                losses["validation_loss"] = float(_losses(run.logits, truth).mean())
                if not math.isfinite(losses["validation_loss"]):
                    raise InputError(f"the validation loss is not finite after epoch {epoch}: lower lr or head_lr")
            run.epochs.append({"epoch": epoch, "step": run.step, **losses})
            run.epoch_loss = 0.0
            shown_losses = [f"{name.replace('_', ' ')} {loss:.4f}" for name, loss in losses.items() if loss is not None]
            accelerator.print(f"{title}: {', '.join(shown_losses)}", flush=True)
            grown(run)
            save_and_stop(_agree(accelerator, max(signals, default=0)))
            saved_at = time.monotonic()
    classifier.model = accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return run


def _losses(logits: Tensor, target: Tensor) -> Tensor:
    """Return each comment's mean binary cross-entropy, (batch,), for logits and targets, (batch, L)."""
    return binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=1)


def _predict(accelerator: Accelerator, model: PreTrainedModel, examples: Examples) -> Tensor:
    """Return the logits of all validation comments, (v, L), of which each process computes a share."""
    # accelerate splits tensors, but gives every process the whole of an array.
    with accelerator.split_between_processes(torch.from_numpy(examples.validation)) as own:
        logits = gather_object([predict_logits(model, examples.tokens, own.numpy())])
    return torch.from_numpy(np.concatenate(logits))


def _agree(accelerator: Accelerator, value: int) -> int:
    """Return the largest `value` of all processes."""
    return int(accelerator.gather(torch.tensor([int(value)], device=accelerator.device)).max())
