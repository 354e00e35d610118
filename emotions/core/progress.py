"""Progress of long steps: tqdm's bar on a terminal, a plain line now and then elsewhere."""

import sys

from tqdm import tqdm

SECONDS = 15.0  # between two lines
LINE = "{desc}: {n_fmt} of {total_fmt} comments{postfix}, {rate_fmt}, {remaining} left"


class _Lines(tqdm):
    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if msg is None:  # an empty message clears the bar
            print(self, file=sys.stderr, flush=True)


def bar(title: str, total: int, silent: bool = False) -> tqdm:
    """Return a bar that counts comments up to `total` on standard error; `silent` shows nothing."""
    given = {"total": total, "desc": title, "unit": " comments", "leave": False, "disable": silent}
    if sys.stderr.isatty():
        return tqdm(**given)
    return _Lines(**given, bar_format=LINE, mininterval=SECONDS, delay=SECONDS, miniters=1)
