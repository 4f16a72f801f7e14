"""Every command line on the pages would be taken: by the command's parser, the Makefile, the launch file, a script."""

import argparse
import ast
import re
import shlex
from importlib import import_module
from types import ModuleType

import pytest
from conftest import REPO

import antipodal.__main__ as entry

PAGES = [REPO / "README.md", REPO / "CONTRIBUTING.md", REPO / "examples" / "README.md", *(REPO / "docs").glob("*.md")]
PAGES = [page for page in PAGES if page.name != "log.md"]  # what is true now
SCRIPTS = sorted((REPO / "examples").glob("*.py"))
COMMAND = r"(?:antipodal|torchrun|python3? -m antipodal\.[\w.]+|python3? benchmarks/\w+\.py|make|roslaunch antipodal)"
PARTS = re.compile(r" +# |  +#|;| && | > | \| ")  # a comment, another command, a redirection
LEFT_OUT = "the following arguments are required"


class Parsed(Exception):
    """The arguments were taken."""


def lines_of(path):
    """Blocks' command lines, whole, and those within sentences, which may leave arguments out; each with whether it is
    whole."""
    text = re.sub(r" *\\\n\s*", " ", path.read_text())
    text = re.sub(r"\[([^]\n]*)\](?!\()", lambda m: m[1].replace(" | ", " "), text)  # what may be left out is given
    blocks = re.findall(rf"^ {{4}}({COMMAND}\b.*)$", text, re.M)
    sentences = re.findall(rf"`({COMMAND} [^`]*)`", text.replace("\n", " ")) if path.suffix == ".md" else []
    return [(PARTS.split(line)[0].strip(), line in blocks) for line in [*blocks, *sentences]]


def all_lines(start):
    """Page, command line and whether it is whole, of the lines that begin so."""
    found = [(path.name, *line) for path in [*PAGES, *SCRIPTS] for line in lines_of(path)]
    return [(page, line, whole) for page, line, whole in found if re.match(start, line)]


def variants(line):
    """The words of a command line, with each of what `a|b` names."""
    choices = [word.split("|") if re.fullmatch(r"[\w:-]+(\|[\w:-]+)+", word) else [word] for word in shlex.split(line)]
    most = max(map(len, choices))
    return [[c[min(k, len(c) - 1)] for c in choices if c != ["..."]] for k in range(most)]


@pytest.fixture
def stopped(monkeypatch):
    """Commands end by Parsed, or by a ValueError that says what is wrong, once their arguments are parsed."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, arguments=None, namespace=None):
        parse(parser, arguments, namespace)
        raise Parsed

    def refuse(parser, message):
        raise ValueError(message)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    monkeypatch.setattr(argparse.ArgumentParser, "error", refuse)


def check_parses(words, whole, place):
    """Fails where a command does not take its words; a line that is not whole may leave arguments out."""
    if words[0] == "antipodal":
        assert words[1] in (*entry.COMMANDS, "completion"), place
        module, words = entry.COMMANDS[words[1]].module if words[1] != "completion" else None, words[2:]
    else:
        module, words = words[2], words[3:]
    if module is None or "--help" in words or "--version" in words:
        return
    module = import_module(module)
    main = getattr(module, "main", None) or import_module(f"{module.__name__}.__main__").main
    try:
        with pytest.raises(Parsed):
            main(words)
    except ValueError as e:
        assert not whole and LEFT_OUT in str(e), f"{place}: {e}"


def test_commands_on_the_pages_parse(stopped):
    lines = all_lines(r"antipodal \w|python3? -m ")
    for page, line, whole in lines:
        for words in variants(line):
            check_parses(words, whole and "..." not in line.split(), f"{page}: {line}")
    assert len(lines) >= 60


@pytest.mark.parametrize("name", entry.COMMANDS)
def test_examples_of_the_help_parse(name, stopped, monkeypatch):
    parsers = []
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", lambda parser, *_: parsers.append(parser) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_module(entry.COMMANDS[name].module).main([])
    examples = re.findall(rf"^  antipodal {name}(.*)$", parsers[0].epilog, re.M)
    for example in examples:
        parsers[0].parse_known_args(shlex.split(PARTS.split(example)[0]))
    assert examples


def test_targets_and_variables_of_make_exist():
    recipes = dict(re.findall(r"^(\w[\w-]*):.*\n((?:\t.*\n?)*)", (REPO / "Makefile").read_text(), re.M))
    lines = all_lines("make ")
    for page, line, _ in lines:
        _, target, *given = shlex.split(line)
        assert target in recipes, f"{page}: make {target}"
        scripts = [REPO / name for name in re.findall(r"(?:scripts|benchmarks)/[\w.]+", recipes[target])]
        known = recipes[target] + "".join(path.read_text() for path in scripts)
        for name, value in (word.split("=", 1) for word in given):
            assert re.search(rf"\$[{{(]?{name}\b", known), f"{page}: make {target} {name}"
            for option in re.findall(r"(?<!\S)--[a-z][\w-]*", value):
                assert option in known, f"{page}: make {target} {option}"
    assert len(lines) >= 20


def test_options_of_the_benchmarks_exist():
    lines = all_lines("python3? benchmarks/")
    for page, line, _ in lines:
        source = with_imported(REPO / line.split()[1])
        for option in re.findall(r"(?<!\S)--[a-z][\w-]*", line):
            assert f'"{option}"' in source, f"{page}: {line}: {option}"
    assert len(lines) >= 20


def with_imported(path):
    """The source of a benchmark, and of those that it imports from."""
    source = path.read_text()
    beside = [path.with_name(f"{name}.py") for name in re.findall(r"^from (\w+) import", source, re.M)]
    return "".join([source, *(other.read_text() for other in beside if other.exists())])


def test_arguments_of_launch_files_exist():
    seen = 0
    for page, line, _ in all_lines("roslaunch antipodal"):
        file, *given = shlex.split(line)[2:]
        known = set(re.findall(r'<arg name="(\w+)"', (REPO / "launch" / file).read_text()))
        named = {word.partition(":=")[0] for word in given if ":=" in word}
        assert named <= known, f"{page}: {named - known}"
        assert all(":=" in word or word == "..." for word in given), f"{page}: {line}"
        seen += len(named)
    assert seen >= 10


@pytest.mark.parametrize("path", sorted((REPO / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_what_a_benchmark_takes_of_the_package_exists(path):
    tree, modules = ast.parse(path.read_text()), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "antipodal":
            for name in (alias.name for alias in node.names):
                found = taken(node.module, name)
                modules.update({name: found} if isinstance(found, ModuleType) else {})
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), f"{path.name}:{node.lineno}: {node.attr}"


def taken(module, name):
    """What `from module import name` gives."""
    try:
        package = import_module(module)
        return getattr(package, name) if hasattr(package, name) else import_module(f"{module}.{name}")
    except ModuleNotFoundError as e:
        if (e.name or "").startswith(module):
            raise AssertionError(f"{module} has no {name}") from e
        pytest.skip(f"needs {e.name}")
