"""Postpones SIGINT and SIGTERM until the work is saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def postponed() -> Iterator[list[int]]:
    """Yield a list to which SIGINT and SIGTERM only add their numbers inside the block."""
    received: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, frame: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
