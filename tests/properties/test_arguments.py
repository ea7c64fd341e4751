"""What the functions of `maxvolt.properties` accept as calculator and structure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt
from maxvolt.errors import DataError
from maxvolt.potentials import MTP, Ensemble
from maxvolt.properties import MeanSpread, elastic_constants, ensemble_statistics, equation_of_state
from maxvolt.properties.arguments import calculators_of, system_of


def potential() -> MTP:
    untrained = MTP(2, ["Cu"], 4.0, 1.5, 2)
    radial = untrained.model.radial_coeffs + 0.01
    return untrained.with_coefficients(radial, np.array([-1.0]), np.array([-1.0]))


def copper(calculator: Any = None) -> Atoms:
    atoms = bulk("Cu")
    atoms.calc = calculator
    return atoms


def test_a_calculator_in_all_its_forms(tmp_path: Path) -> None:
    mtp = potential()
    mtp.write(tmp_path / "pot.mtp")
    expected = mtp.evaluate(copper()).energy
    for given in (mtp, tmp_path / "pot.mtp", str(tmp_path / "pot.mtp"), Ensemble((mtp, mtp))):
        calculator, atoms = system_of(given, copper(), "energy")
        assert calculator.get_potential_energy(atoms) == pytest.approx(expected, rel=1e-12)
    emt = EMT()
    assert system_of(copper(emt), None, "energy")[0] is emt
    assert system_of(copper(), emt, "energy")[0] is emt  # type: ignore[arg-type]
    assert system_of(emt, copper(), "energy")[0] is emt
    assert len(calculators_of(Ensemble((mtp, mtp)))) == 2
    assert len(calculators_of(tmp_path / "pot.mtp")) == len(calculators_of(mtp)) == 1
    Ensemble((mtp, mtp)).write(tmp_path / "pair.mtp")
    assert len(calculators_of(tmp_path / "pair.mtp")) == 2
    assert len(calculators_of(maxvolt.load(tmp_path / "pair.mtp"))) == 2
    assert len(calculators_of([mtp, str(tmp_path / "pot.mtp"), emt])) == 3


def test_atoms_that_carry_a_calculator() -> None:
    curve = equation_of_state(copper(EMT()))
    assert curve.volume == pytest.approx(equation_of_state(EMT(), copper()).volume, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((copper(),), "elastic constants: the atoms carry no calculator; expected an ASE calc"),
        ((EMT(),), "expected one structure as ase.Atoms after the calculator; got NoneType"),
        ((EMT(), [copper()]), "expected one structure as ase.Atoms .* got list"),
        ((EMT, copper()), "expected an ASE calculator.* got type|ABCMeta"),
        ((3, copper()), "expected an ASE calculator.* got int 3"),
    ],
)
def test_what_is_neither_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        elastic_constants(*arguments)


def test_ensembles_of_nothing_are_refused() -> None:
    for wrong in ([], [3], 3):
        with pytest.raises(DataError, match="ensemble_statistics"):
            ensemble_statistics(lambda calculator: 0.0, wrong)


def test_a_small_spread_is_not_written_as_none() -> None:
    assert f"{MeanSpread.of([568.0, 568.02]):.0f}" == "568 +- 0.03"
    assert f"{MeanSpread.of([568.0, 568.0]):.0f}" == "568 +- 0"
