"""Run a script with accelerate taking processes on CPUs for processes with GPUs: only of these does it shard the model.

Usage: accelerate launch … tests/sharding_on_cpus.py SCRIPT. What shards, torch's FSDP, works on CPUs, too.
"""

import runpy
import sys

from accelerate.state import PartialState
from accelerate.utils import DistributedType

_start = PartialState.__init__


def _start_as_with_gpus(self: PartialState, *arguments: object, **options: object) -> None:
    _start(self, *arguments, **options)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_GPU


PartialState.__init__ = _start_as_with_gpus
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
