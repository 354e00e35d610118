"""Run a script with accelerate taking processes on CPUs for processes with GPUs: only of these does it shard the model.

Usage: accelerate launch … tests/sharding_on_cpus.py SCRIPT. What shards, torch's FSDP, works on CPUs, too. Each process
tells how many parts of the model are sharded by themselves, and how many numbers of them it has.
"""

import runpy
import sys

import torch
from accelerate import Accelerator
from accelerate.state import PartialState
from accelerate.utils import DistributedType
from torch.distributed.fsdp import FSDPModule

_start, _prepare = PartialState.__init__, Accelerator.prepare


def _start_as_with_gpus(self: PartialState, *arguments: object, **options: object) -> None:
    _start(self, *arguments, **options)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_GPU


def _prepare_and_tell(self: Accelerator, *objects: object) -> tuple:
    whole = sum(parameter.numel() for parameter in objects[0].parameters())
    model, optimizer = _prepare(self, *objects)
    parts = sum(isinstance(module, FSDPModule) for module in model.modules())
    here = sum(parameter.to_local().numel() for parameter in model.parameters())
    print(f"{parts} parts, {here} of {whole} numbers here", flush=True)
    return model, optimizer


PartialState.__init__, Accelerator.prepare = _start_as_with_gpus, _prepare_and_tell
torch._C._get_accelerator = lambda *given: torch.device("cpu")  # a torch for CUDA expects a GPU
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
