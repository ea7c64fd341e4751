"""Energies, forces and stresses of MLIP-3, with all its digits, for all its potentials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model
from maxvolt.units import plus_stress_to_stress

# Relative to the largest number of an array. MLIP tabulates the polynomials of RBShapeev as powers
# of 1/r that cancel each other (basis/radial.py): its own rounding is in its numbers, 1e-10 of the
# energies and 1e-7 of the forces.
TIGHT = 1e-12
ENERGY_TOLERANCE = {"L08_2sp_RBShapeev": 1e-9}
FORCE_TOLERANCE = {"L08_2sp_RBShapeev": 1e-7}

WITH_OUTPUT = [
    *(f"cases/L{level:02}_1sp" for level in (2, 4, 8, 12, 16, 20, 24, 28)),
    *(f"cases/L{level:02}_2sp" for level in (6, 8, 10, 12, 16)),
    "cases/L08_3sp",
    *(
        f"cases/L08_2sp_{kind}"
        for kind in (
            "BChebyshev",
            "BChebyshev_repuls",
            "RBChebyshev_repuls",
            "RBShapeev",
            "RBTaylor",
        )
    ),
    *(f"trained/{symbol}_test4" for symbol in ("Cu", "Mo", "Ni")),
]
WITH_GRADIENTS = WITH_OUTPUT[:6] + WITH_OUTPUT[8:14]
SYMBOLS = ("Mo", "W", "Ta", "Nb")


def read_output(path: Path) -> dict[str, Any]:
    """What MLIP-3 printed; one file begins with a line of warning."""
    text = path.read_text()
    found: dict[str, Any] = json.loads(text[text.index("{") :])
    return found


@cache
def potential_of(path: Path, species: tuple[str, ...]) -> MTP:
    return maxvolt.read_potential(path, species=species)


class Case:
    """One potential, its structures, and MLIP-3's numbers for them."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name.split("/")[1]
        place = folder / name.split("/")[0]
        output = read_output(place / f"{self.name}.json")
        text = (place / output["potential"]).read_text(errors="replace")
        count = next(
            int(line.split("=")[1]) for line in text.splitlines() if "species_count" in line
        )
        self.species = SYMBOLS[:count]
        self.potential = potential_of(place / output["potential"], self.species)
        self.coefficients = output["coeff_count"]
        self.dataset = maxvolt.read(place / output["cfg"], species=self.species)
        self.results: list[dict[str, Any]] = output["results"]
        assert len(self.dataset) == len(self.results) > 0
        self.tolerances = (
            ENERGY_TOLERANCE.get(self.name, TIGHT),
            FORCE_TOLERANCE.get(self.name, TIGHT),
        )

    def joined(self, key: str) -> NDArray[np.float64]:
        return np.concatenate([np.asarray(r[key], dtype=float) for r in self.results])

    def stresses(self) -> NDArray[np.float64]:
        virials = np.array([r["plus_stress_xx_yy_zz_yz_xz_xy"] for r in self.results])
        return plus_stress_to_stress(virials, np.maximum(self.dataset.volumes, 1.0))


@pytest.fixture(params=WITH_OUTPUT)
def case(request: pytest.FixtureRequest, shared: Path) -> Case:
    return Case(shared / "reference" / "mlip3", request.param)


def assert_relative(found: ArrayLike, expected: ArrayLike, tolerance: float, what: str) -> None:
    """Differences relative to the largest number of the array."""
    expected = np.asarray(expected)
    scale = abs(expected).max()
    assert scale > 0, what
    np.testing.assert_allclose(
        np.asarray(found) / scale, expected / scale, rtol=0, atol=tolerance, err_msg=what
    )


def structures_of(values: NDArray[np.float64], dataset: Dataset) -> Sequence[NDArray[np.float64]]:
    return np.split(values, dataset.offsets[1:-1])


@pytest.mark.parametrize("instructions", kernels.instruction_sets())
def test_energies_forces_and_stresses(case: Case, instructions: str) -> None:
    of_energy, of_force = case.tolerances
    where = case.potential.neighborhoods(case.dataset)
    # A plan adds up other terms than MLIP's table; how much they cancel, in stresses most, depends
    # on the coefficients, and the rounding on the processor: 2e-12 is the largest seen (Mo_test4).
    by_table = compile_model(case.potential.model, planned=False)
    for core, of_stress in ((case.potential.core, 10 * of_force), (by_table, of_force)):
        found = kernels.evaluate(core, where, threads=1, kernels=instructions)
        forces = structures_of(found.forces, case.dataset)
        energies = structures_of(found.site_energies, case.dataset)
        for s, result in enumerate(case.results):
            what = f"{case.name}, structure {s}"
            assert_relative(energies[s], result["site_energies"], of_energy, what)
            assert_relative(energies[s].sum(), result["energy"], of_energy, what)
            assert_relative(forces[s], result["forces"], of_force, what)
            plus_stress = -found.virials[s]
            mlips = result["plus_stress_xx_yy_zz_yz_xz_xy"]
            assert_relative(plus_stress, mlips, of_stress, what)


