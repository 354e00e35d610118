"""The accelerator of a training run: its device, precision and processes."""

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration

from emotions.core.errors import InputError
from emotions.core.params import Params


def choose_precision(precision: str) -> str:
    """Return fp32, bf16 or fp16 for a `precision` that may be auto: bf16 or else fp16 on a GPU, fp32 on a CPU.

    Some CPUs that support bf16 are slower in it (docs/precision.md). Raises `InputError` for fp16 without a GPU.
    """
    gpu = torch.cuda.is_available()
    if precision == "fp16" and not gpu:
        raise InputError("precision fp16 needs a GPU, and there is none here: use auto, fp32 or bf16")
    if precision != "auto":
        return precision
    if not gpu:
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def start(params: Params) -> Accelerator:
    """Return the accelerator, or raise `InputError` when the device lacks the precision or a batch cannot be shared."""
    precision = choose_precision(params.precision)
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),
        mixed_precision="no" if precision == "fp32" else precision,
        gradient_accumulation_steps=params.accumulation,
        # A batch is shared among the processes, so their number changes nothing in the result but last digits.
        dataloader_config=DataLoaderConfiguration(split_batches=True, non_blocking=True),
    )
    if params.batch_size // params.accumulation % accelerator.num_processes:
        raise InputError(
            f"{accelerator.num_processes} processes cannot share batches of {params.batch_size} comments in "
            f"{params.accumulation} pieces evenly: change batch_size or accumulation"
        )
    return accelerator
