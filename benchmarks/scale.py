"""How time and memory of preprocess and split grow with the data.

    python benchmarks/scale.py [DATA] [--times N …] [--json FILE]

repeats DATA, a CSV file or a folder of raw CSV files, until it has N times the rows of the raw GoEmotions release,
with other ids and other texts in each round; runs the two stages on it, each in a process of its own; and measures
their seconds and peak memory. What it needs on disk, about 700 MB for 10 times, it removes again.
"""

import argparse
import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import pyarrow.parquet as pq
import yaml

from emotions import canvas, corpus, errors, files

ROOT = Path(__file__).resolve().parents[1]
# The raw release of GoEmotions: rows, and the comments that they judge.
ROWS, COMMENTS = 211_225, 58_011
OUTPUTS = {"preprocess": "data/processed/comments.parquet", "split": "data/splits/split.parquet"}
GIB = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of preprocess and split, by the size of the data.")
    parser.add_argument(
        "data",
        nargs="?",
        default=str(ROOT / "data" / "comments.csv"),
        help="what is repeated (default: data/comments.csv)",
    )
    parser.add_argument(
        "--times", type=float, nargs="+", default=[1, 10, 100], metavar="N", help="sizes (default: 1 10 100)"
    )
    parser.add_argument("--json", metavar="FILE", help="where the results are written, and drawn as .png beside it")
    arguments = parser.parse_args()
    if min(arguments.times) <= 0:
        raise errors.InputError("--times should be more than 0")
    source = corpus.files(arguments.data)
    if source[0].suffix != ".csv":
        raise errors.InputError(f"{arguments.data} should be a CSV file or a folder of them")

    results = {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "data": Path(arguments.data).name,
        "runs": [],
    }
    print("| rows | comments | input | stage | seconds | rows a second | peak memory | output |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for times in arguments.times:
        # Beside the project, because it may not fit where the system keeps temporary files.
        with tempfile.TemporaryDirectory(prefix=".partial-scale-", dir=ROOT) as folder:
            run = measure(source, round(times * ROWS), Path(folder))
        results["runs"].append(run)
        for stage in OUTPUTS:
            found = run[stage]
            print(
                f"| {run['rows']:,} | {run['comments']:,} | {run['input_bytes'] / 1e6:,.0f} MB | {stage} "
                f"| {found['seconds']:,.1f} | {run['rows'] / found['seconds']:,.0f} "
                f"| {found['peak_bytes'] / GIB:.2f} GiB | {found['output_bytes'] / 1e6:,.1f} MB |",
                flush=True,
            )
    if arguments.json:
        files.write_json(arguments.json, results)
        draw(results["runs"], Path(arguments.json).with_suffix(".png"))


def repeat(source: list[Path], rows: int, path: Path) -> None:
    """Write a CSV file of so many rows: those of `source`, CSV files with the same columns, over and over.

    A round judges the comments of the round before once more, until they have about as many raters as in the raw
    release; then come new comments, with the round's number in ids and texts.
    """
    lines: list[list[str]] = []
    for file in source:
        with file.open(encoding="utf-8-sig", newline="") as content:
            header, *more = (line for line in csv.reader(content) if line)
            lines += more
    comment, text = header.index("id"), header.index("text")
    raters = len(lines) / len({line[comment] for line in lines})
    together = max(1, round(ROWS / COMMENTS / raters))
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        for number in range(rows):
            line = lines[number % len(lines)].copy()
            generation = number // (len(lines) * together)
            line[comment] += f"-{generation}"
            line[text] += f" {generation}"
            writer.writerow(line)


def measure(source: list[Path], rows: int, folder: Path) -> dict:
    """Run the stages on so many rows, in a copy of the repository's code in `folder`.

    Returns rows, comments (kept), input_bytes, and of each stage seconds, peak_bytes (resident) and output_bytes.
    """
    for name in ("emotions", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"data": "data.csv"}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    repeat(source, rows, folder / "data.csv")
    run: dict = {"rows": rows, "comments": 0, "input_bytes": (folder / "data.csv").stat().st_size}
    for stage, output in OUTPUTS.items():
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, f"stages/{stage}.py"], cwd=folder, stdout=subprocess.DEVNULL)
        # Unlike getrusage(RUSAGE_CHILDREN), it tells of this process alone.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise errors.InputError(f"{stage} failed on {rows:,} rows")
        run[stage] = {
            "seconds": round(time.perf_counter() - started, 1),
            # macOS counts in bytes, Linux in KiB.
            "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            "output_bytes": (folder / output).stat().st_size,
        }
    run["comments"] = pq.read_metadata(folder / OUTPUTS["split"]).num_rows
    return run


def draw(runs: list[dict], path: str | Path) -> None:
    """Draw seconds and peak memory of both stages by rows, on logarithmic axes."""
    rows = [run["rows"] for run in runs]
    with canvas.drawing(path, 4, columns=2) as (seconds, memory):
        for stage, colour in zip(OUTPUTS, (canvas.BLUE, canvas.ORANGE), strict=True):
            seconds.plot(rows, [run[stage]["seconds"] for run in runs], "o-", color=colour, label=stage)
            memory.plot(rows, [run[stage]["peak_bytes"] / GIB for run in runs], "o-", color=colour, label=stage)
        first = runs[0]["preprocess"]["seconds"]
        linear = [first * count / rows[0] for count in rows]
        seconds.plot(rows, linear, "--", color=canvas.GREY, label="in proportion to the rows")
        memory.axhline(2, linestyle="--", color=canvas.GREY, label="2 GiB")
        for axes, title, unit in ((seconds, "Time", "seconds"), (memory, "Peak memory", "GiB")):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("rows of judgements")
            axes.set_ylabel(unit)
            axes.set_title(title)
            axes.legend()
        memory.set_ylim(0.25, 4)
        memory.set_yticks([0.25, 0.5, 1, 2, 4], labels=["0.25", "0.5", "1", "2", "4"])
        memory.minorticks_off()


if __name__ == "__main__":
    errors.run(main)
