"""One name, one thing: a grep for a function or class finds the one that is meant."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "antipodal"
MOST_SHARED = 0.04  # of all top-level functions and classes


def definitions():
    """Modules that define each top-level function or class, `main` aside, by its name."""
    modules = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name != "main":
                modules[node.name].append(str(path.relative_to(PACKAGE)))
    return modules


def test_few_names_are_defined_in_two_modules():
    modules = definitions()
    shared = {name: paths for name, paths in modules.items() if len(set(paths)) > 1}
    share = sum(map(len, shared.values())) / sum(map(len, modules.values()))
    listed = "\n".join(f"{name}: {', '.join(paths)}" for name, paths in sorted(shared.items()))
    assert share <= MOST_SHARED, f"{share:.1%} of the definitions share their name:\n{listed}"


def test_twins_are_named_after_what_they_twin():
    """`clearance_numba.widest_opening_numba` beside `clearance.widest_opening`: the suffix of the module."""
    for suffix in ("numba", "gpu", "triton"):
        for path in PACKAGE.rglob(f"*_{suffix}.py"):
            plain = path.with_name(path.name.replace(f"_{suffix}", ""))
            if not plain.exists():
                continue
            names = {n.name for n in ast.parse(path.read_text()).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
            twins = {n.name for n in ast.parse(plain.read_text()).body if isinstance(n, ast.FunctionDef)}
            assert not names & twins, f"{path.name} and {plain.name} both define {names & twins}"
