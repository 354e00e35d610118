"""How torch is set up, so that the same run gives the same bytes."""

import os

import torch
from transformers import set_seed


def set_up(seed: int, threads: int, deterministic: bool = True) -> None:
    """Seed Python, NumPy and torch, and fix what else the last digits depend on. Call before a model is made.

    threads: CPU cores to use, 0 for as many as torch chooses. Sums are split among the threads, so another number
    gives other last digits. deterministic: let torch use deterministic algorithms alone; on a CPU they are anyway.
    See https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    if threads:
        torch.set_num_threads(threads)
    set_seed(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with this alone
    torch.use_deterministic_algorithms(deterministic)
