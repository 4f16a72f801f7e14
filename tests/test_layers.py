"""Imports point one way (docs/design.md), and every source is Python 3.8."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "src" / "antipodal"
SOURCES = sorted(
    [p for folder in ("src", "tests", "benchmarks", "scripts") for p in (REPO / folder).rglob("*.py")]
    + [p for p in (REPO / "nodes").iterdir() if p.is_file()]
)
ROS = {"rospy", "rosbag", "tf2_ros", "roslib", "actionlib", "diagnostic_updater", "dynamic_reconfigure"}
ROS |= {"antipodal.msg", "antipodal.srv"}
MAY_IMPORT_ROS = set((PACKAGE / "ros").glob("*.py"))


def imports(path):
    """Dotted names of the modules that a source imports, `from a import b` as both a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reachable(module):
    """Sources of the package that importing `antipodal.<module>` may execute."""
    seen, waiting = set(), [module]
    while waiting:
        path = source(waiting.pop())
        if path is not None and path not in seen:
            seen.add(path)
            waiting += [name[len("antipodal.") :] for name in imports(path) if name.startswith("antipodal.")]
    return seen


def source(module):
    path = PACKAGE / module.replace(".", "/")
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def is_ros(name):
    return name in ROS or name.split(".")[0] in ROS or name.split(".")[0].endswith("_msgs")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_ros_modules_import_ros(path):
    if path not in MAY_IMPORT_ROS:
        assert not [name for name in imports(path) if is_ros(name) or name.startswith("antipodal.ros")]


def test_the_rule_sees_the_imports_it_forbids():
    assert any(map(is_ros, imports(PACKAGE / "ros/server.py")))
    assert not any(map(is_ros, imports(PACKAGE / "ros/images.py")))


def test_the_planner_needs_neither_generator_nor_cell_nor_pictures():
    used = {str(p.relative_to(PACKAGE)) for p in reachable("planner")}
    assert "crops.py" in used
    assert not [name for name in used if name.startswith(("synth/", "sim/", "train", "draw", "plan.py", "ros"))]


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_generator_and_cell_import_trimesh_and_mujoco(module):
    if module.relative_to(PACKAGE).parts[0] not in ("synth", "sim"):
        assert not {"trimesh", "mujoco"} & {name.split(".")[0] for name in imports(module)}


def test_the_package_itself_is_a_docstring():
    """catkin executes it whenever antipodal.msg is imported."""
    body = ast.parse((PACKAGE / "__init__.py").read_text()).body
    assert len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(REPO)))
def test_is_python_3_8(path):
    ast.parse(path.read_text(), feature_version=(3, 8))


def test_no_node_is_named_like_the_package():
    """It would be imported in its place."""
    assert "antipodal.py" not in {p.name for p in (REPO / "nodes").iterdir()}
