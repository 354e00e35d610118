"""Killed and resumed: the same bytes as a run that was never interrupted."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from emotions import checkpoints
from emotions.checkpoints import Checkpoints
from emotions.files import sha256
from emotions.params import load
from emotions.provenance import Provenance
from stages import preprocess, split, train
from tests.conftest import ROOT, set_params, small_comments, write_csv

# Runs the train stage again and again in forked children, which need not import torch each time. A child kills itself
# with SIGKILL in the middle of a step, or of a checkpoint that it writes, as the plan on the command line says.
DRIVER = """
import os, sys, random, signal
sys.path.insert(0, ".")
import torch
import emotions.checkpoints, emotions.batches
from emotions import errors
from stages import train

def child(after, during_save):
    calls = 0
    def kill_at(function):
        def counted(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == after:
                if during_save:
                    with open(arguments[1].name, "ab") as file:
                        file.write(b"half")
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return counted
    if during_save:
        torch.save = kill_at(torch.save)
    else:
        emotions.batches.collate = kill_at(emotions.batches.collate)
    errors.run(train.main)

for plan in sys.argv[1:]:
    after, during_save = plan.split(",")
    pid = os.fork()
    if pid == 0:
        child(int(after), during_save == "1")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    print("killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}", flush=True)
"""
NEVER = "1000000,0"


def drive(workspace: Path, *plans: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", DRIVER, *plans], cwd=workspace, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def prepare(workspace: Path) -> None:
    extra = [(f"x{name}", f"{text} again", labels) for name, text, labels in small_comments(16)]
    write_csv(workspace / "data" / "extra.csv", extra)
    preprocess.main()
    split.main()
    set_params(workspace, epochs=4, checkpoint_minutes=0, threads=1, extra_data="data/extra.csv")


def outputs() -> dict[str, str]:
    files = [*sorted(Path("model").iterdir()), *sorted(Path("plots").iterdir()), Path("metrics/train.json")]
    return {str(path): sha256(path) for path in files}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, and this platform has no fork")
def test_twenty_kills_at_random_moments_end_in_the_same_bytes(workspace):
    prepare(workspace)
    assert drive(workspace, NEVER)[-1] == "exit 0"
    uninterrupted = outputs()
    checkpoints.remove_finished("checkpoints")
    assert not any(Path("checkpoints").iterdir())

    # 32 steps in 4 epochs. Each child gets on by a step or three, one in three dies while it writes a checkpoint.
    chance = random.Random(20)
    kills = 0
    while kills < 20:
        for path in Path("model").iterdir():
            path.unlink()
        plans = [f"{chance.randint(1, 4)},{int(chance.random() < 1 / 3)}" for _ in range(7)]
        told = drive(workspace, *plans, NEVER)
        kills += told.count("killed")
        assert told[-1] == "exit 0"
        assert any(line.startswith("resuming from step") for line in told)
        assert outputs() == uninterrupted
        checkpoints.remove_finished("checkpoints")
    assert kills >= 20


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_first_and_tells_from_where_to_go_on(workspace, number, status):
    prepare(workspace)
    set_params(workspace, epochs=2000, checkpoint_minutes=1000)
    process = subprocess.Popen(
        [sys.executable, "stages/train.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("epoch 2/"):
            break
    time.sleep(0.2)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == status
    assert "interrupted at step" in told and "Traceback" not in told
    newest = max(path.name for path in Path("checkpoints").glob("*/step-*.pt"))
    assert f"interrupted at step {int(newest.split('-')[1]):,}:" in told and not Path("model").exists()


def state(value: float) -> dict:
    return {"weights": torch.full((100,), value), "step": int(value)}


def test_the_newest_of_two_is_loaded_and_older_ones_go(tmp_path):
    kept = Checkpoints(tmp_path, "a" * 64)
    for step in (1, 2, 3):
        kept.save(step, state(step))
    assert len(list(kept.folder.glob("*.pt"))) == 2
    assert kept.load()["step"] == 3


def test_the_last_checkpoint_of_a_finished_run_stays_until_it_is_removed(tmp_path):
    finished, unfinished = Checkpoints(tmp_path, "a" * 64), Checkpoints(tmp_path, "b" * 64)
    for run in (finished, unfinished):
        run.save(1, state(1))
    finished.finish()
    assert finished.load()["step"] == 1
    checkpoints.remove_finished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [unfinished.folder.name]


def test_a_second_process_of_the_same_run_is_refused(tmp_path):
    held = Checkpoints(tmp_path, "a" * 64)
    code = f"from emotions.checkpoints import Checkpoints; Checkpoints({str(tmp_path)!r}, 'a' * 64)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "another process is training the same" in done.stderr
    assert held.load() is None


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:50] + b"?" + content[51:]])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(tmp_path, capsys, damage):
    kept = Checkpoints(tmp_path, "a" * 64)
    kept.save(1, state(1))
    kept.save(2, state(2))
    newest = max(kept.folder.glob("*.pt"))
    newest.write_bytes(damage(newest.read_bytes()))
    assert kept.load()["step"] == 1
    assert "is damaged: set aside" in capsys.readouterr().out
    assert newest.with_suffix(".damaged").exists()


def test_a_checkpoint_of_another_run_is_not_resumed(tmp_path, capsys):
    Checkpoints(tmp_path, "a" * 64).save(1, state(1))
    assert Checkpoints(tmp_path, "b" * 64).load() is None
    assert "starting afresh" in capsys.readouterr().out


def test_other_parameters_start_afresh(workspace):
    prepare(workspace)
    assert drive(workspace, "9,0")[-1] == "killed"
    set_params(workspace, lr=2e-3)
    told = drive(workspace, NEVER)
    assert any(line.startswith("starting afresh") for line in told) and told[-1] == "exit 0"
    assert not any(line.startswith("resuming") for line in told)


@pytest.mark.parametrize(
    ("changes", "same"),
    [({"lr": 2e-3}, False), ({"seed": 7}, False), ({"checkpoint_minutes": 1}, True), ({"threshold": 0.4}, True)],
)
def test_the_fingerprint_is_of_all_that_decides_the_result(workspace, monkeypatch, changes, same):
    def fingerprint(**differing) -> str:
        accelerator = SimpleNamespace(**{"num_processes": 1, "is_fsdp2": False, "mixed_precision": "no"} | differing)
        return train.fingerprint(load(), Provenance(["params.yaml", "encoder"]), accelerator)

    before = fingerprint()
    set_params(workspace, **changes)
    assert (fingerprint() == before) is same
    others = [{"num_processes": 2}, {"num_processes": 2, "is_fsdp2": True}, {"mixed_precision": "bf16"}]
    assert len({before, *(fingerprint(**other) for other in others)}) == 4
    monkeypatch.chdir(workspace)
    with Path("encoder/vocab.txt").open("a") as file:
        file.write("more")
    assert fingerprint() != before


def test_the_interval_between_checkpoints_changes_nothing_in_the_result(workspace):
    prepare(workspace)
    drive(workspace, NEVER)
    checkpoints.remove_finished("checkpoints")
    often = outputs()
    set_params(workspace, checkpoint_minutes=60)
    drive(workspace, NEVER)
    assert outputs() == often
