"""Where accelerate is configured for FSDP, each process holds a part of every weight, and of what AdamW knows of it.

So one trains what is too large for one GPU. The method: Zhao et al., PyTorch FSDP: Experiences on Scaling Fully Sharded
Data Parallel, VLDB 2023, arXiv 2304.11277, in its second version
(https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html). These functions also do what there is to do
where nothing is sharded.
"""

import copy

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.distributed.tensor import DTensor

from emotions import processes
from emotions.batches import Tokens
from emotions.model import EmotionClassifier
from emotions.prediction import predict_logits


def ready(accelerator: Accelerator, model: EmotionClassifier) -> EmotionClassifier:
    """Return what to train: `model`, now on the device, or a copy of it, which accelerate may take apart for good."""
    # It is moved to the device layer by layer when it is taken apart: whole it may not fit there.
    return copy.deepcopy(model) if accelerator.is_fsdp2 else model.to(accelerator.device)


def predict(accelerator: Accelerator, model: EmotionClassifier, tokens: Tokens, positions: np.ndarray) -> Tensor:
    """Return the logits of the comments at `positions`, (k, L) float32 on the CPU, in every process the same."""
    if accelerator.is_fsdp2:
        # The processes must make the same passes, since each has but a part of the weights.
        return torch.from_numpy(predict_logits(model, tokens, positions))
    own = predict_logits(model, tokens, processes.share(accelerator, positions))
    return processes.together(accelerator, torch.from_numpy(own), len(positions)).cpu()


@torch.no_grad()
def finish(trained: EmotionClassifier, model: EmotionClassifier) -> None:
    """Give `model` the weights of `trained`, which `ready` made of it, in every process."""
    if trained is model:
        return
    weights = model.state_dict()
    for name, weight in trained.state_dict().items():
        weights[name].copy_(weight.full_tensor() if isinstance(weight, DTensor) else weight)