def test_predictions_of_a_dataset(case: Case) -> None:
    of_energy, of_force = case.tolerances
    found = case.potential.evaluate_dataset(case.dataset, threads=1)
    assert_relative(found.energies, [r["energy"] for r in case.results], of_energy, "energies")
    assert_relative(found.forces, case.joined("forces"), of_force, "forces")
    periodic = case.dataset.pbc.all(axis=1)
    assert periodic.any()
    np.testing.assert_array_equal(np.isnan(found.stresses).all(axis=1), ~periodic)
    assert_relative(found.stresses[periodic], case.stresses()[periodic], of_force, "stresses")


def test_number_of_coefficients(case: Case) -> None:
    assert case.potential.n_parameters == case.coefficients


@pytest.mark.parametrize("name", WITH_GRADIENTS)
def test_gradients_by_the_coefficients_of_the_file(name: str, shared: Path) -> None:
    case = Case(shared / "reference" / "mlip3", name)
    found = case.potential.energy_gradients(case.dataset, threads=1)
    assert found.shape == (len(case.results), case.coefficients)
    radial = case.potential.model.n_radial
    for s, result in enumerate(case.results):
        expected = np.array(result["energy_grad_wrt_coeffs"])
        # Radial and linear coefficients have different units: each has its own scale.
        assert_relative(found[s, radial:], expected[radial:], TIGHT, f"linear, structure {s}")
        assert_relative(found[s, :radial], expected[:radial], TIGHT, f"radial, structure {s}")


def test_every_potential_of_mlip_loads(shared: Path, tmp_path: Path) -> None:
    folder = shared / "reference" / "mlip3"
    files = sorted(p for suffix in ("mtp", "almtp") for p in folder.rglob(f"*.{suffix}"))
    assert len(files) > 50
    for path in files:
        if path.stat().st_size > 10**6:
            continue  # levels 26 and 28: read above
        species: tuple[str, ...] | None = None
        for count in range(1, 5):
            try:
                potential = potential_of(path, SYMBOLS[:count])
            except maxvolt.SpeciesError:
                continue
            species = SYMBOLS[:count]
            break
        assert species is not None, path
        assert potential.species == species
        copy = tmp_path / path.name
        potential.write(copy)
        again = maxvolt.read_potential(copy)  # now the file names its species
        assert again.species == species
        assert again.is_trained == potential.is_trained
        np.testing.assert_array_equal(again.model.parameters, potential.model.parameters)
        np.testing.assert_array_equal(again.model.table.products, potential.model.table.products)


@pytest.mark.parametrize("level", [26, 28])
def test_the_largest_potentials_load(level: int, shared: Path) -> None:
    path = shared / "reference" / "mlip3" / "cases" / f"L{level}_1sp.mtp"
    potential = potential_of(path, ("Mo",))
    assert len(potential.model.moment_coeffs) == {26: 1464, 28: 2445}[level]


@pytest.mark.parametrize("level", [2, 8, 12, 16, 20])
def test_own_basis_has_as_many_scalars_and_radial_functions(level: int, shared: Path) -> None:
    theirs = potential_of(
        shared / "reference" / "mlip3" / "cases" / f"L{level:02}_1sp.mtp", ("Mo",)
    )
    own = maxvolt.MTP(level, ["Mo"], cutoff=theirs.cutoff, min_dist=theirs.min_dist)
    assert own.n_parameters == theirs.n_parameters
    assert own.model.radial_coeffs.shape == theirs.model.radial_coeffs.shape


def test_a_trained_potential_is_good_on_the_data_it_was_made_for(shared: Path) -> None:
    folder = shared / "reference" / "mlip3" / "trained"
    potential = potential_of(folder / "Mo.mtp", ("Mo",))
    dataset = maxvolt.read(folder / "Mo_test4.cfg", species=["Mo"])
    errors = maxvolt.compute_errors(potential, dataset).total
    assert errors.energy_per_atom.count == 4
    assert errors.energy_per_atom.rmse < 0.02
    assert errors.force_components.rmse < 0.3
