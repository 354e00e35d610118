"""EmotionClassifier: encoder → pooling → dropout → linear, and the folder that it is saved in."""

import copy
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from emotions import batches, encoders, model_folder, stock
from emotions.errors import InputError
from emotions.files import write_json
from emotions.model_folder import SETTINGS, WEIGHTS
from emotions.thresholds import Thresholds

# Sentences that name a label.
NAMING = ("This comment expresses {}.", "{}")
# How much a label's name counts before training.
NAME_WEIGHT = 1.0


class EmotionClassifier(nn.Module):
    """A multi-label classifier of comments: one logit for each label.

    pooling: `"attention"` weighs the last hidden states of the comment's tokens by a learned query, since not the same
    words tell of grief and of joy; labels of like meaning share one, and there are as many as the encoder has attention
    heads (Mullenbach et al., Explainable Prediction of Medical Codes from Clinical Text, NAACL 2018, have one for each
    label). `"mean"` averages them evenly (Reimers and Gurevych, Sentence-BERT, EMNLP 2019), `"cls"` takes the first
    token's, `"pooler"` the encoder's own pooled output.

    groups: with attention, the number of each label's query, (L,); else None.

    `opinion_head`, None but in training, is a second head on the same pooled states, which learns second opinions
    (`emotions.opinions`): what the encoder learns for it is of use to the first. It is not saved.

    `thresholds` and `tokenizer` are None until training sets them; both are saved with the weights. `max_length` is
    the number of tokens after which comments were cut off.
    """

    def __init__(
        self,
        encoder: PreTrainedModel,
        label_names: tuple[str, ...],
        pooling: str,
        dropout: float,
        max_length: int,
        groups: Sequence[int] | None = None,
    ):
        """Raises `InputError` when pooling is `"pooler"` and the encoder has none."""
        super().__init__()
        if pooling not in ("attention", "mean", "cls", "pooler"):
            raise ValueError(f"pooling is {pooling!r}, but should be attention, mean, cls or pooler")
        if pooling == "pooler" and getattr(encoder, "pooler", None) is None:
            raise InputError(f"pooling pooler: a {encoder.config.model_type} encoder has no pooler; use mean or cls")
        if pooling != "pooler" and getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # would be saved, and trained by weight decay alone
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, len(label_names))
        self.opinion_head: nn.Linear | None = None
        self.register_buffer("groups", None, persistent=False)
        if pooling == "attention":
            count = min(encoder.config.num_attention_heads, len(label_names))
            self.queries = nn.Linear(encoder.config.hidden_size, count, bias=False)
            nn.init.zeros_(self.queries.weight)  # even at first
            groups = torch.arange(len(label_names)) * count // len(label_names) if groups is None else groups
            self.groups = torch.as_tensor(groups)
        self.label_names = tuple(label_names)
        self.pooling = pooling
        self.max_length = max_length
        self.thresholds: Thresholds | None = None
        self.tokenizer: PreTrainedTokenizerBase | None = None

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return logits, (batch, L), for token ids and their mask, both (batch, length) int64.

        Without a mask every token counts. In training those of the `opinion_head` follow, where there is one: then they
        are (batch, 2 L).
        """
        pooled = self.dropout(self.pool(input_ids, attention_mask))
        heads = [self.head, self.opinion_head] if self.training and self.opinion_head is not None else [self.head]
        # In fp32 under autocast, too: small probabilities need the digits.
        mixed = torch.is_autocast_enabled(pooled.device.type)
        with torch.autocast(pooled.device.type, enabled=False) if mixed else nullcontext():
            logits = [head(pooled.to(head.weight.dtype)) for head in heads]
        if self.pooling == "attention":
            # Each label's product with the states of its own query. The others are computed, too, for that is cheaper
            # than picking states first.
            own = self.groups.expand(len(pooled), 1, -1)
            logits = [products.gather(1, own).squeeze(1) for products in logits]
        return torch.cat(logits, dim=1)

    def pool(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return one vector a comment, (batch, hidden size); with attention one a query, (batch, queries, size)."""
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        if self.pooling == "pooler":
            return output.pooler_output
        if self.pooling == "cls":
            return output.last_hidden_state[:, 0]
        if self.pooling == "attention":
            weights = self.queries(output.last_hidden_state)
            if attention_mask is not None:
                weights = weights.masked_fill(attention_mask.unsqueeze(-1) == 0, torch.finfo(weights.dtype).min)
            weights = weights.softmax(dim=1).to(output.last_hidden_state.dtype)
            return weights.transpose(1, 2) @ output.last_hidden_state
        if attention_mask is None:
            return output.last_hidden_state.mean(dim=1)
        mask = attention_mask.unsqueeze(-1).to(output.last_hidden_state.dtype)
        return (output.last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1)

    @property
    def backend_tokenizer(self) -> Tokenizer:
        """The tokenizer without what transformers puts around it."""
        return self.tokenizer.backend_tokenizer

    @property
    def has_stock_form(self) -> bool:
        """Whether stock `transformers` opens the folder that this is saved in as a text classifier."""
        return stock.has_stock_form(self.encoder.config, self.pooling, len(self.label_names))

    @torch.no_grad()
    def start_head(self, frequencies: np.ndarray) -> None:
        """Set the head to what is known before training: how frequent labels are, and what their names mean.

        frequencies: of each label, (L,) from 0 to 1. The biases become their log-odds, so that no step is spent on
        learning that most labels are rare (Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, section 4.1).

        A label's weights become `NAME_WEIGHT` times the direction, away from the mean of all labels, in which a
        sentence lies that names it. An encoder of sentences has comments about grief lie in the direction of the word,
        and a rare label begins there instead of anywhere (Snell, Swersky and Zemel, Prototypical Networks for Few-shot
        Learning, NeurIPS 2017, section 2.7). Needs the tokenizer.
        """
        self.head.bias.copy_(torch.from_numpy(log_odds(frequencies)))
        sentences = [form.format(name.replace("_", " ")) for name in self.label_names for form in NAMING]
        tokens, _ = batches.tokenise(self.backend_tokenizer, sentences, self.max_length)
        was_training = self.training
        self.eval()
        inputs = batches.collate(tokens, np.arange(len(sentences)), self.tokenizer.pad_token_id)
        # Names that the tokenizer cannot tell apart have no direction, and eps keeps rounding from giving them one.
        pooled = self.pool(**inputs)
        pooled = pooled.mean(dim=1) if self.pooling == "attention" else pooled
        vectors = normalize(pooled, dim=1).view(len(self.label_names), len(NAMING), -1)
        self.train(was_training)
        directions = normalize(vectors.sum(dim=1), dim=1)
        directions = normalize(directions - directions.mean(dim=0), dim=1, eps=1e-3)
        self.head.weight.copy_(NAME_WEIGHT * directions)
        if self.pooling == "attention":
            self.groups.copy_(_groups(directions, self.queries.out_features))

    @torch.no_grad()
    def add_opinion_head(self, frequencies: np.ndarray) -> None:
        """Add the `opinion_head`: a copy of the head, but for biases at the log-odds of the mean opinions, (L,)."""
        self.opinion_head = copy.deepcopy(self.head)
        self.opinion_head.bias.copy_(torch.from_numpy(log_odds(frequencies)))

    def save_pretrained(self, folder: Path) -> None:
        """Write config.json, model.safetensors, the tokenizer and emotions.json (labels, pooling, thresholds).

        Configuration and weights are those of a stock sequence classifier where there is one (`emotions.stock`).
        """
        folder.mkdir(parents=True)
        config, weights = copy.deepcopy(self.encoder.config), self.state_dict()
        config.id2label = dict(enumerate(self.label_names))
        config.label2id = {name: index for index, name in enumerate(self.label_names)}
        config.problem_type = "multi_label_classification"
        config.architectures = [type(self.encoder).__name__]
        if self.has_stock_form:
            config, weights = stock.to_stock(config, weights, self.pooling, self.groups)
        config.save_pretrained(folder)
        written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        written.pop("transformers_version", None)  # would change the file, and nothing else
        write_json(folder / "config.json", written)
        self.tokenizer.model_max_length = self.max_length  # where `truncation=True` cuts off
        self.tokenizer.save_pretrained(folder)
        weights = {name: tensor.detach().float().cpu().contiguous() for name, tensor in weights.items()}
        safetensors.torch.save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        (folder / WEIGHTS).chmod((folder / "config.json").stat().st_mode)  # it comes readable by its owner alone
        write_json(
            folder / SETTINGS,
            {
                "labels": self.label_names,
                "pooling": self.pooling,
                "groups": None if self.groups is None else self.groups.tolist(),
                "dropout": self.dropout.p,
                "max_length": self.max_length,
                "threshold_global": self.thresholds.common,
                "threshold_per_label": dict(zip(self.label_names, self.thresholds.per_label, strict=True)),
            },
        )

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "EmotionClassifier":
        """Load what `save_pretrained` wrote, on the CPU and ready to predict.

        Raises `InputError` when the folder is missing, lacks a file, or has one that is cut short.
        """
        return cls.from_saved(model_folder.read(folder), folder)

    @classmethod
    def from_saved(cls, saved: model_folder.Saved, folder: str | Path) -> "EmotionClassifier":
        """Return the model of `folder`, as `from_pretrained` does, from what `model_folder.read` found there."""
        with model_folder.told_when_damaged(folder):
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            weights = saved.weights
            if stock.is_stock(config):
                config, weights = stock.from_stock(config, weights, saved.pooling, saved.groups)
            encoder = AutoModel.from_config(config, trust_remote_code=False)
            model = cls(encoder, saved.label_names, saved.pooling, saved.dropout, saved.max_length, saved.groups)
            model.load_state_dict(weights)
        model.thresholds = saved.thresholds
        model.tokenizer = encoders.load_tokenizer(Path(folder))
        return model.eval()


def log_odds(frequencies: np.ndarray) -> np.ndarray:
    """Return the log-odds of frequencies from 0 to 1; those of 0 and 1 are finite, too."""
    inside = np.clip(frequencies, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))


def _groups(directions: Tensor, count: int) -> Tensor:
    """Put labels with directions, (L, D), into `count` groups of almost equal size: neighbours by their main component.

    Returns the number of each label's group, (L,).
    """
    # Weights that are no numbers are for the training loop to tell of, by its loss.
    component = torch.linalg.svd(directions.double().nan_to_num())[0][:, 0]
    component = component * component[component.abs().argmax()].sign()  # its sign is the library's choice
    groups = torch.empty(len(directions), dtype=torch.int64)
    groups[component.argsort(stable=True)] = torch.arange(len(directions)) * count // len(directions)
    return groups
