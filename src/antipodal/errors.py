"""The package's errors: each message says what was got and what was possible."""

import argparse
import importlib.util
import os
import re
import shlex
import signal
import sys
import threading
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence


class AntipodalError(Exception):
    """Base of every error that the package raises on purpose; `reason` is its kind in a word or two."""

    reason = "error"


class InputError(AntipodalError, ValueError):
    """An argument cannot be used; the message names what was got and what is possible."""

    reason = "bad input"


class HandTooWide(InputError):
    """A gripper that is wider than all that an image shows."""


class ModelError(AntipodalError):
    """A model file is missing, damaged, of another version, or not a model."""

    reason = "bad model"


class NoGraspFound(AntipodalError):
    """No feasible grasp in this image; the message says which stage ran dry, with counts.

    scene, camera: what the planner saw and the camera of that image, as in a `Plan`; None from others than the planner.
    """

    reason = "no grasp"

    def __init__(self, message: str, counts: dict):
        super().__init__(message)
        self.counts = dict(counts)
        self.scene: Any = None
        self.camera: Any = None


NO_GRASP, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes of every command; 0: it did what it was asked


class _Parser(argparse.ArgumentParser):
    """Refuses empty arguments, which are a variable that was not set, not a name; guesses which option was meant."""

    def error(self, message: str) -> Any:  # type: ignore[override]
        unknown = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        guess = get_close_matches(unknown.group(1), self._option_string_actions, 1) if unknown else []
        super().error(f"{message}; did you mean {guess[0]}?" if guess else message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # type: ignore[override]
        given = sys.argv[1:] if args is None else list(args)
        for before, text in zip(["the command", *given], given):
            if not text or re.fullmatch(r"--[\w-]+=", text):
                self.error(f"an empty argument after {text.rstrip('=') or before}; give a value, or leave it out")
        return super().parse_known_args(given, namespace)


def command_parser(name: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser for `antipodal NAME`, whose help ends with examples: what comes after the name."""
    commands = [f"antipodal {name} {example}".rstrip() for example in examples]
    lines = "".join(f"  {command}\n" for command in commands)
    return _Parser(
        prog=f"antipodal {name}",
        description=description,
        epilog=f"examples:\n{lines}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def number_within(kind: Callable[[str], Any], low: float, high: float = 1e9) -> Callable[[str], Any]:
    """A `type` of an argument: a number, int or float by `kind`, between two others or one of them."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            wanted = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"must be a {wanted}, got {text[:40]!r}") from None
        if not low <= value <= high:
            limit = f"at most {high:g}" if value > high else f"at least {low:g}"
            raise argparse.ArgumentTypeError(f"must be {limit}, got {text[:40]}")
        return value

    return parse


POSITIVE = 1e-9  # least of what is above 0


def check_outputs(
    args: argparse.Namespace,
    files: Sequence[str],
    folders: Sequence[str] = (),
    inputs: Sequence[str] = (),
    beside: Optional[Mapping[str, Path]] = None,
) -> None:
    """Raises InputError where an output of a command cannot be written, or would replace another output or an input.

    files, folders, inputs: names in the arguments, whose values are paths, lists of them, or None. beside: what else
    the command writes or reads, by what it is. A link counts as what it points to, and "-" as standard output.
    """
    taken = {os.path.realpath(path): name for name in inputs for path in _paths_in(args, name) if path.exists()}
    outputs = [(name, path) for name in (*files, *folders) for path in _paths_in(args, name)]
    for name, path in outputs:
        _check_writable(name, path, name in folders)
    for name, path in [*((beside or {}).items()), *outputs]:
        real = os.path.realpath(path)
        if real in taken:
            raise InputError(f"{name} and {taken[real]} are one file, {real}; an output needs one of its own")
        if not is_device(path):  # which takes several
            taken[real] = name


def _paths_in(args: argparse.Namespace, name: str) -> List[Path]:
    """The paths in an argument, however deep."""

    def within(value: Any) -> List[Path]:
        if isinstance(value, (list, tuple)):
            return [path for one in value for path in within(one)]
        wanted = isinstance(value, (str, Path)) and value and (value, name) != ("-", "json")
        return [Path(value)] if wanted else []

    return within(getattr(args, name))


def _check_writable(name: str, path: Path, folder: bool) -> None:
    """Raises InputError where neither a file nor, if so, a folder can be written at a path."""
    if str(path) == "-":
        raise InputError(f"{name} cannot be standard output, -; possible: a path")
    if is_device(path) and not folder:
        return
    if path.exists() and path.is_dir() != folder:
        wanted, got = ("a folder", "a file") if folder else ("a file", "a folder")
        raise InputError(f"{name} must be {wanted}, {path} is {got}")
    whole = path.absolute()
    above = next(p for p in (whole, *whole.parents)[0 if folder else 1 :] if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"cannot write {name} {path}: {above} is no folder that may be written to")


def is_device(path: Path) -> bool:
    """Whether a path is of a device or a pipe."""
    return path.exists() and not (path.is_file() or path.is_dir())


DISTRIBUTIONS = {  # where the name on PyPI is not the module's
    "cv2": "opencv-python-headless",
    "markdown_it": "markdown-it-py",
    "yaml": "pyyaml",
}


def run_command(
    main: Callable[[Optional[List[str]]], int], arguments: Optional[List[str]] = None, extras: Sequence[str] = ()
) -> int:
    """The exit code of a command, `main(arguments)`, whose errors end in one line on standard error.

    arguments: without the program's name; those of the process when not given. extras: of pyproject.toml, that the
    command needs. 0 also where the reader of the output has left, as `| head` does.
    """
    try:
        with _signals_interrupt():
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
    except ModuleNotFoundError as e:
        if e.name is None or e.name.startswith("antipodal"):
            raise
        print(f"error: {missing_package(e.name, extras)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as e:
        print(": ".join(["interrupted", *map(str, e.args)]), file=sys.stderr)
        return INTERRUPTED


def require(*modules: str) -> None:
    """Raises ModuleNotFoundError for the first of these modules that is not installed, before long work needs it."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def missing_package(module: str, extras: Sequence[str] = ()) -> str:
    """One sentence with the command that installs a module, with all that `extras` need if it is of those."""
    top = module.split(".")[0]
    name = DISTRIBUTIONS.get(top, top)
    groups = [_requirements(extra) for extra in extras]
    wanted = [r for group in groups for r in group] if any(_names(name, r) for g in groups for r in g) else [name]
    command = " ".join(shlex.quote(r) for r in dict.fromkeys(wanted))
    return f"this needs {name}, which is not installed: pip install {command}"


def _requirements(extra: str) -> List[str]:
    """What an extra of the installed package requires; nothing where pip has not installed the package."""
    try:
        lines = metadata.requires("antipodal") or []
    except metadata.PackageNotFoundError:
        return []
    marked = re.compile(rf"extra == ['\"]{re.escape(extra)}['\"]")
    return [line.split(";")[0].strip() for line in lines if marked.search(line)]


def _names(name: str, requirement: str) -> bool:
    return re.split(r"[^\w.-]", requirement)[0].lower() == name.lower()


def end_when_interrupted(advice: str = "") -> None:
    """From now until `run_command`, Ctrl-C and SIGTERM end the process with one line that ends in `advice`.

    For a script that imports much: an exception may be swallowed, or printed with a traceback, while modules load.
    """

    def end(number: int, frame: object) -> None:
        os.write(2, f"interrupted{advice and ': '}{advice}\n".encode())
        os._exit(INTERRUPTED)

    for number in _heeded_signals():
        signal.signal(number, end)


@contextmanager
def interrupts_end() -> Iterator[None]:
    """Within it Ctrl-C and SIGTERM end the process as `end_when_interrupted` says, and afterwards as before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _heeded_signals()}
    end_when_interrupted()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Ctrl-C and SIGTERM that come within it take effect after it, where Python handles them: for what must not be left
    half made. (A mask is not enough: threads of libraries take them.)"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: List[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda one, frame: came.append(one))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)


def _heeded_signals() -> List[signal.Signals]:
    """SIGINT and SIGTERM, unless the process was started to ignore them, as with nohup."""
    return [s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) != signal.SIG_IGN]


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Within it SIGTERM ends the command as Ctrl-C does, by a KeyboardInterrupt."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in _heeded_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
