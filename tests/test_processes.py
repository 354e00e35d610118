"""Several processes that train one model together, started as users start them, on this machine's cores."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.fsdp.wrap import transformer_auto_wrap_policy
from transformers import DistilBertConfig, DistilBertModel

from emotions import processes, sharding
from emotions.errors import InputError
from emotions.model import EmotionClassifier
from stages import preprocess, split
from tests.conftest import LABELS, ROOT, set_params, small_comments, write_csv, write_opinions
from tests.project import README

LAUNCH = "accelerate launch --multi_gpu --num_processes 2 stages/train.py"
LAUNCH_SHARDED = f"accelerate launch --config_file {ROOT / 'docs/fsdp.yaml'}"
FSDP = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
SHARDED_ON_CPUS = [*LAUNCH_SHARDED.split(), str(ROOT / "tests" / "sharding_on_cpus.py"), "stages/train.py"]


def train(command: list[str], **environment: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # No GPU: then the processes talk over gloo.
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


@pytest.fixture
def prepared(workspace):
    """The stages before train are done; 48 comments and 10 of 16 extra ones are for an epoch, in batches of 7.

    Shares are not equal then. There are second opinions on some of both.
    """
    extra = [(f"x{name}", f"{text} again", labels) for name, text, labels in small_comments(16)]
    write_csv(workspace / "data" / "extra.csv", extra)
    write_opinions(workspace / "data" / "opinions.csv", small_comments(40) + extra[:8])
    set_params(workspace, extra_data="data/extra.csv", label_minimum=18)
    set_params(workspace, opinions="data/opinions.csv", opinion_weight=1)
    # Without dropout there is nothing random, and any number of processes learns the same.
    set_params(workspace, dropout=0.0, batch_size=7, epochs=3, threads=1, precision="fp32")
    preprocess.main()
    split.main()
    return workspace


def outcome(folder: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    return json.loads((folder / "metrics" / "train.json").read_text()), load_file(folder / "model/model.safetensors")


def assert_alike(found: tuple[dict, dict[str, torch.Tensor]], expected: tuple[dict, dict[str, torch.Tensor]]) -> None:
    """Assert that two outcomes are the same but for what another order of additions does."""
    (metrics, weights), (expected_metrics, expected_weights) = found, expected
    assert metrics == pytest.approx(expected_metrics, abs=2e-4)
    assert weights.keys() == expected_weights.keys()
    for name, tensor in expected_weights.items():
        assert torch.allclose(tensor, weights[name], atol=2e-4), name


def test_two_processes_end_where_one_does_and_one_of_them_writes(prepared):
    assert LAUNCH in README
    alone = train([sys.executable, "stages/train.py"])
    assert alone.returncode == 0, alone.stderr
    assert "training on cpu in fp32: 58 comments" in alone.stdout
    metrics, weights = outcome(prepared)
    (prepared / "metrics" / "train.json").unlink()

    both = train(LAUNCH.split())
    assert both.returncode == 0, both.stderr
    assert both.stdout.count("training on 2 processes on cpu in fp32: 58 comments") == 1
    assert both.stdout.count("learning from 16 comments of data/extra.csv, too: 10 in each epoch") == 1
    assert both.stdout.count("learning from second opinions on ") == 1
    assert both.stdout.count("epoch 3/3:") == 1
    assert_alike(outcome(prepared), (metrics, weights))
    assert metrics["second_opinions"] > 30


@pytest.mark.parametrize(
    ("command", "precision"),
    [(LAUNCH.split(), "fp32"), (SHARDED_ON_CPUS, "bf16")],
)
def test_two_processes_stopped_and_started_again_end_with_the_same_bytes(prepared, command, precision):
    set_params(prepared, dropout=0.1, encoder_dropout=0.1, precision=precision)
    first = train(command)
    assert first.returncode == 0, first.stderr
    expected = (prepared / "model" / "model.safetensors").read_bytes()
    for folder in (prepared / "checkpoints").iterdir():
        (folder / "finished").unlink()
        newest, _ = sorted(folder.glob("step-*.pt"), reverse=True)
        newest.unlink()  # as if the run had been killed before its last epoch
    again = train(command)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("resuming from step 18") == 1 and "epoch 3/3:" in again.stdout
    assert (prepared / "model" / "model.safetensors").read_bytes() == expected


def test_a_sharded_model_ends_where_a_whole_one_does(prepared):
    assert "accelerate launch --config_file docs/fsdp.yaml --num_processes 8 stages/train.py" in README
    assert train([sys.executable, "stages/train.py"]).returncode == 0
    alone = outcome(prepared)
    (prepared / "metrics" / "train.json").unlink()

    sharded = train(SHARDED_ON_CPUS)
    assert sharded.returncode == 0, sharded.stderr
    # The classifier, its embeddings and its two layers, of which each process has about a half.
    found = re.findall(r"(\d+) parts, (\d+) of (\d+) numbers here", sharded.stdout)
    assert len(found) == 2 and {parts for parts, _, _ in found} == {"4"}
    assert sum(int(here) for _, here, _ in found) == int(found[0][2])
    assert all(0.4 < int(here) / int(whole) < 0.6 for _, here, whole in found)
    assert sharded.stdout.count("training on 2 processes, each with a part of the model, on cpu in fp32") == 1
    assert_alike(outcome(prepared), alone)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, "for DEEPSPEED: what can shard a model here is FSDP"),
        ({"ACCELERATE_USE_MEGATRON_LM": "true"}, "for MEGATRON_LM: what can shard a model here is FSDP"),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "1"}, "for the first version of FSDP: set fsdp_version to 2"),
        ({**FSDP, "FSDP_OFFLOAD_PARAMS": "true"}, "for FSDP_OFFLOAD_PARAMS, .* set fsdp_offload_params to false"),
        ({**FSDP, "FSDP_ACTIVATION_CHECKPOINTING": "true"}, "set fsdp_activation_checkpointing to false"),
    ],
)
def test_other_ways_to_shard_a_model_are_refused_in_one_sentence(asked, message):
    with pytest.raises(InputError, match=f"^accelerate is configured .*{message}"):
        processes.check(asked)


@pytest.mark.parametrize("named", [None, ["TransformerBlock"]])
def test_layers_that_the_encoder_does_not_tell_must_be_named(named):
    config = DistilBertConfig(vocab_size=9, dim=8, n_heads=2, n_layers=1, hidden_dim=8)
    model = EmotionClassifier(DistilBertModel(config), LABELS, "mean", 0.0, max_length=9)
    plugin = SimpleNamespace(
        auto_wrap_policy=transformer_auto_wrap_policy, transformer_cls_names_to_wrap=named, mixed_precision_policy=None
    )
    accelerator = SimpleNamespace(is_fsdp2=True, state=SimpleNamespace(fsdp_plugin=plugin))
    if named:
        assert sharding.ready(accelerator, model) is not model
    else:
        with pytest.raises(InputError, match=r"a distilbert encoder does not tell .* set fsdp_transformer_layer_cls"):
            sharding.ready(accelerator, model)


def test_what_accelerate_is_configured_for_is_told():
    assert not processes.check({"ACCELERATE_USE_CPU": "true", "LOCAL_RANK": "1"})
    assert processes.check(FSDP)


def test_a_model_is_not_sharded_on_cpus(prepared):
    done = train([*LAUNCH_SHARDED.split(), "stages/train.py"])
    assert done.returncode != 0
    assert "error: FSDP shards a model over GPUs: start two processes or more" in done.stderr


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert processes.check({"LOCAL_RANK": "1"}) is False
    with pytest.raises(InputError, match="process 3 of this machine has no GPU, there are 2: lower --num_processes"):
        processes.check({"LOCAL_RANK": "2"})


def test_a_wrong_input_ends_all_processes_with_one_sentence(prepared):
    (prepared / "data" / "splits" / "split.parquet").unlink()
    done = train(LAUNCH.split())
    assert done.returncode != 0
    assert "error: data/splits/split.parquet does not exist" in done.stderr
