"""Print what pyproject.toml requires, one requirement a line: requirements.py [--without NAME] PYPROJECT EXTRA..."""

import argparse
import re

try:
    import tomllib
except ModuleNotFoundError:  # Python < 3.11
    from pip._vendor import tomli as tomllib

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--without", default="", metavar="NAME", help="a package that the system has under no pip name")
parser.add_argument("pyproject")
parser.add_argument("extras", nargs="*")
args = parser.parse_args()
with open(args.pyproject, "rb") as f:
    project = tomllib.load(f)["project"]
wanted = project["dependencies"] + [r for e in args.extras for r in project["optional-dependencies"][e]]
print(*(r for r in wanted if re.split(r"[^\w-]", r)[0] != args.without), sep="\n")
