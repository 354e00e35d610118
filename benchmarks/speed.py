"""Speed of training and prediction beside the notebook, the Hugging Face Trainer and the machine's limit.

Reads the comments of the last `dvc repro preprocess`. Compare the ratios: absolute figures vary with the machine.
"""

import argparse
import copy
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from emotions.core import determinism, errors, files, params  # before torch, whose threads it sets up

# isort: split
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import turns
from benchmarks.contenders import PREDICTION, TRAINING, Work
from emotions.training import optimizer

OURS, LIMIT = "this repository", "limit"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of training and prediction, side by side.")
    parser.add_argument("--comments", type=int, default=640, metavar="N", help="the first N comments (default: 640)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="counted turns (default: 3)")
    parser.add_argument("--precision", choices=DTYPES, default="fp32", help="of all contenders (default: fp32)")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE, too")
    arguments = parser.parse_args()
    settings = params.load().model_copy(update={"precision": arguments.precision})
    determinism.set_up(settings.seed, settings.threads)
    work = Work(arguments.comments, settings)
    cpu = f"CPU, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else cpu
    results = {"machine": machine, "comments": len(work.texts), **settings.model_dump(include={"encoder", "precision"})}
    print("\n".join(f"{name}: {value}" for name, value in results.items()))
    for title, ways, flops in zip(("training", "prediction"), (TRAINING, PREDICTION), count_flops(work), strict=True):
        rate, speeds = compare(work, ways, flops, arguments.repeats)
        results[title] = {"gflop_per_second": rate.tolist()} | {name: runs.tolist() for name, runs in speeds.items()}
        print(f"\n{title}; large product: {turns.spread(rate)} GFLOP/s\n")
        print(f"| | comments per second | {OURS} is this many times as fast |\n| --- | --- | --- |")
        for name, runs in speeds.items():
            print(f"| {name} | {turns.spread(runs)} | {turns.spread(speeds[OURS] / runs, 2)} |")
    if arguments.json:
        files.write_json(arguments.json, results)


def count_flops(work: Work) -> tuple[int, int]:
    """Return the floating-point operations of all matrix products without padding: of training, and of prediction.

    torch counts those that it computes: none for gradients that frozen layers do not need.
    """
    model = copy.deepcopy(work.ours.model)
    model.set_attn_implementation("eager")  # torch does not count the products of a CPU's fused attention
    if work.settings.freeze_embeddings:
        optimizer.freeze_embeddings(model)
    training = prediction = 0
    for length, comments in zip(*np.unique(work.tokens.lengths, return_counts=True), strict=True):
        with FlopCounterMode(display=False) as counter:
            logits = model(torch.ones(1, int(length), dtype=torch.int64, device=model.device)).logits
            prediction += int(comments) * counter.get_total_flops()
            logits.sum().backward()
        training += int(comments) * counter.get_total_flops()
    return training, prediction


def compare(work: Work, ways: dict[str, Callable], flops: int, repeats: int) -> tuple[np.ndarray, dict]:
    """Run the ways and large matrix products in turns.

    Returns the GFLOP per second of the products, (repeats,), and the comments per second of each way and of the limit:
    the speed if `flops`, those of all comments, were done at the rate of the products.
    """
    side, products = 8192 if torch.cuda.is_available() else 2048, 10
    matrix = torch.randn(side, side, device=work.stock.device, dtype=DTYPES[work.settings.precision])
    runs = {name: partial(way, work) for name, way in ways.items()}
    seconds = turns.take_turns(runs | {LIMIT: lambda: [matrix @ matrix for _ in range(products)]}, repeats)
    rate = products * 2 * side**3 / seconds[LIMIT]
    seconds[LIMIT] = flops / rate
    return (rate / 1e9).round(1), {name: (len(work.texts) / found).round(2) for name, found in seconds.items()}


if __name__ == "__main__":
    errors.run(main)
