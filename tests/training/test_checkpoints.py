"""Killed and resumed: the same bytes as a run that was never interrupted."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator

from emotions.core.files import sha256
from emotions.core.inputs import Inputs
from emotions.core.params import load
from emotions.training.checkpoints import Checkpoints, Run
from stages import preprocess, split, train
from tests.conftest import environment, set_params

# Runs the train stage again and again in forked children, which need not import torch each time. A child kills itself
# with SIGKILL at a step, or in place of a checkpoint, counted from its start: step:4 or save:2 on the command line.
DRIVER = """
import os, signal, sys
import torch
from emotions.core import errors
from emotions.model import batches
from stages import train

def kill_at_call(count, module, name):
    function, calls = getattr(module, name), []
    def counted(*arguments, **options):
        calls.append(name)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    setattr(module, name, counted)

for plan in sys.argv[1:]:
    moment, count = plan.split(":")
    pid = os.fork()
    if pid == 0:
        kill_at_call(int(count), *{"step": (batches, "collate"), "save": (torch, "save")}[moment])
        try:
            errors.run(train.main)
        except BaseException as error:
            print(error, flush=True)
            os._exit(1)  # an ordinary exit would wait for DuckDB's threads, which stay behind in a fork
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    print("killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}", flush=True)
"""
NEVER = "step:1000000"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, and this platform has no fork")


def drive(*plans: str) -> list[str]:
    command = [sys.executable, "-c", DRIVER, *plans]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(PYTHONPATH=""))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def outputs() -> dict[str, str]:
    files = [*Path("model").iterdir(), *Path("plots/training").iterdir(), Path("metrics/train.json")]
    return {str(path): sha256(path) for path in sorted(files)}


@pytest.fixture
def prepared(workspace: Path) -> Path:
    """The stages before train are done; training has 4 epochs and saves itself after every step."""
    preprocess.main()
    split.main()
    set_params(workspace, epochs=4, checkpoint_minutes=0, threads=1)
    return workspace


@needs_fork
def test_twenty_kills_at_random_moments_and_the_interval_of_checkpoints_change_no_byte(prepared):
    set_params(prepared, checkpoint_minutes=60)
    assert drive(NEVER)[-1] == "exit 0"
    uninterrupted = outputs()
    set_params(prepared, checkpoint_minutes=0)

    # 24 steps in 4 epochs. Each child gets on by a step or three, one in three dies while it writes a checkpoint.
    chance = random.Random(20)
    kills = 0
    while kills < 20:
        for folder in ("checkpoints", "model", "plots", "metrics"):
            shutil.rmtree(folder)
        plans = [f"{chance.choice(['step', 'step', 'save'])}:{chance.randint(2, 6)}" for _ in range(7)]
        printed = drive(*plans, NEVER)
        kills += printed.count("killed")
        assert printed[-1] == "exit 0"
        assert any(line.startswith("resuming from step") for line in printed)
        assert outputs() == uninterrupted


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_first_and_says_where_the_run_goes_on(prepared, number, status):
    set_params(prepared, epochs=2000, checkpoint_minutes=1000)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-m", "stages.train"], **streams, env=environment(PYTHONPATH=""))
    assert any(line.startswith("epoch 2/") for line in process.stdout)
    time.sleep(0.2)
    process.send_signal(number)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == status
    newest = max(path.name for path in Path("checkpoints").glob("*/step-*"))
    assert f"interrupted at step {int(newest.split('-')[1]):,}:" in printed and "Traceback" not in printed
    assert not Path("model").exists()


@needs_fork
def test_the_tables_are_readable_while_training_runs_and_a_resumed_run_repeats_no_row(prepared):
    assert drive("step:16")[-1] == "killed"
    steps = Path("plots/training/steps.csv").read_text().splitlines()
    assert steps[0] == "step,epoch,loss,lr" and len(steps) > 5
    assert drive(NEVER)[-1] == "exit 0"
    resumed = Path("plots/training/steps.csv").read_text().splitlines()
    assert resumed[: len(steps)] == steps and len(resumed) == len(set(resumed)) == 25


@needs_fork
def test_other_parameters_start_afresh_and_refuse_a_checkpoint_moved_from_another_run(prepared):
    assert drive("step:9")[-1] == "killed"
    (other,) = Path("checkpoints").iterdir()
    set_params(prepared, lr=2e-3)
    assert drive("step:2")[-1] == "killed"
    (own,) = [path for path in Path("checkpoints").iterdir() if path != other]
    newest = max(other.glob("step-*"))
    newest.rename(own / newest.name)
    printed = drive(NEVER)
    assert any(f"{newest.name} is of another run: set aside" in line for line in printed) and printed[-1] == "exit 0"
    assert any(line.startswith("starting afresh") for line in printed)
    assert not any(line.startswith("resuming") for line in printed)


@pytest.fixture
def accelerator(no_traces) -> Accelerator:
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(torch.nn.Linear(2, 2))
    return accelerator


@pytest.fixture
def kept(tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path, "a" * 64)


def run_at(step: int) -> Run:
    return Run(torch.full((3, 2), float(step)), step, [{"step": step, "loss": 0.5}])


def names(kept: Checkpoints) -> list[str]:
    return sorted(path.name for path in kept.folder.glob("step-*"))


def test_the_newest_of_two_is_resumed_and_older_ones_go(kept, accelerator):
    for step in (1, 2, 3):
        kept.save(accelerator, run_at(step))
    assert names(kept) == ["step-000000002", "step-000000003"]
    run = run_at(0)
    kept.resume(accelerator, run)
    assert (run.step, run.steps, run.beliefs.tolist()) == (3, [{"step": 3, "loss": 0.5}], [[3.0, 3.0]] * 3)


def test_the_last_checkpoint_of_a_finished_run_stays_until_another_run_starts(kept, tmp_path, accelerator):
    unfinished = Checkpoints(tmp_path, "b" * 64)
    for one in (kept, unfinished):
        one.save(accelerator, run_at(1))
        one.save(accelerator, run_at(2))
    kept.finish()
    assert names(kept) == ["step-000000002"]
    Checkpoints(tmp_path, "c" * 64)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["b", "c"] and len(names(unfinished)) == 2


def test_a_second_process_of_the_same_run_is_refused(kept, tmp_path):
    code = f"from emotions.training.checkpoints import Checkpoints; Checkpoints({str(tmp_path)!r}, 'a' * 64)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "another process is training the same run" in done.stderr


@pytest.mark.parametrize("name", ["model.safetensors", "run.pt", "random_states_0.pkl", "manifest.json"])
@pytest.mark.parametrize("damage", [lambda content: content[:-2], lambda content: b"?" + content[1:], None])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(kept, capsys, accelerator, name, damage):
    kept.save(accelerator, run_at(1))
    kept.save(accelerator, run_at(2))
    file = kept.folder / "step-000000002" / name
    file.write_bytes(damage(file.read_bytes())) if damage else file.unlink()
    run = run_at(0)
    kept.resume(accelerator, run)
    assert run.step == 1 and "is damaged: set aside" in capsys.readouterr().out
    assert names(kept) == ["step-000000001", "step-000000002.damaged"]


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def test_nothing_in_a_checkpoint_is_run(kept, tmp_path, accelerator, monkeypatch):
    """A pickle with code in it, hashed as it should be, ends in an error and not in the code."""
    monkeypatch.chdir(tmp_path)
    save = torch.save
    monkeypatch.setattr(torch, "save", lambda content, file: save(Evil(), file))
    kept.save(accelerator, run_at(1))
    with pytest.raises(Exception, match=r"[Ww]eights"):
        kept.resume(accelerator, run_at(0))
    assert not Path("ran").exists()


def test_the_fingerprint_covers_everything_that_decides_the_result(workspace):
    def fingerprint(**differing) -> str:
        given = {"num_processes": 1, "distributed_type": "NO", "mixed_precision": "no"} | differing
        return train.fingerprint(load(), Inputs(["params.yaml", "encoder"]), SimpleNamespace(**given))

    found = [fingerprint()]
    set_params(workspace, checkpoint_minutes=1, threshold=0.4)
    assert fingerprint() == found[0]
    for other in ({"num_processes": 2}, {"distributed_type": "FSDP"}, {"mixed_precision": "bf16"}):
        found.append(fingerprint(**other))
    for changes in ({"lr": 2e-3}, {"seed": 7}):
        set_params(workspace, **changes)
        found.append(fingerprint())
    with Path("encoder/vocab.txt").open("a") as file:
        file.write("more")
    assert len({*found, fingerprint()}) == 7
