"""Three ways to train one epoch of the same encoder on the same comments, and two to predict with it."""

import copy
import tempfile
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase, Trainer, TrainingArguments

from emotions.core.params import Params
from emotions.data import encoders, store
from emotions.data.tokens import Tokens
from emotions.model import classifier, prediction
from emotions.training import loop
from emotions.training.accelerator import start


class Work:
    """The first n comments of the last `dvc repro preprocess`, and the untrained models.

    labels: (n, L). stock: the model as transformers loads it. ours: the classifier as stages/train.py makes it.
    """

    def __init__(self, count: int, settings: Params):
        self.settings = settings
        table = store.read("data/processed/comments.parquet", ["texts", "labels", "tokens"])
        self.texts, self.labels = table.texts[:count].to_pylist(), table.labels[:count]
        ends = table.tokens.offsets[: count + 1]
        self.tokens = Tokens(table.tokens.ids[: ends[-1]], ends)
        encoder = encoders.locate(settings.encoder, settings.revision)
        options = {"num_labels": len(table.label_names), "problem_type": "multi_label_classification"}
        self.stock = AutoModelForSequenceClassification.from_pretrained(encoder, dtype="float32", **options)
        self.ours = classifier.create(encoder, table.label_names, settings.max_length, settings.dropout)
        classifier.start_head(self.ours, self.labels.mean(axis=0))
        for model in (self.stock, self.ours.model):
            model.to("cuda" if torch.cuda.is_available() else "cpu")


def padded(tokenizer: PreTrainedTokenizerBase, comments: list[tuple[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """Return the notebook's batch: each comment tokenised by itself, when needed, and padded to the limit (128)."""
    encoded = [tokenizer(text, padding="max_length", truncation=True) for text, _ in comments]
    inputs = {name: torch.tensor([one[name] for one in encoded]) for name in ("input_ids", "attention_mask")}
    return inputs | {"labels": torch.from_numpy(np.array([labels for _, labels in comments], np.float32))}


def notebook_batches(work: Work, shuffle: bool) -> DataLoader:
    comments, collate = list(zip(work.texts, work.labels, strict=True)), partial(padded, work.ours.tokenizer)
    return DataLoader(comments, work.settings.batch_size, shuffle=shuffle, num_workers=2, collate_fn=collate)


def train_like_notebook(work: Work) -> None:
    """Padding to 128, two workers, plain AdamW; accelerate adds the device and the precision."""
    model, accelerator = copy.deepcopy(work.stock).train(), start(work.settings)
    adamw = torch.optim.AdamW(model.parameters(), lr=work.settings.lr)
    model, adamw, batches = accelerator.prepare(model, adamw, notebook_batches(work, shuffle=True))
    for batch in batches:
        adamw.zero_grad()
        loss = model(**batch).loss
        accelerator.backward(loss)
        adamw.step()
        loss.item()


def train_with_trainer(work: Work) -> None:
    """The Hugging Face Trainer: tokenised beforehand, grouping by length, padding to the longest of a batch."""
    token_ids = np.split(work.tokens.ids, work.tokens.offsets[1:-1])
    labels = work.labels.astype(np.float32)
    items = [{"input_ids": ids.tolist(), "labels": row} for ids, row in zip(token_ids, labels, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=work.settings.batch_size,
            train_sampling_strategy="group_by_length",
            bf16=work.settings.precision == "bf16",
            fp16=work.settings.precision == "fp16",
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            disable_tqdm=True,
        )
        model, tokenizer = copy.deepcopy(work.stock), work.ours.tokenizer
        Trainer(model, arguments, train_dataset=items, processing_class=tokenizer).train()


def train_like_stage(work: Work) -> None:
    everything = np.arange(len(work.texts))
    examples = loop.Examples(work.tokens, work.labels, train=everything, validation=everything[:0])
    settings = work.settings.model_copy(update={"epochs": 1})
    loop.train(start(settings), copy.deepcopy(work.ours), examples, settings)


@torch.no_grad()
def predict_like_notebook(work: Work) -> None:
    """The notebook's evaluation loop: a stock model in evaluation mode, padding to 128, two workers."""
    model, accelerator = work.stock.eval(), start(work.settings)
    for batch in accelerator.prepare(notebook_batches(work, shuffle=False)):
        with accelerator.autocast():
            logits = model(**batch).logits
        logits.float().sigmoid().cpu()


def predict_like_stage(work: Work) -> None:
    prediction.predict_texts(work.ours, work.texts)


TRAINING = {"notebook": train_like_notebook, "Trainer": train_with_trainer, "this repository": train_like_stage}
PREDICTION = {"notebook": predict_like_notebook, "this repository": predict_like_stage}
