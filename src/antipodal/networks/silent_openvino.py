"""OpenVINO without its telemetry.

Its dependency openvino-telemetry posts to an analytics host and keeps an id in the user's home, both when openvino is
imported and when it converts a network. Without that package OpenVINO takes a stub of its own, which does nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any, Iterator, List

TELEMETRY = "openvino_telemetry"
TOOLS = "openvino.tools.ovc"  # the modules that report


@contextlib.contextmanager
def silent_openvino() -> Iterator[Any]:
    """The module openvino, which reports nothing inside the block. Raises ImportError where it is not installed."""
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == TELEMETRY}
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # an import of it fails
    try:
        import openvino

        with _replaced_telemetry():
            yield openvino
    finally:
        del sys.modules[TELEMETRY]
        sys.modules.update(hidden)


@contextlib.contextmanager
def _replaced_telemetry() -> Iterator[None]:
    """The stub in place of the telemetry of an openvino that the user's program imported before."""
    modules: List[Any] = [m for name, m in list(sys.modules.items()) if name.startswith(TOOLS) and hasattr(m, "tm")]
    before = [module.tm for module in modules]
    with contextlib.suppress(ImportError):  # other versions of OpenVINO
        stub = importlib.import_module(f"{TOOLS}.telemetry_stub")
        for module in modules:
            module.tm = stub
    try:
        yield
    finally:
        for module, telemetry in zip(modules, before):
            module.tm = telemetry
