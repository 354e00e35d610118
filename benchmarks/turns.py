"""Contenders that take turns, so that other load on the machine affects all of them alike."""

import contextlib
import io
import time
from collections.abc import Callable

import numpy as np
import torch


def seconds(run: Callable[[], object]) -> float:
    """Return the seconds that `run` takes, without showing what it prints."""
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # a GPU may still be at work
    return time.perf_counter() - started


def take_turns(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, np.ndarray]:
    """Run each contender once to warm up, then all in turn (A B C A B C), `repeats` times.

    Returns the seconds of each counted run, (repeats,), by contender; those of one index ran in the same turn.
    """
    turns = [[seconds(run) for run in contenders.values()] for _ in range(repeats + 1)]
    return dict(zip(contenders, np.array(turns[1:]).T, strict=True))


def spread(values: np.ndarray | list[float], digits: int = 0) -> str:
    """Return `median (least to most)`."""
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
