"""Fine-tune the encoder and choose thresholds on the validation part: comments, split → model/, tables, metrics."""

import hashlib
import importlib.metadata
import json
import platform

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator

from emotions.core import determinism, errors, files, params
from emotions.core.inputs import Inputs
from emotions.data import encoders, store, tokens
from emotions.metrics import scores, thresholds
from emotions.model import classifier
from emotions.model.prediction import probabilities
from emotions.training import card
from emotions.training.accelerator import start
from emotions.training.checkpoints import Checkpoints, Run
from emotions.training.loop import Examples, train

COMMENTS, SPLIT = "data/processed/comments.parquet", "data/splits/split.parquet"
MODEL, METRICS, CHECKPOINTS = "model", "metrics/train.json", "checkpoints"
STEPS, EPOCHS = "plots/training/steps.csv", "plots/training/loss.csv"


def main() -> None:
    inputs = Inputs([COMMENTS, SPLIT, "params.yaml"])
    settings = params.load()
    accelerator = start(settings)
    with accelerator.local_main_process_first():  # of several on a machine, one downloads
        folder = encoders.locate(settings.encoder, settings.revision)
    inputs.add([folder])
    table = store.read(COMMENTS, ["ids", "labels", "tokens"])
    parts = store.read_split(SPLIT, table.ids)
    train_part, validation = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "validation")
    examples = Examples(table.tokens, table.labels, train_part, validation)

    determinism.set_up(settings.seed + accelerator.process_index, settings.threads)
    model = classifier.create(folder, table.label_names, settings.max_length, settings.dropout)
    if tokens.fingerprint(model.tokenizer.backend_tokenizer) != table.tokenizer:
        raise errors.InputError(f"{COMMENTS} was made with another tokenizer: run `dvc repro preprocess`")
    classifier.start_head(model, table.labels[train_part].mean(axis=0))
    checkpoints = Checkpoints(CHECKPOINTS, fingerprint(settings, inputs, accelerator), accelerator.is_main_process)
    run = train(accelerator, model, examples, settings, checkpoints, write_tables)
    accelerator.end_training()
    if not accelerator.is_main_process:
        return  # all processes have the same model, and one writes it

    metrics: dict[str, float] = {"epochs": settings.epochs, "steps": run.step}
    metrics |= {"train_comments": len(train_part), "validation_comments": len(validation)}
    metrics["train_loss"] = round(run.epochs[-1]["train_loss"], scores.DIGITS)
    if run.logits is None:
        print("no validation part: every threshold is 0.5")
        model.thresholds = thresholds.half(len(table.label_names))
    else:
        labels, probability = table.labels[validation], probabilities(run.logits.cpu().numpy())
        model.thresholds = thresholds.choose(labels, probability)
        metrics["validation_loss"] = round(run.epochs[-1]["validation_loss"], scores.DIGITS)
        metrics |= validation_scores(labels, probability, settings.seed)
    metrics["threshold_global"] = model.thresholds.common

    inputs.check()
    with files.replacing(MODEL) as partial:
        model.save(partial)
        files.write_text(partial / "README.md", card.write(settings, model, metrics))
    files.write_json(METRICS, metrics)
    checkpoints.finish()
    print(*(f"{name:<36} {value}" for name, value in metrics.items()), sep="\n")


def write_tables(run: Run) -> None:
    """Write the rows of steps and epochs so far."""
    files.write_csv(STEPS, pd.DataFrame(run.steps), float_format="%.7g")
    if run.epochs:
        files.write_csv(EPOCHS, pd.DataFrame(run.epochs), float_format="%.7g")


def validation_scores(labels: np.ndarray, probability: np.ndarray, seed: int) -> dict[str, float]:
    """Return average precision, and F1 with thresholds from other folds; labels and probabilities are (v, L)."""
    found: dict[str, float] = {}
    predictions = thresholds.cross_fitted(labels, probability, ("per_label", "global"), seed)
    for predicted, ending in zip(predictions, ("", "_global"), strict=True):
        f1 = scores.score(labels, predicted.astype(float), 0.5)
        found |= {f"validation_{name}{ending}": f1[name] for name in ("f1_micro", "f1_macro")}
    found["validation_average_precision_macro"] = scores.score(labels, probability, 0.5)["average_precision_macro"]
    return found


def fingerprint(settings: params.Params, inputs: Inputs, accelerator: Accelerator) -> str:
    """Return a sha256 over everything that decides the bytes that training ends with, this machine included."""
    used = settings.model_dump(exclude={"checkpoint_minutes", "threshold"})
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else torch.backends.cpu.get_cpu_capability()
    machine = [platform.machine(), device, accelerator.mixed_precision, torch.get_num_threads()]
    together = [accelerator.num_processes, str(accelerator.distributed_type)]
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers", "accelerate", "numpy")]
    content = json.dumps([used, machine, together, versions, inputs.digest(leave_out=["params.yaml"])], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


if __name__ == "__main__":
    errors.run(main)
