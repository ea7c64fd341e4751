"""The example of hydrogen exchange, everything short: train, sample, compare, tell."""

from __future__ import annotations

import json
import sys
from pathlib import Path

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
    quadrature = told["exchange"][1]
    assert 0.2 < quadrature["ratio"] < 5.0  # of a potential from sixty structures
    assert [row["beads"] for row in told["eckart"]["rates"]] == [1, 1, 2, 2]
