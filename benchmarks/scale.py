"""Growth of time and memory of preprocess and split with the data.

    python benchmarks/scale.py [DATA] [--times N …] [--json FILE]

repeats DATA, a CSV file or a folder of raw CSV files, to N times the rows of the raw GoEmotions release, with ids and
texts of their own in each round, and runs the two stages on it, each in a process of its own. Needs about 700 MB of
disk for 10 times.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import yaml

from emotions.core import errors, files
from emotions.data import formats

ROOT = Path(__file__).resolve().parents[1]
# Rows of the raw GoEmotions release, and their comments.
ROWS, COMMENTS = 211_225, 58_011


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of preprocess and split, by the size of the data.")
    parser.add_argument("data", nargs="?", default=str(ROOT / "data" / "comments.csv"), help="default: the corpus")
    parser.add_argument("--times", type=float, nargs="+", default=[1, 10, 100], metavar="N", help="default: 1 10 100")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE, too")
    arguments = parser.parse_args()
    source = formats.find(arguments.data)
    if source.has_parts or min(arguments.times) <= 0:
        raise errors.InputError("DATA should be a CSV file or a folder of them, and --times more than 0")
    runs = []
    print("| rows | input | stage | seconds | peak memory |\n| ---: | ---: | --- | ---: | ---: |")
    for times in arguments.times:
        # Beside the project, because it may not fit where the system keeps temporary files.
        with tempfile.TemporaryDirectory(prefix=".partial-scale-", dir=ROOT) as folder:
            runs.append(measure(source.files, round(times * ROWS), Path(folder)))
        for stage in ("preprocess", "split"):
            seconds, peak = runs[-1][stage]
            size = f"{runs[-1]['input_bytes'] / 1e6:,.0f} MB"
            print(f"| {runs[-1]['rows']:,} | {size} | {stage} | {seconds} | {peak} GiB |", flush=True)
    if arguments.json:
        files.write_json(arguments.json, {"data": Path(arguments.data).name, "runs": runs})


def repeat(source: tuple[Path, ...], rows: int, path: Path) -> None:
    """Write so many rows: those of the `source` files over and over, rated about as often as in the raw release."""
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


def measure(source: tuple[Path, ...], rows: int, folder: Path) -> dict:
    """Run the stages on so many rows in `folder`; return seconds and peak resident memory (GiB) of each."""
    for name in ("emotions", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"data": "data.csv"}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    repeat(source, rows, folder / "data.csv")
    run: dict = {"rows": rows, "input_bytes": (folder / "data.csv").stat().st_size}
    for stage in ("preprocess", "split"):
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", f"stages.{stage}"], cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)  # of this process alone
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise errors.InputError(f"{stage} failed on {rows:,} rows")
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # macOS counts in bytes, Linux in KiB
        run[stage] = [round(time.perf_counter() - started, 1), round(peak / (1 << 30), 2)]
    return run


if __name__ == "__main__":
    errors.run(main)
