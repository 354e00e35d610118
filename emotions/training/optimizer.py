"""The optimizer of a training run."""

import torch
from transformers import PreTrainedModel

from emotions.core.params import Params


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
        model: The classifier; frozen parameters are left out.
        params: Of which lr, head_lr and weight_decay are used.
        fused: Use the faster implementation, which not every gradient scaler supports.
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
