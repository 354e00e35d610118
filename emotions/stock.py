"""A classifier's weights in the form of a sequence classifier that stock `transformers` knows, and back, to the bit.

Stock classifiers read the first token through a layer of their own: logits = out · f(dense · h₀), where f is tanh
(BERT, RoBERTa), ReLU (DistilBERT) or GELU (ELECTRA). Ours are W · pooled + b. They are written as follows; z stands for
the L logits, D for the hidden size.

pooler: the encoder's pooler is the stock dense layer where f is tanh, and W, b are out.

cls: dense gives (tz, -tz), and out takes the difference of the two. GELU and ReLU have f(x) - f(-x) = x, with t = 1.
tanh has x up to x³/3, so t is 2⁻¹²: the error in a probability stays below 10⁻⁷, for where x is large, so is |z|, and
the sigmoid is flat.

mean and attention: one more encoder layer averages over the tokens, padding left out. With mean its query and key are
zero, so that its attention is even, its value is W, b, and its output is (Kz, -Kz, KR, -KR, 0 …). With attention, each
head has the labels of one query: the head's query is a constant, its key is the token's product with ours, and its
value is W, b of those labels. K is so large that adding the layer's input, the
residual connection, is lost in rounding. R is so large that it alone decides the variance by which layer normalisation
divides: z comes out times √(D/2)/R, with a relative error of ∑z²/2R², 10⁻⁷ or so. The feed-forward part is zero, and
the second normalisation finds nothing left to change. The first token then holds what cls needs. A padded batch gives
what a single comment gives. fp32 and bf16 can hold these numbers; in fp16 K is infinite, and the probabilities are not
numbers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

K = 2.0**24
R = 2.0**16
# A power of two: fp32 weights come back from it to the bit.
TANH_SCALE = 2.0**-12


@dataclass(frozen=True)
class Family:
    """How an architecture names its parts. In `layer`, {} is the layer's number; those after it stand inside it."""

    architecture: str
    prefix: str
    dense: str
    out: str
    tanh: bool
    layer: str = "encoder.layer.{}."
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    output: str = "attention.output.dense"
    norms: tuple[str, str] = ("attention.output.LayerNorm", "output.LayerNorm")


ROBERTA = {"prefix": "roberta.", "dense": "classifier.dense", "out": "classifier.out_proj", "tanh": True}
FAMILIES = {
    "bert": Family("BertForSequenceClassification", "bert.", "bert.pooler.dense", "classifier", tanh=True),
    "roberta": Family("RobertaForSequenceClassification", **ROBERTA),
    "xlm-roberta": Family("XLMRobertaForSequenceClassification", **ROBERTA),
    "electra": Family(
        "ElectraForSequenceClassification", "electra.", "classifier.dense", "classifier.out_proj", tanh=False
    ),
    "distilbert": Family(
        "DistilBertForSequenceClassification",
        "distilbert.",
        "pre_classifier",
        "classifier",
        tanh=False,
        layer="transformer.layer.{}.",
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        output="attention.out_lin",
        norms=("sa_layer_norm", "output_layer_norm"),
    ),
}


def has_stock_form(config: PreTrainedConfig, pooling: str, count: int) -> bool:
    """Say whether a classifier of `count` labels on an encoder with this configuration has a stock form."""
    family = FAMILIES.get(config.model_type)
    if family is None or getattr(config, "is_decoder", False):
        return False
    if pooling == "pooler":
        return family.tanh
    return 2 * count + (0 if pooling == "cls" else 2) <= config.hidden_size


def is_stock(config: PreTrainedConfig) -> bool:
    """Say whether a saved model's configuration is that of a stock form."""
    family = FAMILIES.get(config.model_type)
    return family is not None and config.architectures == [family.architecture]


def to_stock(
    config: PreTrainedConfig, state: dict[str, Tensor], pooling: str, groups: Sequence[int] | None = None
) -> tuple[PreTrainedConfig, dict[str, Tensor]]:
    """Return the stock configuration and weights, fp32, for those of an `EmotionClassifier` that has a stock form.

    config: the encoder's. state: `encoder.…`, `head.weight` (L, D), `head.bias` (L,) and, with attention,
    `queries.weight` (queries, D), of which `groups` says which one each label has, (L,).
    """
    family, config = FAMILIES[config.model_type], copy.deepcopy(config)
    state = {name: tensor.detach().float().cpu() for name, tensor in state.items()}
    weight, bias = state.pop("head.weight"), state.pop("head.bias")
    stock = {family.prefix + name.removeprefix("encoder."): tensor for name, tensor in state.items()}
    config.architectures = [family.architecture]
    if pooling == "pooler":
        for part in ("weight", "bias"):
            stock[f"{family.dense}.{part}"] = stock.pop(f"{family.prefix}pooler.dense.{part}")
        return config, {**stock, f"{family.out}.weight": weight, f"{family.out}.bias": bias}

    count, size = len(bias), config.hidden_size
    # z = gain · (rows · h₀ + offset), and scale is the t above.
    rows, offset, gain = weight, bias, 1.0
    scale = TANH_SCALE if family.tanh else 1.0
    if pooling != "cls":
        queries = stock.pop(f"{family.prefix}queries.weight", None)
        stock |= _averaging_layer(family, stock, config, weight, bias, queries, groups)
        config.num_hidden_layers += 1
        rows = (torch.eye(count, size) - torch.eye(count, size).roll(count, dims=1)) / 2
        offset, scale = torch.zeros(count), 1.0
        gain = R / math.sqrt(size / 2) * math.sqrt(1 + _epsilon(config))
    dense, shift = torch.zeros(size, size), torch.zeros(size)
    dense[: 2 * count] = torch.cat([rows, -rows]) * scale
    shift[: 2 * count] = torch.cat([offset, -offset]) * scale
    out = torch.zeros(count, size)
    both = gain / scale / (2 if family.tanh else 1)
    out[:, : 2 * count] = torch.cat([torch.eye(count), -torch.eye(count)], dim=1) * both
    stock[f"{family.dense}.weight"], stock[f"{family.dense}.bias"] = dense, shift
    stock[f"{family.out}.weight"], stock[f"{family.out}.bias"] = out, torch.zeros(count)
    return config, stock


