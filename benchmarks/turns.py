"""Contenders that take turns, so that what else the machine does falls on all of them alike."""

import time
from collections.abc import Callable

import numpy as np
import torch


def take_turns(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, np.ndarray]:
    """Run each contender once to warm up, then all in turn (A B C A B C), `repeats` times.

    Returns the seconds of each counted run, (repeats,), by contender; those of one index ran side by side.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats + 1):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()  # what was asked of a GPU is not yet done
            seconds[name].append(time.perf_counter() - started)
    return {name: np.array(runs[1:]) for name, runs in seconds.items()}


def spread(values: np.ndarray, digits: int = 0) -> str:
    """Return `median (least to most)`."""
    return f"{np.median(values):.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"
