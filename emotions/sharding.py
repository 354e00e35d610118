"""Where accelerate is configured for FSDP, each process holds a part of every weight, and of what AdamW knows of it.

So one trains an encoder whose training does not fit on one GPU. The method: Zhao et al., PyTorch FSDP: Experiences on
Scaling Fully Sharded Data Parallel, VLDB 2023, arXiv 2304.11277, in its second version
(https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html). These functions also do what there is to do
where nothing is sharded.
"""

import copy
from dataclasses import replace

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp.wrap import transformer_auto_wrap_policy
from torch.distributed.tensor import DTensor

from emotions import batches, processes
from emotions.batches import Tokens
from emotions.errors import InputError
from emotions.model import EmotionClassifier
from emotions.prediction import BATCH_TOKENS, predict_logits


def ready(accelerator: Accelerator, model: EmotionClassifier) -> EmotionClassifier:
    """Return what to train: `model`, now on the device, or a copy of it, which accelerate may take apart for good.

    Raises `InputError` where accelerate is to take it apart by layers, and does not know which classes these are of.
    """
    if not accelerator.is_fsdp2:
        return model.to(accelerator.device)
    plugin = accelerator.state.fsdp_plugin
    named = plugin.transformer_cls_names_to_wrap or model.encoder._no_split_modules
    if plugin.auto_wrap_policy is transformer_auto_wrap_policy and not named:
        raise InputError(
            f"a {model.encoder.config.model_type} encoder does not tell accelerate its layers: "
            "set fsdp_transformer_layer_cls_to_wrap to the name of their class"
        )
    model = copy.deepcopy(model)  # moved to the device layer by layer when it is taken apart: whole it may not fit
    model._no_split_modules = model.encoder._no_split_modules  # where accelerate looks for the layers' classes
    if plugin.mixed_precision_policy:
        # Gradients are exchanged in fp32, as they are where each process has the whole model.
        plugin.mixed_precision_policy = replace(plugin.mixed_precision_policy, reduce_dtype=torch.float32)
    return model


@torch.no_grad()
def finish(trained: EmotionClassifier, model: EmotionClassifier) -> None:
    """Give `model` the weights of `trained`, which `ready` made of it, in every process."""
    if trained is model:
        return
    weights = model.state_dict()
    for name, weight in trained.state_dict().items():
        weights[name].copy_(weight.full_tensor() if isinstance(weight, DTensor) else weight)


def predict(accelerator: Accelerator, model: EmotionClassifier, tokens: Tokens, positions: np.ndarray) -> Tensor:
    """Return the logits of the comments at `positions`, (k, L) float32 on the CPU, in every process the same."""
    own = processes.share(accelerator, positions)
    logits = predict_logits(model, tokens, own)
    if accelerator.is_fsdp2:
        # For each pass the processes gather the weights together, so that all must make as many.
        passes = sum(1 for _ in batches.of_equal_length(tokens.lengths[own], BATCH_TOKENS))
        for _ in range(processes.any_of(accelerator, passes) - passes):
            predict_logits(model, tokens, positions[:1])
    return processes.together(accelerator, torch.from_numpy(logits), len(positions)).cpu()


def state_dict(accelerator: Accelerator, model: EmotionClassifier, optimizer: torch.optim.Optimizer) -> dict:
    """Return the state of model and optimizer, whole; where it is sharded, the main process alone has it."""
    if not accelerator.is_fsdp2:
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    whole = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights, moments = get_state_dict(model, optimizer, options=whole)
    return {"model": weights, "optimizer": moments}


def load_state_dict(
    accelerator: Accelerator, model: EmotionClassifier, optimizer: torch.optim.Optimizer, state: dict | None
) -> None:
    """Load what `state_dict` returned in the main process, which alone needs to have it here."""
    if accelerator.is_fsdp2:
        state = state or {"model": {}, "optimizer": {}}
        from_main = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
        set_model_state_dict(model, state["model"], options=from_main)
        set_optimizer_state_dict(model, optimizer, state["optimizer"], options=from_main)
    else:
        state = broadcast_object_list([state])[0]
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
