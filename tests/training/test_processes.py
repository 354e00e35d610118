"""Several processes that train one model together, started as users start them, on this machine's cores."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages import preprocess, split
from tests.conftest import ROOT, environment, set_params

LAUNCH = "accelerate launch --multi_gpu --num_processes 2 -m stages.train"


def run(*command: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Without a GPU the processes talk over gloo.
    environs = environment(PATH=path, CUDA_VISIBLE_DEVICES="", PYTHONPATH="")
    return subprocess.run(command, capture_output=True, text=True, env=environs, timeout=300)


@pytest.fixture
def prepared(workspace: Path) -> Path:
    """The stages before train are done. Without dropout, any number of processes learns the same."""
    set_params(workspace, dropout=0.0, batch_size=6, epochs=3, threads=1)
    preprocess.main()
    split.main()
    return workspace


def outcome(folder: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    return json.loads((folder / "metrics" / "train.json").read_text()), load_file(folder / "model/model.safetensors")


# Counts every comment that is trained on, by process and epoch.
COUNTING = """
import collections, json, os
from emotions.core import errors
from emotions.model import batches
from stages import train
seen = collections.Counter()
collated = batches.TrainingRows.__getitems__
def count(self, rows):
    seen.update(rows)
    return collated(self, rows)
batches.TrainingRows.__getitems__ = count
try:
    train.main()
finally:
    json.dump(seen, open(f"seen-{os.environ['RANK']}.json", "w"))
"""


def test_two_processes_end_where_one_does_and_one_of_them_writes(prepared):
    assert LAUNCH in (ROOT / "docs" / "gpus.md").read_text()
    alone = run(sys.executable, "-m", "stages.train")
    assert alone.returncode == 0, alone.stderr
    metrics, weights = outcome(prepared)
    (prepared / "metrics" / "train.json").unlink()

    both = run(*LAUNCH.split())
    assert both.returncode == 0, both.stderr
    assert both.stdout.count("training on cpu in fp32, processes: 2") == both.stdout.count("epoch 3/3:") == 1
    found, found_weights = outcome(prepared)
    assert found == pytest.approx(metrics, abs=2e-4)
    assert found_weights.keys() == weights.keys()
    for name, tensor in weights.items():
        assert torch.allclose(tensor, found_weights[name], atol=2e-4), name


def test_together_they_see_each_comment_once_per_epoch(prepared):
    (prepared / "counting.py").write_text(COUNTING)
    done = run("accelerate", "launch", "--multi_gpu", "--num_processes", "2", "-m", "counting")
    assert done.returncode == 0, done.stderr
    seen = [json.loads((prepared / f"seen-{rank}.json").read_text()) for rank in (0, 1)]
    comments = json.loads(Path("metrics/train.json").read_text())["train_comments"]
    for row in range(comments):
        assert sum(one.get(str(row), 0) for one in seen) == 3, row
    assert all(sum(one.values()) > comments for one in seen)  # each has half of three epochs


def test_two_processes_stopped_and_started_again_end_with_the_same_bytes(prepared):
    set_params(prepared, dropout=0.1)
    first = run(*LAUNCH.split())
    assert first.returncode == 0, first.stderr
    expected = (prepared / "model" / "model.safetensors").read_bytes()
    for path in sorted((prepared / "checkpoints").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    set_params(prepared, epochs=3, checkpoint_minutes=0)
    killed = run("timeout", "--signal", "KILL", "60", "python", "-c", KILLED)
    assert "killed after a checkpoint" in killed.stdout, killed.stderr
    again = run(*LAUNCH.split())
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("resuming from step ") == 1 and "epoch 3/3:" in again.stdout
    assert (prepared / "model" / "model.safetensors").read_bytes() == expected


# Starts both processes in a group of their own and kills the group once a checkpoint of the second epoch is there.
KILLED = f"""
import os, pathlib, re, signal, subprocess, time
process = subprocess.Popen({LAUNCH.split()!r}, start_new_session=True)
while process.poll() is None:
    steps = [int(path.name[5:]) for path in pathlib.Path("checkpoints").glob("*/step-*") if path.suffix == ""]
    if steps and max(steps) > 10:
        os.killpg(process.pid, signal.SIGKILL)
        print("killed after a checkpoint", flush=True)
        break
    time.sleep(0.01)
"""


def test_a_wrong_input_ends_all_processes_with_one_sentence(prepared):
    (prepared / "data" / "splits" / "split.parquet").unlink()
    done = run(*LAUNCH.split())
    assert done.returncode != 0
    assert "error: data/splits/split.parquet does not exist" in done.stderr


def test_a_batch_that_cannot_be_shared_evenly_is_refused(prepared):
    set_params(prepared, batch_size=7)
    done = run(*LAUNCH.split())
    assert done.returncode != 0
    assert "error: 2 processes cannot share batches of 7 comments in 1 pieces evenly" in done.stderr
