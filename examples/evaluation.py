"""Measure planners in the simulated cell, on the same scenes:   python examples/evaluation.py [SCENES]

Needs the extras synth and sim. The same as `antipodal evaluate --objects procedural:8 -n SCENES ...`; run again with
more scenes, it goes on where it stopped.
"""

import sys
from pathlib import Path

from antipodal import resources

try:
    from antipodal.sim import report
    from antipodal.sim.evaluate import evaluate, write_evaluation_report
    from antipodal.sim.trials import TrialOptions
except ModuleNotFoundError as e:
    sys.exit(f"this needs {e.name}: pip install 'antipodal[synth,sim]'")

OUT = Path("out/evaluation.json")


def main() -> None:
    scenes = int(sys.argv[1]) if sys.argv[1:] else 3
    options = TrialOptions(
        objects="procedural:8",  # or a folder of meshes, with units="mm" where they are in millimetres
        model=str(resources.locate("models", "default")),
        noise="real",
        mask=False,  # the planner finds the objects itself
        seed=5,
    )
    summary = evaluate(options, ["antipodal", "random"], scenes, OUT)
    print(report.table(summary))
    write_evaluation_report(OUT.with_suffix(".html"), options, summary, OUT)
    print(f"{OUT.with_suffix('.html')} shows objects, outcomes and the worst failures")


if __name__ == "__main__":
    main()
