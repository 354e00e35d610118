"""A trained classifier on a BERT encoder, for prediction alone: its forward pass in plain torch.

It computes what `EmotionClassifier` computes, and spares two costs. transformers' models take three seconds to import,
and most people ask about a sentence or two. And as all comments of a batch are equally long, no token is padding, and
one matrix product gives queries, keys and values. The encoder: Devlin et al., BERT, NAACL 2019, as
https://huggingface.co/docs/transformers/model_doc/bert has it, with absolute positions.
"""

from types import SimpleNamespace

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import embedding, gelu, layer_norm, linear, scaled_dot_product_attention

from emotions import stock
from emotions.model_folder import Saved


def supports(config: dict) -> bool:
    """Say whether an encoder with this configuration of transformers is one that this module computes."""
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act", "gelu") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
    )


def shapes(config: SimpleNamespace, pooling: str, labels: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of an `EmotionClassifier` with a BERT encoder of this configuration."""
    size, wide = config.hidden_size, config.intermediate_size
    found = {
        "encoder.embeddings.word_embeddings.weight": (config.vocab_size, size),
        "encoder.embeddings.position_embeddings.weight": (config.max_position_embeddings, size),
        "encoder.embeddings.token_type_embeddings.weight": (config.type_vocab_size, size),
        "encoder.embeddings.LayerNorm.weight": (size,),
        "encoder.embeddings.LayerNorm.bias": (size,),
        "head.weight": (labels, size),
        "head.bias": (labels,),
    }
    linear = {f"attention.self.{name}": (size, size) for name in ("query", "key", "value")}
    linear |= {"attention.output.dense": (size, size), "intermediate.dense": (wide, size), "output.dense": (size, wide)}
    for number in range(config.num_hidden_layers):
        layer = f"encoder.encoder.layer.{number}."
        for name, shape in linear.items():
            found |= {f"{layer}{name}.weight": shape, f"{layer}{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found |= {f"{layer}{name}.weight": (size,), f"{layer}{name}.bias": (size,)}
    if pooling == "attention":
        found["queries.weight"] = (min(config.num_attention_heads, labels), size)
    if pooling == "pooler":
        found |= {"encoder.pooler.dense.weight": (size, size), "encoder.pooler.dense.bias": (size,)}
    return found


class PlainBert(nn.Module):
    """The classifier that a model folder holds; attributes are those of `EmotionClassifier`."""

    def __init__(self, saved: Saved, tokenizer: Tokenizer):
        """Raises `ValueError` when a weight is missing, too many, or of another shape than the configuration says."""
        super().__init__()
        config = SimpleNamespace(**saved.config, num_labels=len(saved.label_names))
        weights = saved.weights
        if stock.is_stock(config):
            config, weights = stock.from_stock(config, weights, saved.pooling, saved.groups)
        self.label_names, self.thresholds, self.max_length = saved.label_names, saved.thresholds, saved.max_length
        self.backend_tokenizer = tokenizer
        self._pooling, self._epsilon = saved.pooling, config.layer_norm_eps
        self._heads, self._layers = config.num_attention_heads, config.num_hidden_layers
        expected = shapes(config, saved.pooling, len(saved.label_names))
        found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise ValueError(f"{name} should be {expected.get(name)}, but is {found.get(name)}")
        if saved.pooling == "attention":
            self.register_buffer("groups", torch.tensor(saved.groups), persistent=False)
        for name, tensor in self._fused(weights).items():
            # torch has no dots in a buffer's name. Copied, because the file may be replaced while the model is in use.
            self.register_buffer(name.removeprefix("encoder.").replace(".", "_"), tensor.clone())

    def _fused(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Put the weights of query, key and value of each layer on top of each other."""
        fused = dict(weights)
        for number in range(self._layers):
            attention = f"encoder.encoder.layer.{number}.attention.self."
            for kind in ("weight", "bias"):
                parts = [fused.pop(f"{attention}{name}.{kind}") for name in ("query", "key", "value")]
                fused[f"{attention}all.{kind}"] = torch.cat(parts)
        return fused

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return logits, (batch, L), for token ids, (batch, length) int64, of which none is padding."""
        batch, length = input_ids.shape
        states = embedding(input_ids, self.embeddings_word_embeddings_weight)
        states = states + self.embeddings_position_embeddings_weight[:length]
        states = self._norm(states + self.embeddings_token_type_embeddings_weight[0], "embeddings_LayerNorm")
        for number in range(self._layers):
            layer = f"encoder_layer_{number}"
            heads = self._linear(states, f"{layer}_attention_self_all").view(batch, length, 3, self._heads, -1)
            query, key, value = heads.permute(2, 0, 3, 1, 4)
            seen = scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(states.shape)
            seen = self._linear(seen, f"{layer}_attention_output_dense")
            states = self._norm(seen + states, f"{layer}_attention_output_LayerNorm")
            wide = gelu(self._linear(states, f"{layer}_intermediate_dense"))
            states = self._norm(self._linear(wide, f"{layer}_output_dense") + states, f"{layer}_output_LayerNorm")
        if self._pooling == "attention":
            # For every token what it says of each label, and then their weighted average.
            said = linear(states, self.head_weight)
            weights = linear(states, self.queries_weight).softmax(dim=1)
            return (weights[..., self.groups] * said).sum(dim=1) + self.head_bias
        if self._pooling == "mean":
            pooled = states.mean(dim=1)
        elif self._pooling == "cls":
            pooled = states[:, 0]
        else:
            pooled = torch.tanh(self._linear(states[:, 0], "pooler_dense"))
        return linear(pooled, self.head_weight, self.head_bias)

    def _linear(self, states: Tensor, name: str) -> Tensor:
        return linear(states, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"))

    def _norm(self, states: Tensor, name: str) -> Tensor:
        weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
        return layer_norm(states, states.shape[-1:], weight, bias, self._epsilon)
