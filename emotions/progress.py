"""How far a long step is: a bar on a terminal, now and then a plain line elsewhere."""

import os
import sys
import time

from tqdm import tqdm

# Seconds between two lines where the output is no terminal.
LINE_SECONDS = 15.0


class Progress:
    """Count comments up to `total`, showing their rate and the time left, on standard error. A context manager.

    Of several processes that torch's launcher started, only the main one shows anything.
    """

    def __init__(self, title: str, total: int):
        self._title, self._total, self._done = title, total, 0
        self._start = self._told = time.monotonic()
        self._silent = os.environ.get("RANK", "0") != "0"
        on_terminal = sys.stderr.isatty() and not self._silent
        self._bar = tqdm(total=total, desc=title, unit=" comments", leave=False) if on_terminal else None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, comments: int, note: str = "") -> None:
        """Count `comments` more; `note` is shown with them."""
        self._done += comments
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(comments)
        elif not self._silent and time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            rate = self._done / (self._told - self._start)
            left = tqdm.format_interval((self._total - self._done) / rate)
            parts = [f"{self._done:,} of {self._total:,} comments", note, f"{rate:.0f} comments/s", f"{left} left"]
            print(f"{self._title}: " + ", ".join(part for part in parts if part), file=sys.stderr, flush=True)
