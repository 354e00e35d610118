"""Three ways to train one epoch of the same encoder on the same comments, and two to predict with it."""

import contextlib
import io
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from accelerate.state import AcceleratorState
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
    DataCollatorWithPadding,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)

from emotions import encoders, prediction, thresholds, training
from emotions.batches import Tokens
from emotions.lessons import Lessons
from emotions.model import EmotionClassifier
from emotions.opinions import Opinions
from emotions.params import Params


@dataclass(frozen=True)
class Work:
    """What every contender is given. texts, labels (n, L) and tokens are of the same n comments.

    weights: the folder of the encoder, or None for BERT-base with random weights, which are as fast as trained ones.
    precision: fp32, bf16 or fp16.
    """

    texts: list[str]
    labels: np.ndarray
    label_names: tuple[str, ...]
    tokens: Tokens
    tokenizer: PreTrainedTokenizerBase
    weights: Path | None
    settings: Params
    precision: str

    @property
    def device(self) -> str:
        return "cuda" if torch.cuda.is_available() else "cpu"

    def autocast(self) -> torch.autocast:
        """Return the mixed precision that the contenders without a library's own use."""
        dtype = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device, dtype, enabled=self.precision != "fp32")

    def stock_model(self) -> torch.nn.Module:
        """Return the sequence classifier that transformers puts on the encoder."""
        options = {"num_labels": len(self.label_names), "problem_type": "multi_label_classification"}
        if self.weights is None:
            return AutoModelForSequenceClassification.from_config(BertConfig(**options))
        return AutoModelForSequenceClassification.from_pretrained(self.weights, dtype="float32", **options)

    def our_model(self) -> EmotionClassifier:
        """Return the model as stages/train.py makes it."""
        settings, dropout = self.settings, self.settings.encoder_dropout
        if self.weights is None:
            encoder = BertModel(BertConfig(hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout))
        else:
            encoder = encoders.load_encoder(self.weights, dropout)
        model = EmotionClassifier(encoder, self.label_names, settings.pooling, settings.dropout, settings.max_length)
        model.tokenizer = self.tokenizer
        model.start_head(self.labels.mean(axis=0))
        return model

    def ready_model(self) -> torch.nn.Module:
        """Return the model as evaluate and `python -m emotions predict` open it."""
        model = self.our_model()
        model.thresholds = thresholds.half(len(self.label_names))
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(Path(folder, "model"))
            return prediction.load(Path(folder, "model"))


class _Padded(Dataset):
    """The notebook's: each comment is tokenised when it is asked for, and padded to `max_length` (128)."""

    def __init__(self, work: Work):
        self._work = work

    def __len__(self) -> int:
        return len(self._work.texts)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        encoded = self._work.tokenizer(
            self._work.texts[index],
            padding="max_length",
            truncation=True,
            max_length=self._work.settings.max_length,
            return_tensors="pt",
        )
        item = {name: encoded[name][0] for name in ("input_ids", "attention_mask")}
        return item | {"labels": torch.from_numpy(self._work.labels[index].astype(np.float32))}


def _notebook_batches(work: Work, shuffle: bool) -> DataLoader:
    return DataLoader(_Padded(work), work.settings.batch_size, shuffle=shuffle, num_workers=2)


def train_like_notebook(work: Work) -> None:
    """Padding to 128, two workers, plain AdamW."""
    model = work.stock_model().to(work.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=work.settings.lr)
    scaler = torch.amp.GradScaler(work.device, enabled=work.precision == "fp16")
    for batch in _notebook_batches(work, shuffle=True):
        batch = {name: tensor.to(work.device) for name, tensor in batch.items()}
        labels = batch.pop("labels")
        optimizer.zero_grad()
        with work.autocast():
            loss = binary_cross_entropy_with_logits(model(**batch).logits, labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        loss.item()


def train_with_trainer(work: Work) -> None:
    """The Hugging Face Trainer: tokens made beforehand, comments of like length together, padding to the longest."""
    bounds = zip(work.tokens.offsets[:-1], work.tokens.offsets[1:], strict=True)
    items = [
        {"input_ids": work.tokens.ids[start:end].tolist(), "labels": labels.astype(np.float32)}
        for (start, end), labels in zip(bounds, work.labels, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=work.settings.batch_size,
            learning_rate=work.settings.lr,
            train_sampling_strategy="group_by_length",
            optim="adamw_torch_fused",
            bf16=work.precision == "bf16",
            fp16=work.precision == "fp16",
            use_cpu=work.device == "cpu",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        collator = DataCollatorWithPadding(work.tokenizer)
        with contextlib.redirect_stdout(io.StringIO()):
            Trainer(work.stock_model(), arguments, train_dataset=items, data_collator=collator).train()
    AcceleratorState._reset_state()  # the next contender may want another precision


def train_like_stage(work: Work) -> None:
    """`emotions.training.train`, as stages/train.py calls it, with an opinion on each comment."""
    recipe = replace(training.Recipe.of(work.settings), epochs=1)
    everything = np.arange(len(work.texts))
    opinions = Opinions(work.labels.astype(np.float16), everything)
    with contextlib.redirect_stdout(io.StringIO()):
        accelerator = training.start(work.precision)
        lessons = Lessons(work.tokens, work.labels, everything, everything[:0], opinions=opinions)
        training.train(accelerator, work.our_model(), lessons, recipe)
    AcceleratorState._reset_state()


@torch.no_grad()
def predict_like_notebook(work: Work, model: torch.nn.Module) -> None:
    """The notebook's evaluation loop: a stock model in evaluation mode, padding to 128, two workers."""
    for batch in _notebook_batches(work, shuffle=False):
        with work.autocast():
            inputs = {name: batch[name].to(work.device) for name in ("input_ids", "attention_mask")}
            model(**inputs).logits.sigmoid().float().cpu()


def predict_like_stage(work: Work, model: torch.nn.Module) -> None:
    """Texts to probabilities as `python -m emotions predict` and evaluate do it, tokenising included."""
    prediction.predict_texts(model, work.texts)
