"""Postpones SIGINT and SIGTERM until the work is saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """The state of the signals.

    Attributes:
        signal: The number of the first signal received, None before.
    """

    signal: int | None = None


@contextmanager
def postponed() -> Iterator[Stop]:
    """Yield a `Stop` that records SIGINT and SIGTERM, which have no other effect inside the block."""
    stop = Stop()

    def remember(number: int, frame: object) -> None:
        stop.signal = stop.signal or number

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
