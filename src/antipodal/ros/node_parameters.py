"""The node's private parameters, kept for a master that comes back without them."""

from __future__ import annotations

import copy
import threading
from typing import Any, Dict, Iterator

from antipodal.ros.master_client import MasterClient

Tree = Dict[str, Any]  # parameters by name, nested by namespace


class NodeParameters:
    """A copy of the parameters on the master. Thread-safe."""

    def __init__(self, master: MasterClient, node: str, values: Tree):
        """node: resolved name. values: the parameters that the node was started with."""
        self._master, self._node = master, node
        self._values = copy.deepcopy(values)
        self._changes: Tree = {}  # by path, made since the master was last known to know the node
        self._version = 0  # number of changes
        self._lock = threading.Lock()

    def set(self, path: str, value: Any) -> None:
        """Change a parameter here and on the master. Raises MasterUnavailable; the value is kept and written later."""
        with self._lock:
            _insert(self._values, path, value)
            self._changes[path] = value
            self._version += 1
        self._master.set_parameter(f"{self._node}/{path}", value)

    def synchronize(self, service: str) -> bool:
        """Whether the master knows the node by its `service`. If so, write pending changes and read the parameters,
        which others may have set. Raises MasterUnavailable.

        The parameters are read first: a master that knows the node afterwards is no new one, so they are the node's.
        """
        with self._lock:
            version, pending = self._version, dict(self._changes)
        values = self._master.parameter(self._node, {})
        if not self._master.knows_service(service):
            return False
        unwritten = {path: value for path, value in pending.items() if _find(values, path) != value}
        for path, value in unwritten.items():
            self._master.set_parameter(f"{self._node}/{path}", value)
        with self._lock:
            if version == self._version and not unwritten and isinstance(values, dict):
                self._values, self._changes = values, {}
        return True

    def hand_over(self) -> bool:
        """Write all parameters to a new master, unless another launch has set some there. Raises MasterUnavailable."""
        with self._lock:
            values, own = copy.deepcopy(self._values), set(self._changes)
        held = self._master.parameter(self._node, {})
        others = set(_paths(held)) - own if isinstance(held, dict) else {held}
        if others:
            return False
        self._master.set_parameter(self._node, values)
        return True


def _insert(tree: Tree, path: str, value: Any) -> None:
    *parents, last = path.split("/")
    for name in parents:
        inner = tree.get(name)
        tree[name] = inner if isinstance(inner, dict) else {}
        tree = tree[name]
    tree[last] = value


def _find(tree: Any, path: str) -> Any:
    """The value at a path; None if there is none."""
    for name in path.split("/"):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _paths(tree: Tree, prefix: str = "") -> Iterator[str]:
    """Paths of all values."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}"
