"""Fine-tune the encoder, choose thresholds on the validation part: comments, split → model/, loss and metrics."""

import hashlib
import importlib.metadata
import itertools
import json
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from tokenizers import Tokenizer

from emotions import (
    batches,
    checkpoints,
    comments,
    determinism,
    encoders,
    errors,
    extra_data,
    figures,
    files,
    model_card,
    opinions,
    params,
    provenance,
    scores,
    split_file,
    thresholds,
    training,
)
from emotions.lessons import Lessons
from emotions.model import EmotionClassifier
from emotions.prediction import probabilities

COMMENTS, SPLIT = "data/processed/comments.parquet", "data/splits/split.parquet"
MODEL, METRICS = "model", "metrics/train.json"
CHECKPOINTS = "checkpoints"
LOSS, STEPS, FIGURE = "plots/loss.csv", "plots/steps.csv", "plots/loss.png"
OTHER_LABELS = "{} has other labels than the data, and nothing is learned from it"


def main() -> None:
    origin = provenance.Provenance([COMMENTS, SPLIT, "params.yaml"])
    settings = params.load()
    accelerator = training.start(settings.precision)
    with accelerator.local_main_process_first():  # of several on a machine, one fetches what is not yet here
        folder = encoders.locate(settings.encoder, settings.revision)
    beside = [(settings.extra_data, settings.label_minimum), (settings.opinions, settings.opinion_weight)]
    origin.add([folder, *(path for path, used in beside if used)])
    table = comments.read(COMMENTS, ["ids", "labels"])
    parts = split_file.read(SPLIT, table.ids)
    train, validation = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "validation")

    determinism.set_up(settings.seed, settings.threads, settings.deterministic)
    tokenizer = encoders.load_tokenizer(folder)
    if batches.fingerprint(tokenizer.backend_tokenizer) != table.tokenizer:
        raise errors.InputError(
            f"{COMMENTS} was made with another tokenizer than {settings.encoder}'s: run `dvc repro preprocess`"
        )
    more, extra = extra_comments(settings, accelerator, table, train, tokenizer.backend_tokenizer)
    learned = np.concatenate([train, extra.positions[extra.chances > 0]]) if extra else train
    second = second_opinions(settings, accelerator, table.label_names, more, learned)
    model = EmotionClassifier(
        encoders.load_encoder(folder, settings.encoder_dropout),
        table.label_names,
        settings.pooling,
        settings.dropout,
        settings.max_length,
    )
    model.tokenizer = tokenizer
    model.start_head(table.labels[train].mean(axis=0))
    lessons = Lessons(
        comments.read_tokens(COMMENTS, more and more.tokens),
        np.concatenate([table.labels, more.labels]) if more else table.labels,
        train,
        validation,
        extra,
        second,
    )
    run = fingerprint(settings, origin, accelerator)
    saved = checkpoints.Checkpoints(CHECKPOINTS, run) if accelerator.is_main_process else None
    recipe = training.Recipe.of(settings)
    history = training.train(accelerator, model, lessons, recipe, saved, settings.checkpoint_minutes)
    accelerator.end_training()
    if not accelerator.is_main_process:
        return  # all processes have the same model now, and one writes it

    metrics = {
        "epochs": settings.epochs,
        "steps": history.epochs[-1]["step"],
        "train_comments": len(train),
        "extra_comments": len(extra.positions) if extra else 0,
        "second_opinions": second.count if second else 0,
        "validation_comments": len(validation),
        "train_loss": round(history.epochs[-1]["train_loss"], scores.DIGITS),
    }
    if len(validation):
        probability = probabilities(history.validation_logits)
        model.thresholds = thresholds.choose(table.labels[validation], probability)
        metrics["validation_loss"] = round(history.epochs[-1]["validation_loss"], scores.DIGITS)
        metrics |= validation_scores(table.labels[validation], probability, settings.seed)
    else:
        print("no validation part: every threshold is 0.5")
        model.thresholds = thresholds.half(len(table.label_names))
    metrics["threshold_global"] = model.thresholds.common

    origin.check()
    steps, epochs = pd.DataFrame(history.steps), pd.DataFrame(history.epochs)
    with files.replacing(MODEL) as partial:
        model.save_pretrained(partial)
        card = model_card.write(settings.encoder, settings.data, settings.extra_data, settings.opinions, model, metrics)
        files.write_text(partial / "README.md", card)
    files.write_json(METRICS, metrics)
    files.write_csv(LOSS, epochs, "%.5f")
    files.write_csv(STEPS, steps, "%.7g")
    figures.draw_loss(steps, epochs, FIGURE)
    origin.check()
    saved.finish()


