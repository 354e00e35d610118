"""Several processes that train one model together, started as users start them, on this machine's cores."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages import preprocess, split
from tests.conftest import ROOT, environment, set_params

LAUNCH = "accelerate launch --multi_gpu --num_processes 2 -m stages.train"
# Without a GPU the processes talk over gloo.
ENVIRONMENT = environment(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), CUDA_VISIBLE_DEVICES="", PYTHONPATH=""
)
# Trains, and counts every comment that is trained on, by process and epoch.
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
# Trains, and kills each process with SIGKILL in the second epoch.
DYING = """
import os, signal
from emotions.model import batches
from stages import train
collated, calls = batches.TrainingRows.__getitems__, []
def count(self, rows):
    calls.append(rows)
    if len(calls) == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return collated(self, rows)
batches.TrainingRows.__getitems__ = count
train.main()
"""


def run(command: str, fails: bool = False) -> subprocess.CompletedProcess:
    done = subprocess.run(command.split(), capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
    assert (done.returncode != 0) is fails, done.stderr
    return done


@pytest.fixture
def prepared(workspace: Path) -> Path:
    """The stages before train are done. Without dropout, any number of processes learns the same."""
    set_params(workspace, dropout=0.0, batch_size=6, epochs=3, threads=1)
    preprocess.main()
    split.main()
    return workspace


def outcome() -> tuple[dict, dict[str, torch.Tensor]]:
    return json.loads(Path("metrics/train.json").read_text()), load_file("model/model.safetensors")


def test_two_processes_share_the_comments_and_end_where_one_does_and_one_of_them_writes(prepared):
    run("python -m stages.train")
    metrics, weights = outcome()
    Path("metrics/train.json").unlink()

    Path("counting.py").write_text(COUNTING)
    both = run(LAUNCH.replace("stages.train", "counting"))
    assert both.stdout.count("training on cpu in fp32, processes: 2") == both.stdout.count("epoch 3/3:") == 1
    found, found_weights = outcome()
    assert found == pytest.approx(metrics, abs=2e-4)
    assert found_weights.keys() == weights.keys()
    for name, tensor in weights.items():
        assert torch.allclose(tensor, found_weights[name], atol=2e-4), name

    # Together they see each comment once per epoch; each has half of three epochs.
    seen = [json.loads(Path(f"seen-{rank}.json").read_text()) for rank in (0, 1)]
    for row in range(metrics["train_comments"]):
        assert sum(one.get(str(row), 0) for one in seen) == 3, row
    assert all(sum(one.values()) > metrics["train_comments"] for one in seen)


def test_two_processes_killed_and_started_again_end_with_the_same_bytes(prepared):
    assert LAUNCH in (ROOT / "docs" / "gpus.md").read_text()
    set_params(prepared, dropout=0.1)
    run(LAUNCH)
    expected = Path("model/model.safetensors").read_bytes()
    shutil.rmtree("checkpoints")
    set_params(prepared, checkpoint_minutes=0)
    Path("dying.py").write_text(DYING)
    run(LAUNCH.replace("stages.train", "dying"), fails=True)
    again = run(LAUNCH)
    assert again.stdout.count("resuming from step 1") == 1 and "epoch 3/3:" in again.stdout
    assert Path("model/model.safetensors").read_bytes() == expected


def test_a_missing_input_and_a_batch_that_cannot_be_shared_evenly_end_all_processes_with_one_sentence(prepared):
    set_params(prepared, batch_size=7)
    error = "error: 2 processes cannot share batches of 7 comments in 1 pieces evenly"
    assert error in run(LAUNCH, fails=True).stderr
    set_params(prepared, batch_size=6)
    Path("data/splits/split.parquet").unlink()
    assert "error: data/splits/split.parquet does not exist" in run(LAUNCH, fails=True).stderr
