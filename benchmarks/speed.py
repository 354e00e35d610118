"""How fast this repository trains and predicts, beside the notebook, the Hugging Face Trainer and the machine's limit.

    python benchmarks/speed.py [--comments N] [--repeats N] [--precision P] [--bert-base] [--json FILE]

reads data/processed/comments.parquet, so that the comments are those of the last `dvc repro preprocess`. Absolute
figures say little about another machine, or about this one at another hour: the ratios are what counts.
"""

import argparse
import platform
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import contenders, turns
from benchmarks.contenders import Work
from emotions import comments, determinism, encoders, errors, files, params
from emotions.batches import Tokens

STAGE, LIMIT, LIMIT_OF_LEARNED = "this repository", "limit", "limit, without frozen layers"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of training and prediction, side by side.")
    parser.add_argument("--comments", type=int, default=640, metavar="N", help="the first so many (default: 640)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="counted turns (default: 3)")
    parser.add_argument("--precision", choices=DTYPES, default="fp32", help="of all contenders (default: fp32)")
    parser.add_argument(
        "--bert-base", action="store_true", help="BERT-base of the true size, with random weights, for the encoder"
    )
    parser.add_argument("--json", metavar="FILE", help="where the results are written, too")
    arguments = parser.parse_args()
    if arguments.comments < 1 or arguments.repeats < 1:
        raise errors.InputError("--comments and --repeats should be 1 or more")

    settings = params.load()
    determinism.set_up(settings.seed, settings.threads, deterministic=False)
    work = _work(settings, arguments)
    flops = _flops(work)
    stock, ours = work.stock_model().to(work.device).eval(), work.ready_model()

    results = {
        "training": _compare(
            work,
            arguments.repeats,
            {LIMIT: flops["training"], LIMIT_OF_LEARNED: flops["training what learns"]},
            {
                "notebook": lambda: contenders.train_like_notebook(work),
                "Trainer": lambda: contenders.train_with_trainer(work),
                STAGE: lambda: contenders.train_like_stage(work),
            },
        ),
        "prediction": _compare(
            work,
            arguments.repeats,
            {LIMIT: flops["predicting"]},
            {
                "notebook": lambda: contenders.predict_like_notebook(work, stock),
                STAGE: lambda: contenders.predict_like_stage(work, ours),
            },
        ),
    }
    about = {
        "command": f"python benchmarks/speed.py {' '.join(sys.argv[1:])}".strip(),
        "machine": f"{_processor()}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "encoder": "BERT-base, random weights" if work.weights is None else settings.encoder,
        "precision": work.precision,
        "comments": len(work.texts),
        "tokens_per_comment": round(float(work.tokens.lengths.mean()), 1),
        "batch_size": settings.batch_size,
        "repeats": arguments.repeats,
    }
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    for title, result in results.items():
        _show(title, result)
    if arguments.json:
        files.write_json(arguments.json, about | results)


def _work(settings: params.Params, arguments: argparse.Namespace) -> Work:
    """Return the first comments with their tokens. BERT-base takes MiniLM's: they have one vocabulary."""
    table = comments.read("data/processed/comments.parquet")
    count = min(arguments.comments, len(table.texts))
    ends = table.tokens.offsets[: count + 1]
    weights = encoders.locate(settings.encoder, settings.revision)
    return Work(
        texts=table.texts[:count].to_pylist(),
        labels=table.labels[:count],
        label_names=table.label_names,
        tokens=Tokens(table.tokens.ids[: ends[-1]], ends),
        tokenizer=encoders.load_tokenizer(weights),
        weights=None if arguments.bert_base else weights,
        settings=settings,
        precision=arguments.precision,
    )


def _flops(work: Work) -> dict[str, float]:
    """Return the floating-point operations of the encoder's matrix products over all tokens, without padding.

    As torch counts them (`torch.utils.flop_counter`): of predicting, of training all of the encoder, and of training
    what the parameters do not freeze.
    """
    encoder, settings = work.our_model().encoder, work.settings
    encoder.set_attn_implementation("eager")  # torch does not count the products of a CPU's fused attention
    lengths, counts = np.unique(work.tokens.lengths, return_counts=True)

    def count(backward: bool) -> float:
        total = 0.0
        for length, many in zip(lengths.tolist(), counts.tolist(), strict=True):
            with FlopCounterMode(display=False) as counter:
                states = encoder(torch.ones(1, length, dtype=torch.int64)).last_hidden_state
                if backward and states.requires_grad:
                    states.sum().backward()
            total += many * counter.get_total_flops()
        return total

    found = {"predicting": count(backward=False), "training": count(backward=True)}
    encoders.freeze(encoder, settings.freeze_embeddings, settings.freeze_layers)
    return found | {"training what learns": count(backward=True)}


def _compare(work: Work, repeats: int, limits: dict[str, float], ways: dict) -> dict:
    """Run the ways and the large matrix product in turns; return the comments a second of each, run by run.

    limits: the floating-point operations of all comments, of which the product's rate makes a limit.
    """
    side = 2048 if work.device == "cpu" else 8192
    left, right = (torch.randn(side, side, device=work.device, dtype=DTYPES[work.precision]) for _ in range(2))
    products = 20
    seconds = turns.take_turns(ways | {LIMIT: lambda: [left @ right for _ in range(products)]}, repeats)
    rate = products * 2 * side**3 / seconds.pop(LIMIT)
    found = {name: len(work.texts) / runs for name, runs in seconds.items()}
    found |= {name: len(work.texts) * rate / flops for name, flops in limits.items()}
    return {"gflop_per_second": (rate / 1e9).round(1).tolist()} | {
        name: values.round(2).tolist() for name, values in found.items()
    }


def _show(title: str, result: dict) -> None:
    ours = np.array(result[STAGE])
    product = turns.spread(np.array(result["gflop_per_second"]))
    print(f"\n{title}; large product: {product} GFLOP/s\n")
    print(f"| | comments a second | {STAGE} is this many times as fast |")
    print("| --- | --- | --- |")
    for name, values in list(result.items())[1:]:
        values = np.array(values)
        print(f"| {name} | {turns.spread(values)} | {turns.spread(ours / values, 2)} |")


def _processor() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.split(':')[1].strip()}, {torch.backends.cpu.get_cpu_capability()}"
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    errors.run(main)
