"""Print what pyproject.toml requires, one requirement a line: requirements.py PYPROJECT EXTRA..."""

import sys

try:
    import tomllib
except ModuleNotFoundError:  # Python < 3.11
    from pip._vendor import tomli as tomllib

with open(sys.argv[1], "rb") as f:
    project = tomllib.load(f)["project"]
print(*project["dependencies"], *(r for e in sys.argv[2:] for r in project["optional-dependencies"][e]), sep="\n")
