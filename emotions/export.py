"""A trained model in ONNX, for use without torch: pooling, sigmoid and thresholds inside, and a copy in int8."""

import importlib.util
import logging
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from emotions.errors import InputError
from emotions.files import replacing, write_json, write_text
from emotions.model import EmotionClassifier

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
MODEL, INT8, TOKENIZER, LABELS = "model.onnx", "model-int8.onnx", "tokenizer.json", "labels.json"
CARD = "README.md"
README = """# Emotion classifier in ONNX

model.onnx takes `input_ids` and `attention_mask`, (batch, length) int64, and returns `probabilities`, (batch, labels)
float32, and `given`, (batch, labels) bool: the labels whose probability reaches their threshold. model-int8.onnx is the
same with weights in int8: a quarter of the size, faster, and somewhat less exact. tokenizer.json cuts off and pads as
the model needs it; labels.json names the labels, in order, with their thresholds. In this folder, with onnxruntime and
tokenizers installed:

```python
import json
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

tokenizer, names = Tokenizer.from_file("tokenizer.json"), list(json.load(open("labels.json", encoding="utf-8")))
session = onnxruntime.InferenceSession("model.onnx")
encoded = tokenizer.encode_batch(["I am so happy and excited today!", "Thank you."])
inputs = {"input_ids": [e.ids for e in encoded], "attention_mask": [e.attention_mask for e in encoded]}
probabilities, given = session.run(None, {name: np.array(rows, np.int64) for name, rows in inputs.items()})
print([[name for name, enough in zip(names, row) if enough] for row in given])
```
"""


class Judge(nn.Module):
    """A classifier with all that comes after its logits. thresholds: (L,)."""

    def __init__(self, classifier: EmotionClassifier, thresholds: np.ndarray):
        super().__init__()
        self.classifier = classifier
        least = thresholds.astype(np.float32)
        # Rounded up, so that fp32 probabilities reach the same thresholds as those in double precision.
        least = np.where(least < thresholds, np.nextafter(least, np.float32(np.inf)), least)
        self.register_buffer("thresholds", torch.from_numpy(least))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities, (batch, L), and whether each is high enough, (batch, L) bool."""
        probabilities = self.classifier(input_ids, attention_mask).sigmoid()
        return probabilities, probabilities >= self.thresholds


def check_packages() -> None:
    """Raise `InputError` when a package that `write` needs is not installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"export needs {', '.join(missing)}: pip install --requirement requirements-export.txt")


def write(model: EmotionClassifier, thresholds: np.ndarray, folder: str | Path) -> None:
    """Write the model in fp32 and in int8, its tokenizer, its labels and thresholds, and a README into `folder`.

    model: on the CPU. thresholds: (L,). An earlier export at `folder` is replaced.

    Raises `InputError` when something else is there, a package is missing, or torch cannot export the encoder.
    """
    check_packages()
    folder = Path(folder).resolve()
    ours = {MODEL, INT8, TOKENIZER, LABELS, CARD}
    if folder.exists() and not (folder.is_dir() and {path.name for path in folder.iterdir()} <= ours):
        raise InputError(f"{folder} exists, and is no earlier export: name another folder")
    with replacing(folder) as partial:
        partial.mkdir()
        with _quiet():
            _write_onnx(Judge(model, thresholds).eval(), partial / MODEL)
            _write_int8(partial / MODEL, partial / INT8)
        tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
        tokenizer.enable_truncation(model.max_length)
        tokenizer.enable_padding(pad_id=model.tokenizer.pad_token_id, pad_token=model.tokenizer.pad_token)
        write_text(partial / TOKENIZER, tokenizer.to_str(pretty=True))
        write_json(partial / LABELS, dict(zip(model.label_names, thresholds.tolist(), strict=True)))
        write_text(partial / CARD, README)


def _write_onnx(judge: Judge, path: Path) -> None:
    import onnx

    # Sizes that are not 1, which would be taken for constants, and one comment with padding.
    example = torch.ones(2, 7, dtype=torch.int64), torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    try:
        program = torch.onnx.export(
            judge,
            example,
            dynamo=True,
            verbose=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["probabilities", "given"],
            dynamic_shapes={"input_ids": sizes, "attention_mask": sizes},
        )
    except Exception as error:  # of many kinds, and as long as a page
        kind = judge.classifier.encoder.config.model_type
        raise InputError(f"torch cannot export a {kind} encoder ({str(error)[:120]})") from None
    exported = program.model_proto
    # Where in which file of this machine each node comes from.
    exported.producer_version = ""
    for part in (exported, exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.functions):
        del part.metadata_props[:]
    for part in (*exported.graph.input, *exported.graph.output, *exported.graph.initializer):
        del part.metadata_props[:]
    path.write_bytes(exported.SerializeToString(deterministic=True))
    onnx.checker.check_model(path)


def _write_int8(source: Path, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Signed weights are faster on some processors, and on those with AVX2 but without VNNI their products overflow.
    quantize_dynamic(source, path, per_channel=True, weight_type=QuantType.QUInt8)


@contextmanager
def _quiet():
    """Keep what exporters say of themselves from the screen; what goes wrong is raised."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
