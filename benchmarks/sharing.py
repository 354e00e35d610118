"""Two trainings side by side on this machine against one alone, with this repository's OpenMP setting and without.

A thread of OpenMP that waits for work spins, by default for milliseconds, and takes the core from the other run;
emotions/__init__.py shortens that. Reads the comments of the last `dvc repro preprocess`.
"""

import argparse
import os
import sys
from pathlib import Path
from subprocess import PIPE, Popen

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import contenders, turns
from emotions.core import errors, files, params

ROOT = str(Path(__file__).resolve().parents[1])
SPIN_COUNTS = {"libgomp's default": "300000", "this repository": os.environ["GOMP_SPINCOUNT"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of two trainings side by side.")
    parser.add_argument("--comments", type=int, default=640, metavar="N", help="of one training (default: 640)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="turns (default: 3)")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE, too")
    arguments = parser.parse_args()
    found = {name: {"alone": [], "side by side": []} for name in SPIN_COUNTS}
    for _ in range(arguments.repeats):
        for name, spin_count in SPIN_COUNTS.items():
            found[name]["alone"] += speeds(1, arguments.comments, spin_count)
            found[name]["side by side"] += speeds(2, arguments.comments, spin_count)
    print("| | alone, comments per second | each of two side by side |\n| --- | --- | --- |")
    for name, measured in found.items():
        print(f"| {name} | {' | '.join(map(turns.spread, measured.values()))} |")
    if arguments.json:
        files.write_json(arguments.json, {"cores": os.cpu_count(), "comments": arguments.comments, **found})


def speeds(runs: int, comments: int, spin_count: str) -> list[float]:
    """Return the comments per second of so many trainings at the same time, each in a process of its own."""
    command = [sys.executable, "-c", f"from benchmarks import sharing; sharing.train({comments})"]
    environment = {**os.environ, "PYTHONPATH": ROOT, "GOMP_SPINCOUNT": spin_count}
    processes = [Popen(command, env=environment, stdin=PIPE, stdout=PIPE, text=True) for _ in range(runs)]
    for process in processes:
        process.stdout.readline()  # it has warmed up
    for process in processes:
        print("start", file=process.stdin, flush=True)
    return [float(process.communicate()[0]) for process in processes]


def train(comments: int) -> None:
    """Warm up, wait for a line on standard input, train one epoch, and print the comments per second."""
    warm_up, work = (contenders.Work(count, params.load()) for count in (64, comments))
    turns.seconds(lambda: contenders.train_like_stage(warm_up))
    print("ready", flush=True)
    sys.stdin.readline()
    print(len(work.texts) / turns.seconds(lambda: contenders.train_like_stage(work)))


if __name__ == "__main__":
    errors.run(main)
