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
from accelerate import Accelerator

from emotions.core.errors import InputError
from emotions.core.files import sha256
from emotions.core.inputs import Inputs
from emotions.core.params import load
from emotions.training.checkpoints import Checkpoints, Run
from stages import preprocess, split, train
from tests.conftest import environment, set_params

# Runs the train stage again and again in forked children, which need not import torch each time. A child kills itself
# with SIGKILL before a step, or while it writes a checkpoint, as the plan on the command line says.
DRIVER = """
import os, sys, signal
sys.path.insert(0, ".")
import torch
from emotions.core import errors
from emotions.model import batches
from stages import train

def child(after, during_save):
    calls = 0
    def kill_at(function):
        def counted(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == after:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return counted
    if during_save:
        torch.save = kill_at(torch.save)
    else:
        batches.collate = kill_at(batches.collate)
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


def drive(*plans: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *plans], capture_output=True, text=True, env=environment(PYTHONPATH="")
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def outputs() -> dict[str, str]:
    files = [*Path("model").iterdir(), *Path("plots/training").iterdir(), Path("metrics/train.json")]
    return {str(path): sha256(path) for path in sorted(files)}


def remove_checkpoints() -> None:
    for path in sorted(Path("checkpoints").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.fixture
def prepared(workspace: Path) -> Path:
    """The stages before train are done; training has 4 epochs and saves itself after every step."""
    preprocess.main()
    split.main()
    set_params(workspace, epochs=4, checkpoint_minutes=0, threads=1)
    return workspace


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, and this platform has no fork")
def test_twenty_kills_at_random_moments_end_in_the_same_bytes(prepared):
    assert drive(NEVER)[-1] == "exit 0"
    uninterrupted = outputs()
    remove_checkpoints()

    # 24 steps in 4 epochs. Each child gets on by a step or three, one in three dies while it writes a checkpoint.
    chance = random.Random(20)
    kills = 0
    while kills < 20:
        for path in Path("model").iterdir():
            path.unlink()
        plans = [f"{chance.randint(2, 6)},{int(chance.random() < 1 / 3)}" for _ in range(7)]
        printed = drive(*plans, NEVER)
        kills += printed.count("killed")
        assert printed[-1] == "exit 0"
        assert any(line.startswith("resuming from step") for line in printed)
        assert outputs() == uninterrupted
        remove_checkpoints()


def test_the_interval_between_checkpoints_changes_nothing_in_the_result(prepared):
    drive(NEVER)
    often = outputs()
    remove_checkpoints()
    set_params(prepared, checkpoint_minutes=60)
    drive(NEVER)
    assert outputs() == often


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_first_and_says_where_the_run_goes_on(prepared, number, status):
    set_params(prepared, epochs=2000, checkpoint_minutes=1000)
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.train"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=""),
    )
    for line in process.stdout:
        if line.startswith("epoch 2/"):
            break
    time.sleep(0.2)
    process.send_signal(number)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == status
    assert "interrupted at step" in printed and "Traceback" not in printed
    newest = max(path.name for path in Path("checkpoints").glob("*/step-*"))
    assert f"interrupted at step {int(newest.split('-')[1]):,}:" in printed and not Path("model").exists()


def test_the_tables_are_readable_while_training_runs_and_a_resumed_run_repeats_no_row(prepared):
    assert drive("16,0")[-1] == "killed"
    steps = Path("plots/training/steps.csv").read_text().splitlines()
    assert steps[0] == "step,epoch,loss,lr" and len(steps) > 5
    assert drive(NEVER)[-1] == "exit 0"
    resumed = Path("plots/training/steps.csv").read_text().splitlines()
    assert resumed[: len(steps)] == steps and len(resumed) == len(set(resumed)) == 25


def test_other_parameters_start_afresh(prepared):
    assert drive("9,0")[-1] == "killed"
    set_params(prepared, lr=2e-3)
    printed = drive(NEVER)
    assert any(line.startswith("starting afresh") for line in printed) and printed[-1] == "exit 0"
    assert not any(line.startswith("resuming") for line in printed)


def test_a_checkpoint_of_another_run_moved_into_the_folder_is_refused(prepared):
    assert drive("9,0")[-1] == "killed"
    (other,) = Path("checkpoints").iterdir()
    set_params(prepared, lr=2e-3)
    assert drive("2,0")[-1] == "killed"
    (own,) = [path for path in Path("checkpoints").iterdir() if path != other]
    newest = max(other.glob("step-*"))
    newest.rename(own / newest.name)
    printed = drive(NEVER)
    assert any(f"{newest.name} is of another run: set aside" in line for line in printed)
    assert printed[-1] == "exit 0"


@pytest.fixture
def accelerator(no_traces) -> Accelerator:
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(torch.nn.Linear(2, 2))
    return accelerator


def run_at(step: int) -> Run:
    return Run(beliefs=torch.full((3, 2), float(step)), step=step, steps=[{"step": step, "loss": 0.5}])


def test_the_newest_of_two_is_resumed_and_older_ones_go(tmp_path, accelerator):
    kept = Checkpoints(tmp_path, "a" * 64)
    for step in (1, 2, 3):
        kept.save(accelerator, run_at(step))
    assert sorted(path.name for path in kept.folder.glob("step-*")) == ["step-000000002", "step-000000003"]
    run = run_at(0)
    kept.resume(accelerator, run)
    assert (run.step, run.steps, run.beliefs.tolist()) == (3, [{"step": 3, "loss": 0.5}], [[3.0, 3.0]] * 3)


def test_the_last_checkpoint_of_a_finished_run_stays_until_another_run_starts(tmp_path, accelerator):
    finished, unfinished = Checkpoints(tmp_path, "a" * 64), Checkpoints(tmp_path, "b" * 64)
    for one in (finished, unfinished):
        one.save(accelerator, run_at(1))
        one.save(accelerator, run_at(2))
    finished.finish()
    assert [path.name for path in finished.folder.glob("step-*")] == ["step-000000002"]
    Checkpoints(tmp_path, "c" * 64)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["b", "c"]
    assert len(list(unfinished.folder.glob("step-*"))) == 2


def test_a_second_process_of_the_same_run_is_refused(tmp_path):
    held = Checkpoints(tmp_path, "a" * 64)
    code = f"from emotions.training.checkpoints import Checkpoints; Checkpoints({str(tmp_path)!r}, 'a' * 64)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "another process is training the same run" in done.stderr
    assert held.folder.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "run.pt", "random_states_0.pkl", "manifest.json"])
@pytest.mark.parametrize("damage", [lambda content: content[:-2], lambda content: b"?" + content[1:], None])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(tmp_path, capsys, accelerator, name, damage):
    kept = Checkpoints(tmp_path, "a" * 64)
    kept.save(accelerator, run_at(1))
    kept.save(accelerator, run_at(2))
    file = kept.folder / "step-000000002" / name
    content = file.read_bytes()
    file.unlink()
    if damage:
        file.write_bytes(damage(content))
    run = run_at(0)
    kept.resume(accelerator, run)
    assert run.step == 1 and "is damaged: set aside" in capsys.readouterr().out
    assert (kept.folder / "step-000000002.damaged").is_dir()


def test_nothing_in_a_checkpoint_is_run(tmp_path, accelerator, monkeypatch):
    """A pickle with code in it, hashed as it should be, ends in an error and not in the code."""
    kept = Checkpoints(tmp_path, "a" * 64)
    save = torch.save

    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path}/ran",))

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", lambda content, file: save(Evil(), file))
        kept.save(accelerator, run_at(1))
    with pytest.raises(Exception, match=r"[Ww]eights"):
        kept.resume(accelerator, run_at(0))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "same"),
    [({"lr": 2e-3}, False), ({"seed": 7}, False), ({"checkpoint_minutes": 1}, True), ({"threshold": 0.4}, True)],
)
def test_the_fingerprint_covers_everything_that_decides_the_result(workspace, changes, same):
    def fingerprint(**differing) -> str:
        given = {"num_processes": 1, "distributed_type": "NO", "mixed_precision": "no"} | differing
        return train.fingerprint(load(), Inputs(["params.yaml", "encoder"]), SimpleNamespace(**given))

    before = fingerprint()
    set_params(workspace, **changes)
    assert (fingerprint() == before) is same
    others = [{"num_processes": 2}, {"distributed_type": "FSDP"}, {"mixed_precision": "bf16"}]
    assert len({before, *(fingerprint(**other) for other in others)}) == 4
    with Path("encoder/vocab.txt").open("a") as file:
        file.write("more")
    assert fingerprint() != before


def test_a_loss_that_is_not_finite_is_reported_by_its_steps():
    run = Run(torch.zeros(1), step=7, pending=[torch.tensor([1.0, 2.0]), torch.tensor([float("inf"), 2.0])])
    with pytest.raises(InputError, match="not finite in steps 1 to 7"):
        run.add_row(1, 0.1)
