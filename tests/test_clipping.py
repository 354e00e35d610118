"""Gradients are scaled down to the bound, and left alone below it."""

import copy

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from emotions.clipping import clip


@pytest.mark.parametrize("share", [0.01, 0.9, 1.1])
def test_gradients_are_what_torch_clips_them_to_and_untouched_below_the_bound(no_traces, share):
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    model[1].bias.requires_grad_(False)  # has no gradient
    expected = copy.deepcopy(model)
    for one in (model, expected):
        one(torch.arange(12.0).view(4, 3)).square().sum().backward()
    before = [parameter.grad.clone() for parameter in list(model.parameters())[:3]]
    norm = nn.utils.get_total_norm(before)
    nn.utils.clip_grad_norm_(expected.parameters(), share * norm)
    clip(Accelerator(cpu=True), model.parameters(), share * norm)
    for own, other, first in zip(model.parameters(), expected.parameters(), [*before, None], strict=True):
        if first is None:
            assert own.grad is None
        else:
            assert torch.allclose(own.grad, other.grad, rtol=1e-5)
            assert torch.equal(own.grad, first) == (share > 1)
