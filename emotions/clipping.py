"""Gradient clipping: where the norm of all gradients together is above a bound, they are scaled down to it."""

from collections.abc import Iterable

from accelerate import Accelerator
from torch import nn


def clip(accelerator: Accelerator, parameters: Iterable[nn.Parameter], bound: float) -> None:
    """Clip the gradients, in place (Pascanu, Mikolov and Bengio, On the Difficulty of Training RNNs, ICML 2013).

    Accelerate's own way multiplies them at every step, by 1 where their norm is below the bound, which is the rule. On
    a CPU that is a hundredth of a step, and saved here. A GPU would have to be waited for to know the norm.
    """
    parameters = list(parameters)
    if accelerator.device.type != "cpu" or accelerator.is_fsdp2:
        accelerator.clip_grad_norm_(parameters, bound)
        return
    norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    if norm > bound:
        nn.utils.clip_grads_with_norm_(parameters, bound, norm)
