"""Dex-Net's own weights as a model file: `python -m antipodal.dexnet weights MODEL_DIR OUT.pt`."""

from __future__ import annotations

from antipodal.errors import check_outputs, command_parser, end_when_interrupted, run_command

if __name__ == "__main__":
    end_when_interrupted()  # before the imports, which take seconds

import sys
from pathlib import Path
from typing import List, Optional

from antipodal.dexnet.weights import import_weights
from antipodal.files import write_result
from antipodal.networks.model import save


def main(arguments: Optional[List[str]] = None) -> int:
    parser = command_parser(
        "import", "Turn weights of Dex-Net (gqcnn, TensorFlow) into a model file.", "weights MODEL_DIR OUT.pt"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    weights = commands.add_parser(
        "weights",
        help="turn a gqcnn TensorFlow model folder into a model file",
        epilog="example: antipodal import weights models/GQCNN-2.0 dexnet.pt",
    )
    weights.add_argument("folder", type=Path, metavar="MODEL_DIR")
    weights.add_argument("out", type=Path, metavar="OUT.pt")
    weights.add_argument("--json", metavar="FILE", help="write the result as JSON; -: to standard output")
    args = parser.parse_args(arguments)
    check_outputs(args, ("out", "json"), inputs=("folder",))
    network, meta = import_weights(args.folder)
    save(args.out, network, meta)
    if args.json:
        write_result(args.json, {"model": str(args.out.absolute()), "architecture": network.architecture, **meta})
    if args.json != "-":
        print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