def extra_comments(
    settings: params.Params, accelerator: Accelerator, table: comments.Comments, train: np.ndarray, tokenizer: Tokenizer
) -> tuple[comments.Comments | None, extra_data.Extra | None]:
    """Return the comments of `extra_data` that `data` has not, to follow those, and what training should know of them.

    Both are None where there are none, or none is needed.
    """
    if not settings.label_minimum:
        return None, None
    own_texts = (text for piece in comments.stream(COMMENTS, ["texts"]) for text in piece.texts.to_pylist())
    more = extra_data.read(settings.extra_data, table.label_names, own_texts, tokenizer, settings.max_length)
    if more is None:
        accelerator.print(OTHER_LABELS.format(settings.extra_data))
        return None, None
    extra = extra_data.plan(more.labels, table.labels[train], len(table.labels), settings.label_minimum)
    if extra is None:
        return None, None
    accelerator.print(
        f"learning from {len(extra.positions):,} comments of {settings.extra_data}, too: "
        f"{extra.epoch_size:,} in each epoch"
    )
    return more, extra


def second_opinions(
    settings: params.Params,
    accelerator: Accelerator,
    label_names: tuple[str, ...],
    more: comments.Comments | None,
    learned: np.ndarray,
) -> opinions.Opinions | None:
    """Return those on the comments at positions `learned`, where those of `more` follow all of `data`.

    None where there are none.
    """
    if not settings.opinion_weight:
        return None
    pieces = ((piece.ids, piece.texts) for piece in comments.stream(COMMENTS, ["ids", "texts"]))
    known = opinions.read(
        settings.opinions, label_names, itertools.chain(pieces, [(more.ids, more.texts)] if more else [])
    )
    if known is None:
        accelerator.print(OTHER_LABELS.format(settings.opinions))
        return None
    known = known.only(learned)
    if not known.count:
        return None
    accelerator.print(f"learning from second opinions on {known.count:,} of all these, too: {settings.opinions}")
    return known


def validation_scores(labels: np.ndarray, probability: np.ndarray, seed: int) -> dict[str, float]:
    """Return F1 with the thresholds of the labels and with a common one, cross-fitted, and average precision."""
    found, endings = {}, {"per_label": "", "global": "_global"}
    judged = thresholds.cross_fitted(labels, probability, tuple(endings), seed)
    for given, ending in zip(judged, endings.values(), strict=True):
        f1 = scores.score(labels, given.astype(float), np.full(labels.shape[1], 0.5))
        found |= {f"validation_{name}{ending}": f1[name] for name in ("f1_micro", "f1_macro")}
    found["validation_average_precision_macro"] = scores.score(labels, probability, 0.5)["average_precision_macro"]
    return found


def fingerprint(settings: params.Params, origin: provenance.Provenance, accelerator: Accelerator) -> str:
    """Return a sha256 over all that decides the bytes that training ends with, this machine's part included."""
    used = settings.model_dump(exclude={"checkpoint_minutes", "threshold"})
    together = [accelerator.num_processes, accelerator.is_fsdp2]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else torch.backends.cpu.get_cpu_capability()
    machine = [platform.machine(), device, accelerator.mixed_precision, torch.get_num_threads(), *together]
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers", "accelerate", "numpy")]
    content = json.dumps([used, machine, versions, origin.digest(leave_out=["params.yaml"])], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


if __name__ == "__main__":
    errors.run(main)
