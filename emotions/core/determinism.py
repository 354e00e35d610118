"""Sets torch up so that the same run gives the same bytes."""

import os

import torch
from accelerate.utils import set_seed


def set_up(seed: int, threads: int) -> None:
    """Seed Python, NumPy and torch, and fix everything else that last digits depend on. Call before a model is made.

    Processes that train together need a seed each, or all drop out the same units. `threads` are CPU cores, 0 for
    torch's choice; sums are split among them, so another number gives other last digits.
    See https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    if threads:
        torch.set_num_threads(threads)
    set_seed(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True)
