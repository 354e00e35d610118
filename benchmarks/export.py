"""What an export costs: F1, speed and size of torch, ONNX and ONNX in int8, on the test part, one thread each.

    python benchmarks/export.py [REPEATS]

reads the workspace's model/ and data/, and prints a table. The three take turns, REPEATS (default: 5) times.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnxruntime
import torch

from emotions import batches, comments, errors, export, prediction, scores, split_file
from emotions.model import WEIGHTS, EmotionClassifier


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    model = EmotionClassifier.from_pretrained("model")
    table = comments.read("data/processed/comments.parquet")
    test = np.flatnonzero(split_file.read("data/splits/split.parquet", table.ids) == "test")
    thresholds = model.thresholds.choose("global")

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "onnx")
        export.write(model, thresholds, folder)
        sessions = {name: _session(folder / name) for name in (export.MODEL, export.INT8)}
        sizes = {"torch": Path("model", WEIGHTS).stat().st_size}
        sizes |= {name: (folder / name).stat().st_size for name in sessions}

    ways = {"torch": lambda: prediction.probabilities(prediction.predict_logits(model, table.tokens, test))}
    for name, session in sessions.items():
        ways[name] = lambda session=session: _run(session, table.tokens, test, model.tokenizer.pad_token_id)
    seconds, found = {name: [] for name in ways}, {}
    for _ in range(repeats + 1):
        for name, predict in ways.items():
            started = time.perf_counter()
            found[name] = predict()
            seconds[name].append(time.perf_counter() - started)

    print(f"{len(test)} comments, {repeats} repeats after a first one that is not counted; F1 at {thresholds[0]}\n")
    print("| | f1_micro | f1_macro | largest difference | comments a second: median (least to most) | MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in ways:
        metrics = scores.score(table.labels[test], found[name], thresholds)
        difference = np.abs(found[name] - found["torch"]).max()
        rates = len(test) / np.array(seconds[name][1:])
        print(
            f"| {name} | {metrics['f1_micro']} | {metrics['f1_macro']} | {difference:.1e} "
            f"| {np.median(rates):.0f} ({rates.min():.0f} to {rates.max():.0f}) | {sizes[name] / 1e6:.1f} |"
        )


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(
    session: onnxruntime.InferenceSession, tokens: batches.Tokens, positions: np.ndarray, pad_id: int
) -> np.ndarray:
    """Return probabilities, (len(positions), L), in the batches that `predict_logits` makes."""
    found = np.empty((len(positions), session.get_outputs()[0].shape[1]), np.float32)
    for batch in batches.of_equal_length(tokens.lengths[positions], prediction.BATCH_TOKENS):
        ids = batches.collate(tokens, positions[batch], pad_id)["input_ids"].numpy()
        # The graph wants a mask, though equally long comments need none.
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        found[batch] = session.run(["probabilities"], inputs)[0]
    return found


if __name__ == "__main__":
    errors.run(main)
