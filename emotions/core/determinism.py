"""Sets torch up so that the same run gives the same bytes."""

import os

import torch
from accelerate.utils import set_seed


def set_up(seed: int, threads: int) -> None:
    """Seed Python, NumPy and torch, and fix everything else that last digits depend on. Call before a model is made.

    See https://docs.pytorch.org/docs/stable/notes/randomness.html

    Args:
        seed: Of all random numbers. Processes that train together need one each, or all drop out the same units.
        threads: CPU cores to use, 0 for torch's choice. Sums are split among threads, so another number gives other
            last digits.
    """
    if threads:
        torch.set_num_threads(threads)
    set_seed(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True)
