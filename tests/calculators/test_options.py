"""Options of the calculator: unknown and impossible ones are refused, and what is noted of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.calculators.calculator import Parameters
from ase.db import connect
from ase.io.trajectory import Trajectory
from test_copies import crystal, random_potential

import maxvolt
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.errors import MaxvoltError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import NeighborhoodPotential
from maxvolt.potentials.results import Energies, Precision


@pytest.mark.parametrize(
    ("name", "near"),
    [("thread", "threads"), ("precison", "precision"), ("active_set", None), ("Skin", "skin")],
)
def test_an_unknown_option_is_refused_with_the_one_that_may_be_meant(
    name: str, near: str | None
) -> None:
    with pytest.raises(MaxvoltError, match=f"no option '{name}'") as caught:
        MaxvoltCalculator(random_potential(0), **{name: 2})
    assert ("did you mean" in str(caught.value)) == (near is not None)
    assert near is None or f"did you mean {near}?" in str(caught.value)
    assert "query, uncertainty, skin, threads, precision" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads must be at least 1"),
        ({"threads": 1.5}, "threads must be a whole number"),
        ({"precision": "half"}, 'precision must be "double" or "single"'),
        ({"skin": -1.0}, "skin must be a length"),
    ],
)
def test_values_that_cannot_be_are_refused_at_once(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(MaxvoltError, match=message):
        MaxvoltCalculator(random_potential(0), **options)  # type: ignore[arg-type]
    calculator = MaxvoltCalculator(random_potential(0))
    with pytest.raises(MaxvoltError, match=message):
        calculator.set(**options)
    assert calculator.threads is None
    assert calculator.precision == "double"


class Plain(NeighborhoodPotential):
    """A potential of somebody else, in double precision only."""

    species = ("Cu", "Au")
    cutoff = 3.0
    digest = "plain"

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None, precision: Precision = "double"
    ) -> Energies:
        raise NotImplementedError

    def write(self, path: str | Path) -> None:
        raise NotImplementedError


def test_single_precision_is_refused_where_it_is_not_available() -> None:
    with pytest.raises(MaxvoltError, match="not available for Plain"):
        MaxvoltCalculator(Plain(), precision="single")
    with pytest.raises(MaxvoltError, match="precision must be"):
        MaxvoltCalculator(Plain(), precision="half")  # type: ignore[arg-type]
    long = maxvolt.MTP(10, ["Cu"], 4.5, 2.0, max_vertices=5)
    if not long.core.has_plan:
        with pytest.raises(MaxvoltError, match="not available for this potential"):
            MaxvoltCalculator(long, precision="single")


def test_options_of_ase_are_taken() -> None:
    atoms = crystal()
    calculator = MaxvoltCalculator(random_potential(0), atoms=atoms, label="run", directory=".")
    assert atoms.calc is calculator
    assert calculator.label == "run"


def test_set_changes_what_can_be_changed() -> None:
    calculator, atoms = MaxvoltCalculator(random_potential(0, 10)), crystal()
    double = calculator.get_property("forces", atoms)
    assert calculator.set(threads=2, skin=0.2) == {"threads": 2, "skin": 0.2}
    assert (calculator.threads, calculator.neighbors.skin) == (2, 0.2)
    assert not calculator.calculation_required(atoms, ["forces"])
    calculator.set(precision="single")
    single = calculator.get_property("forces", atoms)
    assert (single != double).any()
    np.testing.assert_allclose(single, double, rtol=0, atol=4e-6 * abs(double).max())
    with pytest.raises(MaxvoltError, match=r"set has no option 'potential'\. It takes skin, "):
        calculator.set(potential="other.mtp")


def test_what_computed_is_described(tmp_path: Path) -> None:
    potential = random_potential(0)
    potential.write(tmp_path / "pot.mtp")
    described = MaxvoltCalculator(tmp_path / "pot.mtp", precision="single").todict()
    assert described == {
        "potential": str(tmp_path / "pot.mtp"),
        "digests": [potential.digest],
        "species": ["Cu", "Au"],
        "precision": "single",
    }
    assert random_potential(1).digest != potential.digest
    assert potential.with_repulsion(maxvolt.ZBL(1.0, 2.0)).digest != potential.digest


def test_trajectories_and_databases_note_what_computed(tmp_path: Path) -> None:
    atoms = crystal()
    atoms.calc = MaxvoltCalculator(random_potential(0))
    energy = atoms.get_potential_energy()
    with Trajectory(tmp_path / "a.traj", "w") as writer:
        writer.write(atoms)
    with Trajectory(tmp_path / "a.traj") as reader:
        read = reader[0]
    assert read.get_potential_energy() == energy
    noted = read.calc.parameters
    assert Parameters(noted)["digests"] == [random_potential(0).digest]
    with connect(tmp_path / "a.db") as database:
        database.write(atoms)
    row = connect(tmp_path / "a.db").get(1)
    assert row.calculator == "maxvolt"
    assert row.calculator_parameters["species"] == ["Cu", "Au"]
    assert row.energy == energy
