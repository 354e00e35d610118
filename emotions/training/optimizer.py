"""The precision, devices and optimizer of a training run."""

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration
from transformers import PreTrainedModel

from emotions.core.errors import InputError
from emotions.core.params import Params


def choose_precision(precision: str) -> str:
    """Return fp32, bf16 or fp16 for a `precision` that may be auto: bf16 or else fp16 on a GPU, fp32 on a CPU.

    Some CPUs are faster in bf16 and others slower, and both report that they support it (docs/speed.md).

    Raises:
        InputError: fp16 without a GPU.
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
    """Return the accelerator: devices, precision, gradient accumulation, and the processes that train together.

    Raises:
        InputError: The device lacks the precision, or a batch cannot be shared evenly.
    """
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


def freeze_embeddings(model: PreTrainedModel) -> None:
    """Keep the embeddings, or else the word embeddings alone, as they were pretrained.

    A batch uses a hundredth of that table, and no gradient need go below the first layer.
    """
    encoder = model.base_model
    (getattr(encoder, "embeddings", None) or encoder.get_input_embeddings()).requires_grad_(False)


def create(model: PreTrainedModel, params: Params, fused: bool) -> torch.optim.AdamW:
    """Return AdamW with learning rates of their own for encoder and head; biases and norms are not decayed.

    Decay pulls towards zero, where a scale or an offset has no reason to be (Loshchilov and Hutter, Decoupled Weight
    Decay Regularization, ICLR 2019; Devlin et al., BERT, NAACL 2019, for the exceptions).

    Args:
        model: The classifier; parameters without a gradient are left out.
        params: lr, head_lr and weight_decay are used.
        fused: Use the faster implementation, which a gradient scaler does not support everywhere.
    """
    prefix = f"{model.base_model_prefix}."
    groups = []
    for in_encoder, lr in ((True, params.lr), (False, params.head_lr)):
        learned = [
            parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad and name.startswith(prefix) == in_encoder
        ]
        for decayed, decay in ((True, params.weight_decay), (False, 0.0)):
            chosen = [parameter for parameter in learned if (parameter.ndim > 1) == decayed]
            groups.append({"params": chosen, "lr": lr, "weight_decay": decay})
    return torch.optim.AdamW([group for group in groups if group["params"]], fused=fused)
