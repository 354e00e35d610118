"""In how many pieces a batch must be computed, one after the other, to fit in the device's memory."""

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from emotions import batches, processes
from emotions.batches import Tokens
from emotions.errors import InputError
from emotions.model import EmotionClassifier

# Devices that say when their memory is full. A process that fills a computer's own is killed without a word.
TELLING = {"cuda"}


def pieces_that_fit(
    accelerator: Accelerator, model: EmotionClassifier, tokens: Tokens, batch: np.ndarray, room: int
) -> int:
    """Return 1, or the power of two into which `batch`, the largest of all, must be cut, in every process the same.

    batch: positions of one comment or more. room: bytes on the device that something else will need.

    It is tried: two forward and backward passes as in training, the second beside the gradients of the first, with room
    left for AdamW's two moments and, of several processes, for the gradients that they exchange. The model's
    weights and the random numbers stay what they were. It is not tried on a CPU (see `TELLING`), nor where accelerate
    shards the model: a process whose memory is full would leave the others waiting.

    Raises `InputError` when not even one comment at a time fits.
    """
    if accelerator.device.type not in TELLING or accelerator.is_fsdp2:
        return 1
    pieces = 1
    while not _fits(accelerator, model, tokens, batch[: max(1, -(-len(batch) // pieces))], room):
        if pieces >= len(batch):
            raise InputError("one comment alone does not fit in the device's memory: use a smaller encoder")
        pieces *= 2
    pieces = processes.any_of(accelerator, pieces)
    if pieces > 1:
        accelerator.print(
            f"a batch does not fit in memory: computed in {pieces} pieces, which changes no more than the last digits",
            flush=True,
        )
    return pieces


def _fits(accelerator: Accelerator, model: EmotionClassifier, tokens: Tokens, comments: np.ndarray, room: int) -> bool:
    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            model.train()
            copies = 2 if accelerator.num_processes == 1 else 3
            learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
            others = [torch.empty_like(parameter) for parameter in learned for _ in range(copies)]
            others.append(torch.empty(room, dtype=torch.uint8, device=accelerator.device))
            inputs = batches.collate(tokens, comments, model.tokenizer.pad_token_id, accelerator.device)
            for _ in range(2):
                with accelerator.autocast():
                    logits = model(**inputs)
                logits.float().sum().backward()
            del others
            return True
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            return False
        finally:
            model.zero_grad(set_to_none=True)
            clear_device_cache()
