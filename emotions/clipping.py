"""Gradient clipping: where the norm of all gradients together is above a bound, they are scaled down to it."""

from collections.abc import Iterable

import torch
from accelerate import Accelerator
from torch import nn


def clip(accelerator: Accelerator, parameters: Iterable[nn.Parameter], bound: float) -> None:
    """Clip the gradients, in place (Pascanu, Mikolov and Bengio, On the Difficulty of Training RNNs, ICML 2013).

    On a CPU torch takes a tensor's norm on one core, and multiplies by 1 where nothing is above the bound, which is the
    rule: 3% of a step with MiniLM on two cores. So here a CPU does neither. A GPU is not asked what the norm is, for
    then it would be waited for.
    """
    parameters = list(parameters)
    if accelerator.device.type != "cpu" or accelerator.is_fsdp2:
        accelerator.clip_grad_norm_(parameters, bound)
        return
    gradients = [parameter.grad.flatten() for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.dot(gradient) for gradient in gradients]).sum().sqrt()
    if norm > bound:
        nn.utils.clip_grads_with_norm_(parameters, bound, norm)
