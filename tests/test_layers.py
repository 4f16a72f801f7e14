"""Imports point one way (docs/how_it_works.md), and every source is Python 3.8."""

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


# each imports only what stands before it
ORDER = """errors transforms files report resources backends camera suction_cup grasp perception grasping networks
planning planner suction_planner both_hands tracking plan synth dexnet training train sim compare viewer ros
__main__""".split()


def layer(path):
    """A source's place in ORDER: its top-level module or package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_order_of_layers(path):
    if path == PACKAGE / "__init__.py":
        return
    allowed = ORDER[: ORDER.index(layer(path)) + 1]
    names = {n.split(".")[1] for n in imports(path) if n.startswith("antipodal.")} - {"msg", "srv"}
    assert not {n for n in names if n not in allowed}


def test_the_design_page_states_this_order():
    page = " ".join((REPO / "docs" / "how_it_works.md").read_text().split())
    assert " -> ".join(ORDER) in page


def test_the_top_level_is_small():
    modules = {p.stem for p in PACKAGE.glob("*.py")} - {"__init__"}
    packages = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    assert modules | packages == set(ORDER)
    assert len(modules) <= 16 and len(packages) <= 11


def direct(path):
    """Sources that a source imports; of `from package import module` the module alone."""
    names = {n[len("antipodal.") :] for n in imports(path) if n.startswith("antipodal.")}
    packages = {n.rpartition(".")[0] for n in names if source(n)}
    return {source(n) for n in names - packages} - {None, path}


def test_no_module_imports_itself_through_others():
    graph = {path: direct(path) for path in PACKAGE.rglob("*.py")}
    done, trail = set(), []

    def visit(path):
        assert path not in trail, " -> ".join(str(p.relative_to(PACKAGE)) for p in [*trail, path])
        if path not in done:
            trail.append(path)
            for other in graph[path]:
                visit(other)
            done.add(trail.pop())

    for path in graph:
        visit(path)


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
