"""Progress of long steps: tqdm's bar on a terminal, a plain line now and then elsewhere."""

import sys

from tqdm import tqdm

# Seconds between two lines where standard error is not a terminal.
LINE_SECONDS = 15.0
LINE = "{desc}: {n_fmt} of {total_fmt} comments{postfix}, {rate_fmt}, {remaining} left"


class _Lines(tqdm):
    """A bar that prints lines instead of redrawing one."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if msg is None:  # tqdm clears a bar by an empty message
            print(self, file=sys.stderr, flush=True)


def bar(title: str, total: int, silent: bool = False) -> tqdm:
    """Return a bar that counts comments up to `total` on standard error; `silent` shows nothing."""
    if silent or sys.stderr.isatty():
        return tqdm(total=total, desc=title, unit=" comments", leave=False, disable=silent)
    times = {"mininterval": LINE_SECONDS, "delay": LINE_SECONDS, "miniters": 1}
    return _Lines(total=total, desc=title, unit=" comments", leave=False, bar_format=LINE, **times)
