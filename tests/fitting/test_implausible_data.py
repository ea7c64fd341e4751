"""Data that cannot be right are refused before a fit, by file and structure, with the remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from training_data import emt_dataset, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FitError, SpeciesError
from maxvolt.fitting import FitSettings, compute_errors, fit
from maxvolt.fitting.screening.label_consistency import check_work, measure_work
from maxvolt.fitting.screening.plausibility import check_contacts, check_labels
from maxvolt.io import read, write
from maxvolt.potentials import MTP
from maxvolt.units import GPA_PER_EV_A3

QUICK = FitSettings(max_iterations=3, starts=1, start_iterations=2)


def copper(count: int = 12) -> Dataset:
    return emt_dataset(["Cu"], count)


def trajectory(count: int = 12) -> Dataset:
    """One crystal, a little displaced and strained from structure to structure."""
    from ase.build import bulk

    generator = np.random.default_rng(0)
    found = []
    for k in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell.array * (1 + 0.015 * np.sin(k)), scale_atoms=True)
        atoms.positions += 0.03 * generator.normal(size=(4, 3))
        atoms.calc = EMT()
        atoms.get_stress()
        found.append(atoms)
    return Dataset.from_atoms(found)


def run(data: Any, **options: Any) -> Any:
    species = options.pop("species", ["Cu"])
    given = {"settings": QUICK, "threads": 1, **options}
    return fit(MTP(6, species, 4.5, 1.8, 4), data, **given)


def test_right_data_pass_without_a_word() -> None:
    assert run(copper()).warnings == (
        "1 of 1 fits reached the limit of 3 iterations before they converged; allow more "
        "(max_iterations, --max-iterations)",
    )


def test_work_is_the_difference_of_energies() -> None:
    work = measure_work(trajectory(30))
    assert work.pairs == 29
    assert work.forces == pytest.approx(1.0, abs=0.1)
    assert work.stresses == pytest.approx(1.0, abs=0.15)  # the pressure is not linear in the strain
    assert work.explained > 0.9


def strained_crystals(seed: int, count: int = 10) -> Dataset:
    """Ten crystals, as a campaign begins with: far from each other, for pairs."""
    rng, frames = np.random.default_rng(seed), []
    for _ in range(count):
        atoms = bulk("Al", "fcc", 4.0, cubic=True) * (2, 2, 2)
        strain = rng.normal(scale=0.02, size=(3, 3))
        atoms.set_cell(atoms.cell @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
        atoms.positions += rng.normal(scale=0.1, size=(len(atoms), 3))
        atoms.calc = EMT()
        atoms.get_stress()
        frames.append(atoms)
    return Dataset.from_atoms(frames)


def test_few_pairs_are_no_reason_to_doubt_right_labels() -> None:
    assert [check_work(strained_crystals(seed)) for seed in range(6)] == [[]] * 6
    right = strained_crystals(0)
    (doubt,) = check_work(replace(right, stresses=3.0 * right.stresses))
    assert "where 1 is right" in doubt


def test_cells_that_are_opposite_are_not_compared() -> None:
    """Half way between a cell and its mirror image there is none."""
    atoms = copper()[0]
    mirrored = atoms.copy()
    mirrored.set_cell(-atoms.cell.array)
    mirrored.calc = EMT()
    mirrored.get_stress()
    assert measure_work(Dataset.from_atoms([atoms, mirrored] * 6)).pairs == 0


@pytest.mark.parametrize(
    ("label", "factor", "message"),
    [
        ("stresses", -1.0, "the stresses have the opposite sign"),
        ("stresses", GPA_PER_EV_A3, "the stresses are in GPa: divide them by 160.2177"),
        ("stresses", 10 * GPA_PER_EV_A3, "stresses .* kbar"),
        ("stresses", -10 * GPA_PER_EV_A3, "stresses .*kbar"),
        ("forces", -1.0, "the forces have the opposite sign"),
        ("forces", 1 / 25.7110, "the forces are in Ry/Bohr: multiply them by 25"),
        ("forces", 1 / 51.4221, "the forces are in Ha/Bohr: multiply them by 51"),
        ("energies", 1 / 13.605693, "the energies are in Rydberg"),
        ("energies", 1 / 27.211386, "the energies are in Hartree"),
    ],
)
def test_units_and_signs_are_told(label: str, factor: float, message: str) -> None:
    data = trajectory(40)
    wrong = relabelled(data, **{label: factor * getattr(data, label)})
    with pytest.raises(FitError, match=message):
        run(wrong)


def test_stresses_of_structures_without_likeness_are_told_by_their_size() -> None:
    data = copper(20)
    assert check_labels(data) == []
    for factor, unit in ((GPA_PER_EV_A3, "GPa"), (10 * GPA_PER_EV_A3, "kbar")):
        with pytest.raises(FitError, match=rf"look like {unit}|a stress of .*kbar"):
            check_labels(relabelled(data, stresses=factor * data.stresses))


def test_nanometres_are_told(tmp_path: Path) -> None:
    data = copper()
    small = relabelled(data, positions=0.1 * data.positions, cells=0.1 * data.cells)
    small = relabelled(small, stresses=None)
    write(tmp_path / "nm.xyz", small)
    with pytest.raises(FitError, match=r"structure 0 of .*nm\.xyz .* nanometres by 10"):
        run(tmp_path / "nm.xyz")


def test_bohr_is_told() -> None:
    data = copper()
    wide = relabelled(
        data, positions=data.positions / 0.529177, cells=data.cells / 0.529177, stresses=None
    )
    result = fit(MTP(6, ["Cu"], 9.0, 1.8, 4), wide, settings=QUICK, threads=1)
    assert any("not Bohr" in warning for warning in result.warnings)
    assert check_contacts(wide, np.full(12, 0.5)) != []
    assert check_contacts(wide, np.full(12, 1.0)) == []


def test_one_force_thousands_of_times_the_others() -> None:
    data = copper()
    forces = data.forces.copy()
    forces[data.offsets[5]] = [0.0, 5000.0, 0.0]
    with pytest.raises(FitError, match=r"structure 5 .* a force of 5e\+03 eV/A, .*times"):
        run(relabelled(data, forces=forces))


def test_one_energy_far_away() -> None:
    data = copper()
    energies = data.energies.copy()
    energies[7] -= 1e5
    with pytest.raises(FitError, match=r"structure 7 .*eV/atom away from that of the others"):
        run(relabelled(data, energies=energies))


def test_all_electron_energies_of_compounds_are_not_far_away() -> None:
    data = emt_dataset(["Cu", "Ag"], 12)
    shifts = np.where(data.numbers == 29, -45_000.0, -144_000.0)
    energies = data.energies + np.bincount(data.structure_of_atom, shifts)
    assert check_labels(relabelled(data, energies=energies)) == []


def test_files_that_are_joined_keep_their_names(tmp_path: Path) -> None:
    write(tmp_path / "one.xyz", copper(4))
    write(tmp_path / "two.xyz", copper(6))
    joined = Dataset.concatenate([read(tmp_path / "one.xyz"), read(tmp_path / "two.xyz")])
    assert joined.select([6]).origins == ((str(tmp_path / "two.xyz"), 2),)
    assert joined.name_of(3) == f"structure 3 of {tmp_path / 'one.xyz'}"
    assert read(tmp_path / "two.xyz", index="4:").origins[0] == (str(tmp_path / "two.xyz"), 4)
    contradicting = relabelled(copper(4), energies=copper(4).energies + 1)
    write(tmp_path / "two.xyz", contradicting)
    with pytest.raises(FitError, match=r"0 of .*one\.xyz and structure 0 of .*two\.xyz are equal"):
        run([tmp_path / "one.xyz", tmp_path / "two.xyz"])


def test_a_cutoff_with_few_neighbours() -> None:
    dimers = []
    for k, distance in enumerate(np.linspace(2.2, 9.0, 24)):
        atoms = Atoms("Cu2", [[0, 0, 0], [0, 0, distance]])
        atoms.info["energy"] = 1.0 / (k + 1)
        dimers.append(atoms)
    warnings = run(dimers).warnings
    assert any("have no neighbour within the cutoff of 4.5 A" in text for text in warnings)


def test_species_errors_name_file_and_structure(tmp_path: Path) -> None:
    write(tmp_path / "a.xyz", Dataset.concatenate([copper(3), emt_dataset(["Ag"], 1)]))
    with pytest.raises(SpeciesError, match=r"knows Cu but structure 3 of .*a\.xyz contains Ag"):
        run(tmp_path / "a.xyz")


# --------------------------------------------------------------------- forms of arguments


def test_structures_in_all_their_forms(tmp_path: Path) -> None:
    data = copper()
    path = tmp_path / "data.xyz"
    write(path, data)
    expected = run(data).potential.model.parameters
    forms: list[Any] = [data.to_atoms(), [data], path, str(path), (a for a in data.to_atoms())]
    for given in forms:
        np.testing.assert_allclose(run(given).potential.model.parameters, expected, rtol=1e-9)
    half = [data.select(slice(0, 6)), *data.select(slice(6, None)).to_atoms()]
    np.testing.assert_allclose(run(half).potential.model.parameters, expected, rtol=1e-9)


def test_errors_in_all_their_forms(tmp_path: Path) -> None:
    data = copper()
    write(tmp_path / "data.xyz", data)
    result = run(data, validation=data.to_atoms())
    assert result.validation_errors == result.training_errors
    result.potential.write(tmp_path / "pot.mtp")
    expected = compute_errors(result.potential, data).total.energy.rmse
    for given in (data.to_atoms(), tmp_path / "data.xyz"):
        found = compute_errors(str(tmp_path / "pot.mtp"), given).total.energy.rmse
        assert found == pytest.approx(expected, rel=1e-9)
    with pytest.raises(DataError, match=r"potential: expected a potential, .* got int 3"):
        compute_errors(3, data)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [3, None, {"a": 1}, [3]])
def test_what_is_no_structure_is_refused(given: Any) -> None:
    with pytest.raises(DataError, match="dataset: expected structures"):
        run(given)


def test_what_is_no_potential_is_refused() -> None:
    with pytest.raises(FitError, match=r"potential: expected .* maxvolt\.MTP\(16.* got list"):
        fit(["Mo"], copper())  # type: ignore[arg-type]


# --------------------------------------------------------------------- real data


@pytest.mark.parametrize(
    "name",
    ["mlearn/Mo_train.xyz", "mlearn/Si_train.xyz", "mlearn/Li_test.xyz", "rmd17/ethanol_test01.xyz",
     "nbmotaw/MoNbTaW_test.xyz"],
)  # fmt: skip
def test_published_data_pass(name: str, shared: Path) -> None:
    data = read(shared / "data" / name)
    assert check_labels(data) == []
    assert check_work(data) == []
