"""Writes a trained model as ONNX, for use without torch: sigmoid and thresholds inside, and a copy in int8."""

import importlib.util
import logging
import sys
import warnings
from argparse import Namespace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import PreTrainedModel

from emotions.core.errors import InputError
from emotions.core.files import replacing, write_json, write_text
from emotions.model.classifier import Classifier

MODEL, INT8, TOKENIZER, LABELS, CARD = "model.onnx", "model-int8.onnx", "tokenizer.json", "labels.json", "README.md"


class Labeller(nn.Module):
    """A sequence classifier with all that follows its logits. thresholds: (L,) float64."""

    def __init__(self, model: PreTrainedModel, thresholds: np.ndarray):
        super().__init__()
        self.model = model
        # In double precision, so that a probability reaches its threshold exactly where numpy says so.
        self.register_buffer("thresholds", torch.from_numpy(thresholds.astype(np.float64)))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities, (batch, L), and whether each reaches its threshold, (batch, L) bool."""
        probabilities = self.model(input_ids=input_ids, attention_mask=attention_mask).logits.sigmoid()
        return probabilities, probabilities >= self.thresholds


def run(arguments: Namespace) -> None:
    """Export the model in a folder, or raise `InputError`: a package or the model is missing, or `write` refuses."""
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"export needs {', '.join(missing)}: pip install {' '.join(missing)}")
    classifier = Classifier.load(arguments.model)
    print(f"writing {arguments.onnx}, which takes up to a minute", file=sys.stderr)
    write(classifier, classifier.thresholds.choose(arguments.threshold), arguments.onnx)


def write(classifier: Classifier, thresholds: np.ndarray, target: str | Path) -> None:
    """Write the model in fp32 and in int8, its tokenizer, its labels with `thresholds`, (L,), and a README.

    The model is moved to the CPU, and an earlier export in the folder `target` is replaced. If `target` holds
    something else, or torch cannot export the encoder, it raises `InputError`.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = Path(target).resolve()
    ours = {MODEL, INT8, TOKENIZER, LABELS, CARD}
    if target.exists() and not (target.is_dir() and {path.name for path in target.iterdir()} <= ours):
        raise InputError(f"{target} exists, and is no earlier export: name another folder")
    with replacing(target) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        partial.mkdir()
        logging.disable(logging.WARNING)  # the exporters' remarks; errors are raised
        try:
            _write_onnx(Labeller(classifier.model.cpu(), thresholds).eval(), partial / MODEL)
            onnx.checker.check_model(partial / MODEL)
            # Signed weights are faster on some processors, but on those with AVX2 and without VNNI products overflow.
            quantize_dynamic(partial / MODEL, partial / INT8, per_channel=True, weight_type=QuantType.QUInt8)
        finally:
            logging.disable(logging.NOTSET)
        tokenizer = Tokenizer.from_str(classifier.tokenizer.backend_tokenizer.to_str())
        tokenizer.enable_truncation(classifier.tokenizer.model_max_length)
        tokenizer.enable_padding(pad_id=classifier.tokenizer.pad_token_id, pad_token=classifier.tokenizer.pad_token)
        write_text(partial / TOKENIZER, tokenizer.to_str(pretty=True))
        write_json(partial / LABELS, dict(zip(classifier.label_names, thresholds.tolist(), strict=True)))
        write_text(partial / CARD, Path(__file__).with_name("onnx_readme.md").read_text(encoding="utf-8"))


def _write_onnx(labeller: Labeller, path: Path) -> None:
    # Sizes that are not 1, which would be taken for constants, and one comment with padding.
    example = torch.ones(2, 7, dtype=torch.int64), torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    try:
        program = torch.onnx.export(
            labeller,
            example,
            dynamo=True,
            verbose=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["probabilities", "predicted"],
            dynamic_shapes={"input_ids": sizes, "attention_mask": sizes},
        )
    except Exception as error:  # of many kinds, and as long as a page
        raise InputError(f"torch cannot export {labeller.model.config.model_type} ({str(error)[:120]})") from None
    exported = program.model_proto  # a copy at each call
    graph = exported.graph
    exported.producer_version = ""
    parts = [*graph.input, *graph.output, *graph.initializer, *graph.node, *graph.value_info, *exported.functions]
    for part in (exported, graph, *parts):
        del part.metadata_props[:]  # paths of this machine
    path.write_bytes(exported.SerializeToString(deterministic=True))
