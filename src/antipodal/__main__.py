"""The one command: `antipodal plan`, `antipodal generate` and so on; `antipodal --help` lists them.

A command's module is imported when it runs, so that help is fast and needs none of the extras.
"""

from __future__ import annotations

from antipodal.errors import InputError, command_parser, end_when_interrupted, interrupts_end, run_command

if __name__ == "__main__":
    end_when_interrupted()

import argparse
import contextlib
import io
import re
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from antipodal import resources


@dataclass(frozen=True)
class Command:
    """A module with `main(arguments)`, what it does in a line, and the extras of pyproject.toml that it needs."""

    module: str
    help: str
    extras: Tuple[str, ...] = ()


COMMANDS = {
    "plan": Command("antipodal.plan", "plan grasps in a depth image"),
    "view": Command("antipodal.viewer.__main__", "look at plans in a browser", ("viewer",)),
    "generate": Command("antipodal.synth.generate", "make training data from meshes", ("synth", "clutter")),
    "inspect": Command("antipodal.synth.inspect", "look at training data", ("synth",)),
    "train": Command("antipodal.train", "train a model on such data", ("train",)),
    "evaluate": Command("antipodal.sim.evaluate", "measure models in the simulated cell", ("synth", "sim")),
    "calibrate": Command(
        "antipodal.sim.calibrate", "calibrate a model against picks in the simulated cell", ("synth", "sim", "train")
    ),
    "compare": Command("antipodal.compare", "compare a model with a more general one", ("synth", "sim", "train")),
    "import": Command("antipodal.dexnet.__main__", "make a model of Dex-Net's own weights"),
    "gripper": Command("antipodal.synth.grippers", "measure a gripper on its mesh", ("synth",)),
    "bag": Command("antipodal.ros.bag", "plan in every depth image of a recording", ("bags",)),
    "doctor": Command("antipodal.ros.doctor", "say what is missing here, and what to do"),
}
EXAMPLES = """examples:
  antipodal doctor
  antipodal plan depth.npy --camera camera.json --png grasps.png
  antipodal plan depth.npy --camera realsense_d435 --gripper franka_hand --up 0 -1 0
  antipodal generate --meshes parts/ --units mm --gripper franka_hand --camera realsense_d435 \\
      --samples 100000 --out data/mine
  antipodal train --data data/mine --out mine.pt
  antipodal COMMAND --help
  antipodal completion bash > ~/.local/share/bash-completion/completions/antipodal

exit codes: 0 done, 1 the work failed (such as no grasp), 2 input or options that cannot be used, 130 interrupted"""
HELPLESS = ("defusedxml", "matplotlib", "mujoco", "tqdm", "trimesh")  # of the extras, imported before help is printed
SHELLS = {
    "bash": "",
    "zsh": "autoload -Uz compinit bashcompinit && compinit -u && bashcompinit\n",
}
COMPLETION = """_antipodal() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words=""
    if [ "$COMP_CWORD" = 1 ]; then
        words="{commands} completion --help --version"
    elif [ "${{current:0:1}}" = - ]; then
        case "${{COMP_WORDS[1]}}" in
{options}
        esac
    else
        case "$before" in
            --gripper|--cup) words="{grippers}" ;;
            --camera) words="{cameras}" ;;
            --model|--suction-model) words="{models}" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _antipodal antipodal"""


def start() -> int:
    """The program: the command that the process's arguments name."""
    end_when_interrupted()  # until `run_command`
    arguments = sys.argv[1:]
    extras = COMMANDS[arguments[0]].extras if arguments and arguments[0] in COMMANDS else ()
    return run_command(main, arguments, extras)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run `arguments[0]` with the others."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    name = _parser().parse_args(given[:1]).command
    if name == "completion":
        print(completion(_shell(given[1:])))
        return 0
    with _stand_ins() if {"-h", "--help"} & set(given[1:]) else contextlib.nullcontext():
        return _load(name).main(given[1:])


class _StandIn:
    """Something of a library that is not installed: no use but to be named while a module loads."""

    def __getattr__(self, name: str) -> _StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **named: Any) -> _StandIn:
        return self

    def __int__(self) -> int:
        return 0


class _StandInFinder:
    """Finds what no other finder does of HELPLESS."""

    def find_spec(self, name: str, *others: Any) -> Optional[ModuleSpec]:
        return ModuleSpec(name, self) if name.split(".")[0] in HELPLESS else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__path__ = []  # its submodules are looked for too
        vars(module)["__getattr__"] = _StandIn().__getattr__
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextlib.contextmanager
def _stand_ins() -> Iterator[None]:
    """Within it libraries of the extras that are not installed can be imported, so that help needs none of them. The
    process ends with the help: what it imported is of no other use."""
    finder = _StandInFinder()
    sys.meta_path.append(finder)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]


def _load(name: str):
    """The module of a command."""
    command = COMMANDS[name]
    try:
        with interrupts_end():  # an exception may be lost while modules load
            return import_module(command.module)
    except ModuleNotFoundError as e:
        if e.name is not None and command.module.startswith(e.name):
            raise InputError(f"antipodal {name} is not part of this installation: it lacks {e.name}") from e
        raise


def _parser() -> argparse.ArgumentParser:
    width = len("completion") + 2
    table = "\n".join(f"  {name:{width}}{command.help}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="antipodal",
        usage="antipodal [-h] [--version] COMMAND ...",
        description=f"Parallel-jaw grasps from depth images.\n\ncommands:\n{table}\n"
        f"  {'completion':{width}}print completion for bash or zsh",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"antipodal {resources.version()}")
    parser.add_argument("command", choices=[*COMMANDS, "completion"], metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def _shell(arguments: Sequence[str]) -> str:
    place = "~/.local/share/bash-completion/completions/antipodal"
    parser = command_parser("completion", "Print completion for a shell.", f"bash > {place}")
    parser.add_argument("shell", choices=sorted(SHELLS))
    return parser.parse_args(arguments).shell


def completion(shell: str) -> str:
    """The script that completes commands, their options, and the names that come with the package."""
    options = "\n".join(f'            {name}) words="{" ".join(_options(name))}" ;;' for name in COMMANDS)
    names = {kind: " ".join(resources.names(kind)) for kind in ("grippers", "cameras", "models")}
    return SHELLS[shell] + COMPLETION.format(commands=" ".join(COMMANDS), options=options, **names)


def _options(name: str) -> List[str]:
    """The options that a command's help lists."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit, ImportError, InputError), _stand_ins():
        _load(name).main(["--help"])
    return sorted({"--help", *re.findall(r"(?<![\w-])--[a-z][\w-]*", text.getvalue())})


if __name__ == "__main__":
    sys.exit(start())
