"""The training loop: mixed precision, two learning rates, warm-up and linear decay, one process or many."""

from __future__ import annotations

import math
import os
import time
from contextlib import nullcontext
from dataclasses import dataclass, fields

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import disable_fsdp_ram_efficient_loading
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import get_linear_schedule_with_warmup

from emotions import batches, clipping, encoders, interrupts, memory, processes, sharding
from emotions.checkpoints import Checkpoints
from emotions.errors import InputError, Interrupted
from emotions.lessons import Lessons
from emotions.model import EmotionClassifier
from emotions.params import Params
from emotions.progress import Progress
from emotions.training_state import History, Run

# Rows of the step-by-step record that an epoch leaves.
ROWS_PER_EPOCH = 20
# What `torch.cpu.get_capabilities` calls the instructions with which a CPU multiplies in bf16.
CPU_BF16 = ("avx512_bf16", "amx_bf16")
# Steps after which several processes ask each other for signals: torch's launcher kills what has not ended in 30 s.
ASK_EVERY = 10


@dataclass(frozen=True)
class Recipe:
    """What the loop needs to know; params.yaml says what each one does.

    self_distillation: from the second epoch on, a comment's target is a mixture of its labels, 0 and 1, and of what
    the model itself believed when it last met the comment; this is the belief's share in the last epoch, and the share
    grows evenly up to it. What raters left out or gave by mistake is then learned less by heart (Kim, Ji, Yoon and
    Hwang, Self-Knowledge Distillation with Progressive Refinement of Targets, ICCV 2021).

    freeze_embeddings: leave what the encoder calls its embeddings, or else its word embeddings, as they were
    pretrained. A batch uses a hundredth of that table, and in BERT no gradient need go below the first layer then.

    freeze_layers: leave so many of the encoder's layers, too, from the first on: they hold most of what is common to
    all tasks (Lee, Tang and Lin, What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning, arXiv 1911.03090).

    opinion_weight: how much the loss on second opinions counts beside the loss on labels. A second task on the same
    states teaches the encoder what labels alone do not say (Caruana, Multitask Learning, Machine Learning 28, 1997),
    here the beliefs of a larger model (Hinton, Vinyals and Dean, arXiv 1503.02531), without the labels' logits having
    to copy them.
    """

    lr: float
    head_lr: float
    weight_decay: float
    warmup: float
    epochs: int
    batch_size: int
    max_grad_norm: float
    self_distillation: float
    freeze_embeddings: bool
    freeze_layers: int
    opinion_weight: float
    seed: int

    @classmethod
    def of(cls, settings: Params) -> Recipe:
        """Return what of all parameters the loop needs to know."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})


def choose_precision(precision: str) -> str:
    """Return fp32, bf16 or fp16 for a `precision` of those or auto: what this machine's device does well.

    Raises `InputError` for fp16 without a GPU.
    """
    gpu = torch.cuda.is_available()
    if precision == "fp16" and not gpu:
        raise InputError("precision fp16 needs a GPU, and there is none here: use auto, fp32 or bf16")
    if precision != "auto":
        return precision
    if gpu:
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    # Other CPUs compute in bf16 by way of fp32, and are slower for it.
    return "bf16" if any(torch.cpu.get_capabilities().get(name) for name in CPU_BF16) else "fp32"


def start(precision: str) -> Accelerator:
    """Return the accelerator of this process: its device, its `precision`, and those that it trains together with.

    Raises `InputError` for a precision that the device has not, for more processes than GPUs, and for a way to shard a
    model that is not supported.
    """
    asked_to_shard = processes.check(os.environ)
    precision = choose_precision(precision)
    # With accelerate's RAM-efficient loading one process alone has the encoder's weights, and the others could not
    # start the head.
    disable_fsdp_ram_efficient_loading()
    # Of the devices that accelerate would choose by itself, some lack float64 and have no saved random state.
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(), mixed_precision="no" if precision == "fp32" else precision
    )
    if asked_to_shard and not accelerator.is_fsdp2:
        raise InputError("FSDP shards a model over GPUs: start two processes or more, each with a GPU of its own")
    return accelerator


def train(
    accelerator: Accelerator,
    model: EmotionClassifier,
    lessons: Lessons,
    recipe: Recipe,
    checkpoints: Checkpoints | None = None,
    checkpoint_minutes: float = math.inf,
) -> History:
    """Fine-tune `model` in place on `lessons`, and leave it in fp32.

    It is left on the device, or where it is if accelerate shards it.
    Where there are second opinions the model has an `opinion_head` for as long as this runs. checkpoints: where the run
    is saved after each epoch and every `checkpoint_minutes`, and resumed from; a resumed run ends with the same bytes
    as one that was never interrupted.

    Processes that call this together each compute their share of every batch, and end with the same model. Of them the
    main one alone has `checkpoints`.

    Raises `InputError`, with the step, when the loss is not a finite number; `Interrupted` after SIGINT or SIGTERM,
    when the run is saved.
    """
    device, positions, labels = accelerator.device, lessons.positions, lessons.labels
    if lessons.opinions:
        model.add_opinion_head(lessons.mean_opinions())
    bare_model = sharding.ready(accelerator, model)
    encoders.freeze(bare_model.encoder, recipe.freeze_embeddings, recipe.freeze_layers)
    if device.type == "cpu" and accelerator.mixed_precision == "bf16":
        # torch's fused attention takes ten times as long backwards in bf16 as in fp32 on a CPU, and this does not.
        bare_model.encoder.set_attn_implementation("eager")
    if accelerator.process_index:
        torch.manual_seed(recipe.seed + accelerator.process_index)  # else every share would be given the same dropout
    lengths = lessons.tokens.lengths[positions]
    longest = positions[np.argsort(-lengths, kind="stable")[: recipe.batch_size]]
    remembered = positions if recipe.self_distillation and recipe.epochs > 1 else positions[:0]
    own = processes.share(accelerator, longest)
    room = 2 * len(remembered) * labels.shape[1]  # of the beliefs, in fp16
    pieces = memory.pieces_that_fit(accelerator, bare_model, lessons.tokens, own if len(own) else longest[:1], room)
    optimizer = torch.optim.AdamW(_parameter_groups(bare_model, recipe), fused=accelerator.scaler is None)
    parallel_model, optimizer = accelerator.prepare(bare_model, optimizer)

    steps_per_epoch = math.ceil(lessons.epoch_size / recipe.batch_size)
    total = recipe.epochs * steps_per_epoch
    # Not prepared: accelerate would step it once a batch for each process.
    schedule = get_linear_schedule_with_warmup(optimizer, round(recipe.warmup * total), total)
    row_every = max(1, steps_per_epoch // ROWS_PER_EPOCH)
    sharded = ", each with a part of the model," if accelerator.is_fsdp2 else ""
    together = f"{accelerator.num_processes} processes{sharded} on {device.type}"
    place = together if accelerator.num_processes > 1 else str(device)
    precision = "fp32" if accelerator.mixed_precision == "no" else accelerator.mixed_precision
    accelerator.print(
        f"training on {place} in {precision}: {lessons.epoch_size:,} comments, {recipe.epochs} epochs, {total:,} steps",
        flush=True,
    )

    # Of a comment that was not met yet its labels are believed.
    beliefs = torch.from_numpy(labels[remembered]).to(device).half()
    run = Run(accelerator, bare_model, optimizer, schedule, beliefs)
    run.resume(checkpoints.load() if checkpoints else None)
    saved_at = time.monotonic()
    history = run.history

    def learn(batch: np.ndarray, trust: float) -> Tensor:
        """Add the gradients of the batch's mean loss; return the sum of this process's losses, without extra ones."""
        own = processes.share(accelerator, batch)
        # The gradients of all processes are averaged, and each must have some: a process without a comment of its own
        # computes another's, to no effect.
        scale = accelerator.num_processes / (len(batch) * labels.shape[1])
        chunks = [chunk for chunk in np.array_split(own, pieces) if len(chunk)]
        loss, beliefs = torch.zeros((), device=device), []
        for chunk in chunks or [batch[:1]]:
            inputs = batches.collate(lessons.tokens, positions[chunk], bare_model.tokenizer.pad_token_id, device)
            # Gradients are exchanged once, with the last chunk.
            with accelerator.no_sync(parallel_model) if chunk is not (chunks or [chunk])[-1] else nullcontext():
                logits = parallel_model(**inputs)
                learned, own_loss, believed = lessons.losses(logits, chunk, run.beliefs, trust, recipe.opinion_weight)
                accelerator.backward(learned * (scale if chunks else 0.0))
            if chunks:
                beliefs.append(believed)
                loss += own_loss
        if len(remembered):
            own_beliefs = torch.cat(beliefs) if beliefs else run.beliefs[:0]
            run.beliefs[batches.on_device(batch, device)] = processes.together(accelerator, own_beliefs, len(batch))
        return loss

    def validate() -> float:
        """Return the mean loss on the validation comments, whose logits become the history's."""
        logits = sharding.predict(accelerator, bare_model, lessons.tokens, lessons.validation)
        history.validation_logits = logits.numpy()
        target = torch.from_numpy(labels[lessons.validation]).float()
        loss = binary_cross_entropy_with_logits(logits, target).item()
        if not math.isfinite(loss):
            raise InputError(f"the validation loss is {loss} at step {run.step}: lower lr or head_lr")
        return loss

    def save() -> None:
        nonlocal saved_at
        state = run.state_dict()
        if checkpoints:
            checkpoints.save(run.step, state)
        saved_at = time.monotonic()

    with interrupts.postponed() as stop:
        # A run saved between an epoch's last step and its validation has that epoch's validation to do.
        for epoch in range(len(history.epochs) + 1, recipe.epochs + 1):
            bare_model.train()
            trust = recipe.self_distillation * (epoch - 1) / max(1, recipe.epochs - 1)
            done = run.step - (epoch - 1) * steps_per_epoch
            rows = lessons.rows_of(recipe.seed, epoch)
            order = batches.shuffled(lengths[rows], recipe.batch_size, recipe.seed, epoch)
            todo = [rows[batch] for batch in order[done:]]
            with Progress(f"epoch {epoch}/{recipe.epochs}", sum(map(len, todo))) as progress:
                for batch in todo:
                    lr = schedule.get_last_lr()[0]
                    try:
                        loss = learn(batch, trust)
                    except torch.OutOfMemoryError:
                        raise InputError(
                            f"step {run.step + 1} does not fit in the device's memory: lower batch_size"
                        ) from None
                    clipping.clip(accelerator, parallel_model.parameters(), recipe.max_grad_norm)
                    optimizer.step()
                    optimizer.zero_grad()
                    if not accelerator.optimizer_step_was_skipped:  # fp16: the gradients overflowed
                        schedule.step()

                    run.count(loss, int((batch < len(lessons.own)).sum()))
                    row_due = run.step % row_every == 0 or run.step % steps_per_epoch == 0
                    if row_due:
                        run.write_row(epoch, lr)
                    progress.add(len(batch), f"loss {history.steps[-1]['loss']:.4f}" if history.steps else "")
                    # Several processes must stop and save at the same step, and asking them all takes time.
                    if accelerator.num_processes == 1 or row_due or run.step % ASK_EVERY == 0:
                        signal = processes.any_of(accelerator, stop.signal or 0)
                        late = time.monotonic() - saved_at >= checkpoint_minutes * 60
                        if signal or processes.any_of(accelerator, late):
                            save()
                        if signal:
                            raise _interrupted(accelerator, signal, run.step)

            row = {"epoch": epoch, "step": run.step, "train_loss": run.epoch_loss / len(lessons.own)}
            row["validation_loss"] = validate() if len(lessons.validation) else None
            history.epochs.append(row)
            run.epoch_loss = 0.0
            told = [
                f"{name.replace('_', ' ')} {value:.4f}" for name, value in list(row.items())[2:] if value is not None
            ]
            accelerator.print(f"epoch {epoch}/{recipe.epochs}: {', '.join(told)}", flush=True)
            save()
            if signal := processes.any_of(accelerator, stop.signal or 0):
                raise _interrupted(accelerator, signal, run.step)
    accelerator.unwrap_model(parallel_model, keep_fp32_wrapper=False)
    model.opinion_head = bare_model.opinion_head = None
    sharding.finish(bare_model, model)
    return history


def _interrupted(accelerator: Accelerator, signal: int, step: int) -> Interrupted:
    how = "`dvc repro`" if accelerator.num_processes == 1 else "the same command"
    return Interrupted(signal, f"interrupted at step {step:,}: {how} resumes from there")


def _parameter_groups(model: EmotionClassifier, recipe: Recipe) -> list[dict]:
    """Give the head its own learning rate, and spare biases and normalisation weights from decay.

    Decay pulls towards zero, where a scale or an offset has no reason to be (Loshchilov and Hutter, Decoupled Weight
    Decay Regularization, ICLR 2019, for the decay; Devlin et al., BERT, NAACL 2019, for what it spares).
    """
    groups = []
    learned = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    for in_encoder, lr in ((True, recipe.lr), (False, recipe.head_lr)):
        own = [parameter for name, parameter in learned if name.startswith("encoder.") == in_encoder]
        for decayed in (True, False):
            parameters = [parameter for parameter in own if (parameter.ndim > 1) == decayed]
            decay = recipe.weight_decay if decayed else 0.0
            groups.append({"params": parameters, "lr": lr, "weight_decay": decay})
    return groups
