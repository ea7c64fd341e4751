"""The example of hydrogen exchange, everything short: train, sample, compare, tell."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import maxvolt

sys.path.insert(0, str(Path(__file__).parents[1]))
from example_modules import importable

EXAMPLE = Path(__file__).parents[2] / "examples" / "hydrogen_exchange"


def test_the_example_from_training_to_table(tmp_path: Path) -> None:
    with importable(EXAMPLE):
        import changes
        import eckart
        import rates
        import table
        import train
    rounds = tmp_path / "training"
    train.main(["--quick", "--output", str(rounds)])
    iterations = json.loads((rounds / "training.json").read_text())["iterations"]
    assert iterations[0]["selected"] > 0
    assert iterations[1]["training_structures"] == 60 + iterations[0]["selected"]
    active_set = maxvolt.read_active_set(rounds / "trained.almtp")
    training = maxvolt.read(rounds / "training.xyz")
    assert active_set.grade(training).max() < 2.0

    output = ["--quick", "--output", str(tmp_path / "rates")]
    potential = str(rounds / "trained.almtp")
    for step, arguments in ((rates, ["leps"]), (changes, [potential]), (eckart, [])):
        step.main([*arguments, *output])
    found = tmp_path / "found"
    table.main([str(tmp_path / "rates"), "--potential", potential, "--output", str(found)])
    assert (found / "reaction_rates.png").stat().st_size > 1000
    told = json.loads((found / "reaction_rates.json").read_text())
    reference, potential_row = told["exchange"][:2]
    assert reference["rate"] == pytest.approx(1.12487e-17, rel=1e-4, abs=0.0)
    assert potential_row["ratio"] == potential_row["rate"] / reference["rate"]
    ways = [(row["surface"], row["how"].split(",")[0]) for row in told["exchange"][2:]]
    assert ways == [(s, b) for b in ("1 bead", "128 beads") for s in ("reference", "potential")]
    assert [row["beads"] for row in told["eckart"]["rates"]] == [1, 1, 2, 2]
