"""How a wrong input ends a command: one clear line and a non-zero exit status."""

import os
import sys
from collections.abc import Callable


class InputError(Exception):
    """Something that the user gave is wrong. The message says the thing, and what would be right, in one line."""

    def __init__(self, message: str):
        """Line breaks in `message`, which can come from data or from another library's error, become spaces."""
        super().__init__(" ".join(message.split()))


class Interrupted(Exception):
    """A signal ended the work, after what was done had been saved. `signal` is its number."""

    def __init__(self, signal: int, message: str):
        super().__init__(message)
        self.signal = signal


def run(command: Callable[[], None]) -> None:
    """Run a stage or a command to its end and exit.

    The exit status is 0 after success, 1 after an `InputError` or an error of the file system (told in one line on
    standard error), 130 after Ctrl-C and 143 after SIGTERM. Any other exception is a defect of ours and keeps its
    traceback.
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
        # The reader went away (`… | head`): there is nobody left to tell, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {InputError(where + (error.strerror or str(error)))}")
    except KeyboardInterrupt:
        sys.exit(130)
