"""Commands of the shell."""

from __future__ import annotations

import os
import sys
from typing import Callable


def run(main: Callable[[], int]) -> int:
    """The exit code of `main`; 0 where whoever read its output has seen enough and left, as `| head` does."""
    try:
        code = main()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush complains
        return 0