def from_stock(
    config: PreTrainedConfig, stock: dict[str, Tensor], pooling: str, groups: Sequence[int] | None = None
) -> tuple[PreTrainedConfig, dict[str, Tensor]]:
    """Return the encoder's configuration and the weights of the `EmotionClassifier` that `to_stock` was given.

    Raises `KeyError` when a weight is missing.
    """
    family, config = FAMILIES[config.model_type], copy.deepcopy(config)
    stock, count, queries = dict(stock), config.num_labels, {}
    dense = {part: stock.pop(f"{family.dense}.{part}") for part in ("weight", "bias")}
    out = {part: stock.pop(f"{family.out}.{part}") for part in ("weight", "bias")}
    if pooling == "pooler":
        stock |= {f"{family.prefix}pooler.dense.{part}": tensor for part, tensor in dense.items()}
        head = out
    elif pooling == "cls":
        scale = TANH_SCALE if family.tanh else 1.0
        head = {part: tensor[:count] / scale for part, tensor in dense.items()}
    else:
        config.num_hidden_layers -= 1
        layer = family.prefix + family.layer.format(config.num_hidden_layers)
        added = {name: stock.pop(name) for name in list(stock) if name.startswith(layer)}
        rows = _rows(config, count, groups)
        head = {part: added[f"{layer}{family.value}.{part}"][rows] for part in dense}
        if pooling == "attention":
            step = config.hidden_size // config.num_attention_heads
            used = min(config.num_attention_heads, count)
            queries = {"queries.weight": added[f"{layer}{family.key}.weight"][::step][:used]}
    state = {f"encoder.{name.removeprefix(family.prefix)}": tensor for name, tensor in stock.items()}
    return config, state | queries | {f"head.{part}": tensor for part, tensor in head.items()}


def _averaging_layer(
    family: Family,
    state: dict[str, Tensor],
    config: PreTrainedConfig,
    weight: Tensor,
    bias: Tensor,
    queries: Tensor | None,
    groups: Sequence[int] | None,
) -> dict[str, Tensor]:
    """Return the weights of one more layer, which has the shapes of the last one; what is not set is zero.

    queries, groups: None for an even average.
    """
    count, number = len(bias), config.num_hidden_layers
    before, step = family.prefix + family.layer.format(number - 1), config.hidden_size // config.num_attention_heads
    layer = {
        name.removeprefix(before): torch.zeros_like(tensor) for name, tensor in state.items() if name.startswith(before)
    }
    rows = _rows(config, count, groups)
    layer[f"{family.value}.weight"][rows], layer[f"{family.value}.bias"][rows] = weight, bias
    layer[f"{family.output}.weight"][:count, rows] = K * torch.eye(count)
    layer[f"{family.output}.weight"][count : 2 * count, rows] = -K * torch.eye(count)
    if queries is not None:
        # One number of a head is enough for its product; attention divides products by the root of their length.
        firsts = torch.arange(len(queries)) * step
        layer[f"{family.query}.bias"][firsts] = math.sqrt(step)
        layer[f"{family.key}.weight"][firsts] = queries
    layer[f"{family.output}.bias"][2 * count : 2 * count + 2] = torch.tensor([K * R, -K * R])
    for norm in family.norms:
        layer[f"{norm}.weight"].fill_(1)
    return {family.prefix + family.layer.format(number) + name: tensor for name, tensor in layer.items()}


def _rows(config: PreTrainedConfig, count: int, groups: Sequence[int] | None) -> list[int]:
    """Return the row of the added layer's value that each of `count` labels has: one within the head of its group."""
    if groups is None:
        return list(range(count))
    groups, step = [int(group) for group in groups], config.hidden_size // config.num_attention_heads
    return [group * step + groups[:label].count(group) for label, group in enumerate(groups)]


def _epsilon(config: PreTrainedConfig) -> float:
    return getattr(config, "layer_norm_eps", 1e-12)  # DistilBERT's is fixed
