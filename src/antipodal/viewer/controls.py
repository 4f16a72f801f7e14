"""The controls of a plan, in the units that people think in, and the settings that they stand at."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from antipodal.camera import Camera
from antipodal.perception.inputs import MAX_RANGE
from antipodal.viewer.settings import APPROACHES, CONE, EACH_ITS_OWN, NO_RECTANGLE, RECTANGLES, Settings
from antipodal.viewer.tuning import Slider, Tuning

AXIS = "in the camera's frame"
WAYS = "along the table's normal, the camera's axis, from any side, or within a cone around an axis"
UPS = ("not told", "image's top", "given")


class Controls:
    """Sliders and lists of viser's panel; `settings` reads them."""

    def __init__(
        self, gui: Any, start: Settings, camera: Camera, tunings: Sequence[Tuning], changed: Callable[..., None]
    ):
        """tunings: of the hands that are planned for. changed: called whenever one was moved."""
        self.start = start
        self.handles: Dict[str, Any] = {}
        self.sliders: Dict[str, Slider] = {slider.name: slider for tuning in tunings for slider in tuning.sliders}
        for tuning in tunings:
            with gui.add_folder(tuning.title):
                for slider in tuning.sliders:
                    self.handles[slider.name] = _of_hand(gui, slider, getattr(start, slider.name))
        ways = APPROACHES if len(tunings) == 1 else (EACH_ITS_OWN, *APPROACHES)
        self._add_scene(gui, start, camera, ways)
        with gui.add_folder("Answer"):
            self.handles["min_quality"] = gui.add_slider("Least P", 0.0, 0.99, 0.01, start.min_quality)
            self.handles["seed"] = gui.add_number("Seed", start.seed, min=0, max=max(10_000, start.seed), step=1)
        self._reset = gui.add_button("Back to the start")
        self._reset.on_click(lambda _: self.reset())
        for handle in self.handles.values():
            handle.on_update(lambda _: self._moved(changed))

    def _add_scene(self, gui: Any, start: Settings, camera: Camera, ways: Sequence[str]) -> None:
        add = self.handles
        with gui.add_folder("Scene"):
            add["approach"] = gui.add_dropdown("Approach", ways, initial_value=start.approach, hint=WAYS)
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

    def settings(self) -> Settings:
        """What the controls stand at."""
        v = {name: handle.value for name, handle in self.handles.items()}
        return Settings(
            **{name: self._of_slider(slider, v[name]) for name, slider in self.sliders.items()},
            approach=v["approach"],
            axis=tuple(v["axis"]),
            angle=v["angle"],
            min_quality=v["min_quality"],
            up=self._up(),
            depths=_ordered(v["depths"], 0.01),
            rectangle=v["rectangle"],
            columns=_ordered(v["columns"], 1),
            rows=_ordered(v["rows"], 1),
            seed=int(v["seed"]),
        )

    def _of_slider(self, slider: Slider, shown: float) -> float:
        """The value that a slider stands at; at its start, which is shown rounded, exactly that."""
        start = getattr(self.start, slider.name)
        return start if shown == slider.shown(start) else shown / slider.scale

    def reset(self) -> None:
        """All as at the start."""
        s = self.start
        values = {
            **{name: slider.shown(getattr(s, name)) for name, slider in self.sliders.items()},
            "approach": s.approach, "axis": s.axis, "angle": s.angle, "min_quality": s.min_quality,
            "depths": s.depths, "rectangle": NO_RECTANGLE, "up_kind": UPS[0] if s.up is None else UPS[2],
            "seed": s.seed,
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


def _of_hand(gui: Any, slider: Slider, value: float) -> Any:
    shown = slider.shown(value)
    most = max(slider.most, slider.stretch * shown)
    return gui.add_slider(slider.label, min(slider.least, shown), most, slider.step, shown, hint=slider.hint)


def _range_slider(gui: Any, label: str, most: int) -> Any:
    """Two handles on 0..most, at first the middle half."""
    return gui.add_multi_slider(label, 0, most, 1, (most // 4, most - most // 4), visible=False)


def _ordered(span: Tuple[Any, Any], least: Any) -> Tuple[Any, Any]:
    """Both ends, at least `least` apart."""
    low, high = min(span), max(span)
    return low, max(high, low + least)
