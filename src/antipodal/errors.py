"""The package's errors: each message says what was got and what was possible."""

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import Callable, Iterator, List, Optional


class AntipodalError(Exception):
    """Base of every error that the package raises on purpose; `reason` is its kind in a word or two."""

    reason = "error"


class InputError(AntipodalError, ValueError):
    """An argument cannot be used; the message names what was got and what is possible."""

    reason = "bad input"


class ModelError(AntipodalError):
    """A model file is missing, damaged, of another version, or not a model."""

    reason = "bad model"


class NoGraspFound(AntipodalError):
    """No feasible grasp in this image; the message says which stage ran dry, with counts."""

    reason = "no grasp"

    def __init__(self, message: str, counts: dict):
        super().__init__(message)
        self.counts = dict(counts)


NO_GRASP, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes of every command; 0: it did what it was asked


def run_command(main: Callable[[Optional[List[str]]], int], arguments: Optional[List[str]] = None) -> int:
    """The exit code of a command, `main(arguments)`, whose errors end in one line on standard error.

    arguments: without the program's name; those of the process when not given. 0 also where the reader of the output
    has left, as `| head` does.
    """
    try:
        with _sigterm_interrupts():
            code = main(arguments)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush complains
        return 0
    except NoGraspFound as e:
        print(f"no grasp found: {e}", file=sys.stderr)
        return NO_GRASP
    except (AntipodalError, OSError) as e:
        print(f"error: {e}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as e:
        print(": ".join(["interrupted", *map(str, e.args)]), file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Within it SIGTERM ends the command as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
