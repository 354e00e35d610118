"""A multi-label text classifier: a stock sequence classifier of transformers, its tokenizer, and our thresholds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from emotions.core.errors import InputError
from emotions.core.files import write_json
from emotions.data import encoders
from emotions.data.tokens import Tokens, tokenise
from emotions.metrics.thresholds import Thresholds
from emotions.model import batches

THRESHOLDS = "thresholds.json"
LOADING = {"use_safetensors": True, "dtype": "float32", "output_loading_info": True, **encoders.LOCAL}
TANH_HEADS = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")  # first token → dense → tanh → output
NAMING = ("This comment expresses {}.", "{}")  # sentences that name a label


@dataclass
class Classifier:
    """A model with all that is needed to label texts.

    Attributes:
        model: A stock sequence classifier; its configuration names the L labels.
        tokenizer: The encoder's; `model_max_length` is the length in tokens at which texts are cut off.
        thresholds: Chosen on validation comments; None before.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    thresholds: Thresholds | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the L labels, in the order of the logits."""
        return tuple(self.model.config.id2label[index] for index in range(self.model.config.num_labels))

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Return the tokens of n texts, cut off where training cut them off."""
        return tokenise(self.tokenizer.backend_tokenizer, texts, self.tokenizer.model_max_length)[0]

    def save(self, folder: Path) -> None:
        """Write the model and its tokenizer as transformers does, and thresholds.json beside them."""
        folder.mkdir(parents=True)
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        # Names this machine's version of transformers, and nothing reads it.
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config.pop("transformers_version", None)
        write_json(folder / "config.json", config)
        per_label = dict(zip(self.label_names, self.thresholds.per_label, strict=True))
        write_json(folder / THRESHOLDS, {"global": self.thresholds.common, "per_label": per_label})

    @classmethod
    def load(cls, folder: str | Path) -> Classifier:
        """Load what `save` wrote, ready to predict, on the GPU where there is one.

        Raises:
            InputError: The folder is missing, lacks a file, or holds one that is damaged.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"the model folder {folder} does not exist: train one with `dvc repro train`")
        try:
            thresholds = json.loads((folder / THRESHOLDS).read_text(encoding="utf-8"))
            model, report = AutoModelForSequenceClassification.from_pretrained(folder, **LOADING)
            if report["missing_keys"] or report["mismatched_keys"]:
                raise ValueError(f"weights missing: {sorted(report['missing_keys'])[:1]}")
            classifier = cls(model.eval(), encoders.load_tokenizer(folder))
            per_label = tuple(float(thresholds["per_label"][name]) for name in classifier.label_names)
            classifier.thresholds = Thresholds(per_label, float(thresholds["global"]))
        except InputError:
            raise
        except Exception as error:  # a damaged folder raises whatever three libraries raise
            raise InputError(f"the model folder {folder} is damaged ({str(error)[:120]}): train it again") from None
        if torch.cuda.is_available():
            classifier.model.to("cuda")
        return classifier


def create(folder: Path, label_names: Sequence[str], max_length: int, dropout: float) -> Classifier:
    """Return an untrained classifier, in fp32, on the pretrained encoder in `folder`.

    The only dropout is before the head: with self-distillation, dropout inside the encoder costs quality.

    Raises:
        InputError: The folder holds a trained classifier, or no encoder that transformers can read.
    """
    if (folder / THRESHOLDS).exists():
        raise InputError(f"{folder} is a trained classifier: name the encoder that it was made from")
    try:
        config = AutoConfig.from_pretrained(folder, **encoders.LOCAL)
        for name, value in config.to_dict().items():
            if "dropout" in name and isinstance(value, int | float) and not isinstance(value, bool):
                setattr(config, name, 0.0)
        config.id2label = dict(enumerate(label_names))
        config.label2id = {name: index for index, name in enumerate(label_names)}
        config.problem_type = "multi_label_classification"
        model, report = AutoModelForSequenceClassification.from_pretrained(folder, config=config, **LOADING)
    except Exception as error:  # as above
        raise InputError(f"{folder} holds no encoder that transformers can read: {str(error)[:200]}") from None
    inside = f"{model.base_model_prefix}."
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout) and not name.startswith(inside):
            module.p = dropout  # the configurations of some architectures have no word for it
    lost = sorted(key for key in report["missing_keys"] if key.startswith(inside) and "pooler" not in key)
    if lost:
        raise InputError(f"the weights in {folder} lack {lost[0]}, {len(lost)} in all: not those of an encoder")
    tokenizer = encoders.load_tokenizer(folder)
    tokenizer.model_max_length = max_length
    return Classifier(model, tokenizer)


@torch.no_grad()
def start_head(classifier: Classifier, frequencies: np.ndarray) -> None:
    """Start the head from what is known before training: the labels' frequencies and the meaning of their names.

    Biases become the labels' log-odds, so that no step is spent on learning that most labels are rare (Lin et al.,
    Focal Loss for Dense Object Detection, ICCV 2017, section 4.1). A label's weights become the direction, relative to
    the mean of all labels, of a sentence that names it, so that a rare label does not start at random (Snell, Swersky
    and Zemel, Prototypical Networks for Few-shot Learning, NeurIPS 2017, section 2.7). Where tanh follows the head's
    dense layer, that layer starts as the identity, which makes the head nearly linear in the first token and ends up
    better than a pretrained or random dense layer (docs/results.md).

    Args:
        classifier: In fp32, on the CPU.
        frequencies: Share of the training comments that have each label, (L,).
    """
    model = classifier.model
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    head = [module for module in linear if module.out_features == len(frequencies)][-1]
    if model.config.model_type in TANH_HEADS:
        dense = model.bert.pooler.dense if model.config.model_type == "bert" else model.classifier.dense
        dense.weight.copy_(torch.eye(dense.out_features))
        dense.bias.zero_()

    names = [form.format(name.replace("_", " ")) for name in classifier.label_names for form in NAMING]
    features: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    model.eval()
    model(**batches.collate(classifier.tokenise(names), np.arange(len(names)), classifier.tokenizer.pad_token_id))
    hook.remove()
    vectors = normalize(features[0].flatten(0, -2), dim=1).view(len(frequencies), len(NAMING), -1)
    directions = normalize(vectors.sum(dim=1), dim=1)
    # eps: names that the tokenizer cannot tell apart have no direction, and rounding should not give them one.
    head.weight.copy_(normalize(directions - directions.mean(dim=0), dim=1, eps=1e-3))
    inside = np.clip(frequencies, 1e-6, 1 - 1e-6)
    if head.bias is not None:
        head.bias.copy_(torch.from_numpy(np.log(inside / (1 - inside))))
