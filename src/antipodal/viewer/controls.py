"""The controls of a plan, in the units that people think in, and the settings that they stand at."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Tuple

from antipodal.camera import Camera
from antipodal.perception.inputs import MAX_RANGE
from antipodal.viewer.replan import APPROACHES, CONE, NO_RECTANGLE, RECTANGLES, Settings

MM = 1e3
AXIS = "in the camera's frame"
WAYS = "along the table's normal, the camera's axis, from any side, or within a cone around an axis"
UPS = ("not told", "image's top", "given")


class Controls:
    """Sliders and lists of viser's panel; `settings` reads them."""

    def __init__(self, gui: Any, start: Settings, camera: Camera, changed: Callable[..., None]):
        """changed: called whenever one was moved."""
        self.start = start
        self.handles: Dict[str, Any] = {}
        add = self.handles
        with gui.add_folder("Gripper and clearance"):
            most = max(200.0, 2 * MM * start.opening)
            add["opening"] = gui.add_slider("Opening [mm]", 10.0, most, 1.0, _mm(start.opening), hint="widest opening")
            add["friction"] = gui.add_slider("Friction", 0.1, 2.0, 0.05, start.friction, hint="half-angle of the cone")
            add["below"] = _length(gui, "Under tips [mm]", start.below, 20.0, "kept free under the jaws")
            add["palm"] = _length(gui, "Under palm [mm]", start.palm, 40.0, "kept free under the palm")
            add["table"] = _length(gui, "Over table [mm]", start.table, 40.0, "tips over the table under high objects")
        with gui.add_folder("Scene"):
            add["approach"] = gui.add_dropdown("Approach", APPROACHES, initial_value=start.approach, hint=WAYS)
            leaning = start.approach == CONE
            add["axis"] = gui.add_vector3("Axis x y z", start.axis, step=0.05, visible=leaning, hint=AXIS)
            add["angle"] = gui.add_slider("Within [degrees]", 0.0, 90.0, 1.0, start.angle, visible=leaning)
            add["up_kind"] = gui.add_dropdown("Up", UPS, initial_value=UPS[0] if start.up is None else UPS[2])
            given = start.up or (0.0, -1.0, 0.0)
            add["up"] = gui.add_vector3("Up x y z", given, step=0.05, visible=start.up is not None)
            add["depths"] = gui.add_multi_slider("Depths [m]", 0.0, MAX_RANGE, 0.01, start.depths)
            add["rectangle"] = gui.add_dropdown("Rectangle", RECTANGLES, initial_value=NO_RECTANGLE)
            add["columns"] = _range_slider(gui, "Columns [px]", camera.width)
            add["rows"] = _range_slider(gui, "Rows [px]", camera.height)
        with gui.add_folder("Answer"):
            add["min_quality"] = gui.add_slider("Least P", 0.0, 0.99, 0.01, start.min_quality)
            add["seed"] = gui.add_number("Seed", start.seed, min=0, max=10_000, step=1)
        self._reset = gui.add_button("Back to the start")
        self._reset.on_click(lambda _: self.reset())
        for handle in add.values():
            handle.on_update(lambda _: self._moved(changed))

    def settings(self) -> Settings:
        """What the controls stand at."""
        v = {name: handle.value for name, handle in self.handles.items()}
        return Settings(
            v["opening"] / MM, v["friction"], v["below"] / MM, v["palm"] / MM, v["table"] / MM,
            v["approach"], tuple(v["axis"]), v["angle"], v["min_quality"], self._up(),
            _ordered(v["depths"], 0.01), v["rectangle"], _ordered(v["columns"], 1), _ordered(v["rows"], 1),
            int(v["seed"]),
        )  # fmt: skip

    def reset(self) -> None:
        """All as at the start."""
        s = self.start
        values = {
            "opening": _mm(s.opening), "friction": s.friction, "below": _mm(s.below), "palm": _mm(s.palm),
            "table": _mm(s.table), "approach": s.approach, "axis": s.axis, "angle": s.angle,
            "min_quality": s.min_quality, "depths": s.depths, "rectangle": NO_RECTANGLE,
            "up_kind": UPS[0] if s.up is None else UPS[2], "seed": s.seed,
        }  # fmt: skip
        for name, value in values.items():
            self.handles[name].value = value

    def _up(self) -> Optional[Tuple[float, float, float]]:
        kind = self.handles["up_kind"].value
        if kind == UPS[1]:
            return 0.0, -1.0, 0.0
        return tuple(self.handles["up"].value) if kind == UPS[2] else None

    def _moved(self, changed: Callable[..., None]) -> None:
        """Show the controls that matter now, and plan."""
        self.handles["up"].visible = self.handles["up_kind"].value == UPS[2]
        for name in ("axis", "angle"):
            self.handles[name].visible = self.handles["approach"].value == CONE
        for name in ("columns", "rows"):
            self.handles[name].visible = self.handles["rectangle"].value != NO_RECTANGLE
        changed()


def _mm(length: float) -> float:
    return round(MM * length, 2)


def _length(gui: Any, label: str, value: float, most: float, hint: str) -> Any:
    return gui.add_slider(label, 0.0, max(most, _mm(value)), 0.5, _mm(value), hint=hint)


def _range_slider(gui: Any, label: str, most: int) -> Any:
    """Two handles on 0..most, at first the middle half."""
    return gui.add_multi_slider(label, 0, most, 1, (most // 4, most - most // 4), visible=False)


def _ordered(span: Tuple[Any, Any], least: Any) -> Tuple[Any, Any]:
    """Both ends, at least `least` apart."""
    low, high = min(span), max(span)
    return low, max(high, low + least)
