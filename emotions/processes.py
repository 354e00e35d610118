"""Sharing comments among the processes that train together, as `accelerate launch` starts them.

Of n comments, process r of w has those at r, r + w, r + 2w …
"""

from collections.abc import Mapping

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from emotions.errors import InputError


def check(environment: Mapping[str, str]) -> bool:
    """Return whether `accelerate launch` was asked to shard the model.

    environment: the process's variables, by which the launcher tells. Raises `InputError` where what it was asked for
    cannot be had.
    """

    def is_set(name: str) -> bool:
        return environment.get(name, "false").lower() == "true"

    for name in ("DEEPSPEED", "MEGATRON_LM", "PARALLELISM_CONFIG"):
        if is_set(f"ACCELERATE_USE_{name}"):
            raise InputError(f"accelerate is configured for {name}: what can shard a model here is FSDP, version 2")
    shards = is_set("ACCELERATE_USE_FSDP")
    if shards and environment.get("FSDP_VERSION", "1") != "2":
        raise InputError("accelerate is configured for the first version of FSDP: set fsdp_version to 2")
    # With the second, accelerate computes states twice, and with other dropout the second time.
    for name in ("FSDP_OFFLOAD_PARAMS", "FSDP_ACTIVATION_CHECKPOINTING"):
        if shards and is_set(name):
            raise InputError(f"accelerate is configured for {name}, which cannot be had: set {name.lower()} to false")
    number, gpus = int(environment.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if gpus and number >= gpus:
        raise InputError(f"process {number + 1} of this machine has no GPU, there are {gpus}: lower --num_processes")
    return shards


def share(accelerator: Accelerator, positions: np.ndarray) -> np.ndarray:
    """Return this process's share of `positions`, which may be empty."""
    return positions[accelerator.process_index :: accelerator.num_processes]


def together(accelerator: Accelerator, own: Tensor, count: int) -> Tensor:
    """Return all `count` rows, in their order, of which `own` holds those of this process's share."""
    if accelerator.num_processes == 1:
        return own
    # All processes must give equally many rows; what is too much falls off the end.
    longest = -(-count // accelerator.num_processes)
    padded = torch.zeros(longest, *own.shape[1:], dtype=own.dtype, device=accelerator.device)
    padded[: len(own)] = own
    gathered = accelerator.gather(padded).view(accelerator.num_processes, longest, *own.shape[1:])
    return gathered.transpose(0, 1).flatten(0, 1)[:count]


def any_of(accelerator: Accelerator, value: int) -> int:
    """Return the largest `value` of all processes."""
    if accelerator.num_processes == 1:
        return value
    return int(accelerator.gather(torch.tensor([value], device=accelerator.device)).max())
