"""Ends a command on bad input with one clear line and a non-zero exit status."""

import os
import sys
from collections.abc import Callable


class InputError(Exception):
    """Bad input. The message names the thing and the remedy, in one line."""

    def __init__(self, message: str):
        """Replace line breaks in `message`, which may come from data or another library's error, by spaces."""
        super().__init__(" ".join(message.split()))


class Interrupted(Exception):
    """A `signal`, by number, ended the work after everything done so far had been saved."""

    def __init__(self, signal: int, message: str):
        super().__init__(message)
        self.signal = signal


def run(command: Callable[[], None]) -> None:
    """Run a stage or a command to its end and exit.

    The exit status is 0 after success, 1 after an `InputError` or an error of the file system (reported in one line on
    standard error), 130 after Ctrl-C and 143 after SIGTERM. Any other exception is a bug and keeps its traceback.
    """
    try:
        command()
        sys.stdout.flush()
    except InputError as error:
        sys.exit(f"error: {error}")
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(128 + stop.signal)
    except BrokenPipeError:
        # The reader went away (`… | head`), and Python must not write to it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {InputError(where + (error.strerror or str(error)))}")
    except KeyboardInterrupt:
        sys.exit(130)
