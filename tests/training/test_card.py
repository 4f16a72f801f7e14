"""The cards of the shipped models say what the files say."""

import re

import pytest
from conftest import REPO

from antipodal import networks
from antipodal.training.report import card

APPENDED = r"\n## Data (?:and model )?in "  # commands that were added by hand or by `make model`


@pytest.mark.parametrize("name", ["default", "dense", "suction"])
def test_a_card_is_written_from_its_file(name):
    model = REPO / "models" / f"{name}.pt"
    network, meta = networks.load(model, "cpu")
    written = re.split(APPENDED, model.with_suffix(".md").read_text())[0]
    assert written.strip() == card(model, meta).strip()
    assert f"{networks.count_parameters(network):,} parameters" in written
    assert f"{networks.flops(network) / 1e6:.2f} MFLOP" in written
