"""Cost of exporting model/ as ONNX and in int8: F1, speed and size on the test part, with one thread each."""

import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnxruntime
import torch

from benchmarks import turns
from emotions.commands import export
from emotions.core import errors
from emotions.data import store
from emotions.metrics import scores
from emotions.model import batches, prediction
from emotions.model.classifier import Classifier


def main() -> None:
    torch.set_num_threads(1)
    classifier = Classifier.load("model")
    table = store.read("data/processed/comments.parquet", ["ids", "labels", "tokens"])
    test = np.flatnonzero(store.read_split("data/splits/split.parquet", table.ids) == "test")
    labels, thresholds = table.labels[test], classifier.thresholds.choose("global")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "onnx")
        export.write(classifier, thresholds, folder)
        sessions = {name: onnxruntime.InferenceSession(folder / name, options) for name in (export.MODEL, export.INT8)}
        sizes = {name: (folder / name).stat().st_size for name in sessions}
    sizes["torch"] = Path("model/model.safetensors").stat().st_size

    def with_onnx(name: str) -> np.ndarray:
        found = np.empty(labels.shape, np.float32)
        for batch in batches.of_equal_length(table.tokens.lengths[test], prediction.BATCH_TOKENS):
            ids = batches.collate(table.tokens, test[batch], pad_id=0)["input_ids"].numpy()
            inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            (found[batch],) = sessions[name].run(["probabilities"], inputs)
        return found

    ways = {"torch": lambda: prediction.probabilities(prediction.predict_logits(classifier.model, table.tokens, test))}
    ways |= {name: partial(with_onnx, name) for name in sessions}
    print("| | f1_micro | f1_macro | comments per second | MB |\n| --- | --- | --- | --- | --- |")
    for name, seconds in turns.take_turns(ways, repeats=5).items():
        f1 = scores.score(labels, ways[name](), thresholds)
        speed = turns.spread(len(test) / seconds)
        print(f"| {name} | {f1['f1_micro']} | {f1['f1_macro']} | {speed} | {sizes[name] / 1e6:.1f} |")


if __name__ == "__main__":
    errors.run(main)
