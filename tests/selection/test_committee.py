"""Committees: what the members disagree about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from selection_data import alloy, alloys, potential

import maxvolt
from maxvolt import Committee, Ensemble
from maxvolt.errors import DataError, FileFormatError
from maxvolt.selection import QueryStrategy
from maxvolt.selection.committee_errors import SpreadsAndErrors


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return Ensemble(tuple(potential(seed=seed) for seed in range(3)))


def spreads(ensemble: Ensemble, seed: int) -> tuple[float, np.ndarray]:
    found = [member.evaluate(alloy(seed)) for member in ensemble.members]
    energies = np.array([one.energy for one in found])
    forces = np.array([one.forces for one in found])
    of_forces = np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1))
    return float(energies.std(ddof=1) / np.sqrt(len(alloy(seed)))), of_forces


def test_grades_by_definition(ensemble: Ensemble) -> None:
    both = Committee(ensemble, energy_scale=0.5, force_scale=0.25)
    for seed in range(6):
        energy, forces = spreads(ensemble, seed)
        assert both.grade(alloy(seed))[0] == pytest.approx(max(energy / 0.5, forces.max() / 0.25))
        np.testing.assert_allclose(both.site_grades(alloy(seed)), forces / 0.25, rtol=1e-9)
        assert Committee(ensemble, energy_scale=0.5).grade(alloy(seed))[0] == pytest.approx(
            energy / 0.5
        )
        assert Committee(ensemble, force_scale=0.25).grade(alloy(seed))[0] == pytest.approx(
            forces.max() / 0.25
        )


def test_scales_from_a_training_set(ensemble: Ensemble) -> None:
    training = alloys(20)
    committee = Committee.from_dataset(ensemble, training)
    assert committee.grade(training).max() == pytest.approx(1.0)
    for only in ({"forces": False}, {"energies": False}):
        assert Committee.from_dataset(ensemble, training, **only).grade(
            training
        ).max() == pytest.approx(1.0)
    assert committee.energy_scale is not None
    assert committee.force_scale is not None
    assert f"{committee.force_scale:.3g} eV/A" in committee.description


def test_known_energies_are_not_computed_again(ensemble: Ensemble) -> None:
    committee = Committee(ensemble, 1.0, 1.0)
    where = ensemble.members[0].neighborhoods(alloys(3))
    known = [member.evaluate_neighborhoods(where) for member in ensemble.members]
    given, own = committee.grade_neighborhoods(where, known), committee.grade_neighborhoods(where)
    np.testing.assert_array_equal(given.structures, own.structures)
    alike = committee.grade_neighborhoods(where, [known[0]] * 3)
    np.testing.assert_allclose(alike.structures, 0.0, atol=1e-12)


def test_selection(ensemble: Ensemble) -> None:
    committee = Committee.from_dataset(ensemble, alloys(20))
    candidates = alloys(40, first=100, spread=0.3)
    found = committee.select(candidates, threshold=1.5)
    np.testing.assert_array_equal(found.indices, np.flatnonzero(found.grades > 1.5))
    assert 2 < len(found.indices) < 40
    np.testing.assert_array_equal(
        found.structures.positions, candidates.select(found.indices).positions
    )
    few = committee.select(iter(candidates), threshold=1.5, limit=2)
    assert set(few.indices) == set(np.argsort(found.grades)[-2:])
    assert len(few.structures) == 2


def test_it_is_a_query_strategy(ensemble: Ensemble) -> None:
    assert isinstance(Committee(ensemble, 1.0), QueryStrategy)
    assert Committee(ensemble, 1.0).members == ensemble.members


def test_wrong_use_is_named(ensemble: Ensemble) -> None:
    with pytest.raises(DataError, match="at least two"):
        Committee(Ensemble(ensemble.members[:1]), 1.0)
    for scales in ((None, None), (0.0, None), (1.0, np.nan)):
        with pytest.raises(DataError, match="at least one positive number"):
            Committee(ensemble, *scales)
    with pytest.raises(DataError, match="force_scale"):
        Committee(ensemble, 1.0).site_grades(alloy(0))


def test_scales_have_a_file_of_their_own(ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "committee.json"
    ensemble.write(tmp_path / "pot.mtp")
    for committee in (
        Committee.from_dataset(ensemble, alloys(5)),
        Committee(ensemble, energy_scale=0.1 + 0.2),
        Committee(ensemble, force_scale=0.25),
    ):
        committee.write(path)
        members = maxvolt.load(tmp_path / "pot.mtp").members  # type: ignore[attr-defined]
        again = Committee.read(path, Ensemble(members[::-1]))
        assert (again.energy_scale, again.force_scale) == (
            committee.energy_scale,
            committee.force_scale,
        )


def test_scales_of_other_potentials_are_refused(ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "committee.json"
    Committee(ensemble, 1.0).write(path)
    other = Ensemble((*ensemble.members[:2], potential(seed=9)))
    with pytest.raises(DataError, match="with 3 potentials, of which 2 are among the 3 given"):
        Committee.read(path, other)
    with pytest.raises(DataError, match=r"made of a maxvolt\.Ensemble of at least two potentials"):
        Committee.read(path, ensemble.members[0])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="of which 2 are among the 2 given"):
        Committee.read(path, Ensemble(ensemble.members[:2]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no scales of a committee"),
        ("[" * 100_000, "holds no scales of a committee"),
        ("[1, 2]", "holds no scales of a committee"),
        ('{"kind": "maxvolt committee", "version": 2}', "is of version 2; expected 1"),
        ('{"kind": "maxvolt committee", "version": 1}', "is missing or wrong"),
        ("x" * 2_000_000, "holds no scales of a committee"),
    ],
)
def test_damaged_scales_are_named(
    content: str, message: str, ensemble: Ensemble, tmp_path: Path
) -> None:
    path = tmp_path / "committee.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        Committee.read(path, ensemble)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("scale", ["null", "-1.0", "NaN", '"much"', "[1]"])
def test_wrong_scales_are_refused(scale: str, ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "committee.json"
    Committee(ensemble, 1.0).write(path)
    path.write_text(path.read_text().replace('"energy_scale": 1.0', f'"energy_scale": {scale}'))
    with pytest.raises(FileFormatError, match="energy_scale"):
        Committee.read(path, ensemble)


def test_missing_scales_are_named(ensemble: Ensemble, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no such file"):
        Committee.read(tmp_path / "none.json", ensemble)


def labelled(ensemble: Ensemble, count: int) -> tuple[maxvolt.Dataset, np.ndarray, np.ndarray]:
    """Structures with labels, and the errors of the mean: of energies over sqrt(N), and forces."""
    generator = np.random.default_rng(5)
    frames, of_energies, of_forces = [], [], []
    for seed in range(count):
        atoms = alloy(seed)
        found = [member.evaluate(atoms) for member in ensemble.members]
        wrong = generator.normal(scale=0.3), generator.normal(scale=0.1, size=(len(atoms), 3))
        atoms.calc = SinglePointCalculator(
            atoms,
            energy=np.mean([one.energy for one in found]) + wrong[0],
            forces=np.mean([one.forces for one in found], axis=0) + wrong[1],
        )
        frames.append(atoms)
        of_energies.append(wrong[0] / np.sqrt(len(atoms)))
        of_forces.append(np.linalg.norm(wrong[1], axis=1))
    return maxvolt.Dataset.from_atoms(frames), np.array(of_energies), np.concatenate(of_forces)


def root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_grades_as_multiples_of_held_out_errors(ensemble: Ensemble) -> None:
    held_out, of_energies, of_forces = labelled(ensemble, 12)
    found = [spreads(ensemble, seed) for seed in range(12)]
    energy_spread = root_mean_square(np.array([one[0] for one in found]))
    force_spread = root_mean_square(np.concatenate([one[1] for one in found]))
    compared = SpreadsAndErrors.of(ensemble, held_out)
    assert compared.energies is not None
    assert compared.forces is not None
    assert compared.energies.error == pytest.approx(root_mean_square(of_energies))
    assert compared.forces.error == pytest.approx(root_mean_square(of_forces))
    assert compared.energies.spread == pytest.approx(energy_spread)
    assert compared.forces.spread == pytest.approx(force_spread)
    # Spread times factor is the error that is expected; at grade 2 it is twice the held-out one.
    committee = Committee.from_errors(ensemble, held_out)
    for seed in range(20, 24):
        energy, forces = spreads(ensemble, seed)
        expected = max(
            compared.energies.factor * energy / compared.energies.error,
            compared.forces.factor * forces.max() / compared.forces.error,
        )
        assert committee.grade(alloy(seed))[0] == pytest.approx(expected)
    # In physical units: an expected error of 0.2 eV/A is grade 1, and energies do not count.
    physical = Committee.from_errors(ensemble, held_out, force=0.2)
    assert physical.energy_scale is None
    for seed in range(20, 24):
        forces = spreads(ensemble, seed)[1]
        grade = compared.forces.factor * forces.max() / 0.2
        assert physical.grade(alloy(seed))[0] == pytest.approx(grade)


def test_labels_that_are_missing_do_not_count(ensemble: Ensemble) -> None:
    held_out, _, _ = labelled(ensemble, 4)
    frames = held_out.to_atoms()
    for atoms in frames:
        del atoms.calc.results["forces"]
    energies_only = maxvolt.Dataset.from_atoms(frames)
    assert Committee.from_errors(ensemble, energies_only).force_scale is None
    with pytest.raises(DataError, match="none of the held-out structures has forces"):
        Committee.from_errors(ensemble, energies_only, force=0.2)
    with pytest.raises(DataError, match="no held-out label"):
        Committee.from_errors(ensemble, alloys(2))
    with pytest.raises(DataError, match="no held-out label"):
        Committee.from_errors(ensemble, alloys(0))
    same = Ensemble((ensemble.members[0], ensemble.members[0]))
    with pytest.raises(DataError, match="members of the committee agree exactly"):
        Committee.from_errors(same, held_out)
