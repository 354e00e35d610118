"""SIGINT and SIGTERM wait until what was done is saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """signal: the number of the first signal that came, None as long as none has."""

    signal: int | None = None


@contextmanager
def postponed() -> Iterator[Stop]:
    """Yield a `Stop` that tells of SIGINT and SIGTERM, which do nothing else inside the block."""
    stop = Stop()

    def remember(number: int, frame: object) -> None:
        stop.signal = stop.signal or number

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
