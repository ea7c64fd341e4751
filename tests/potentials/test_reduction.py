"""Potentials without some of their scalars: the same as if those had coefficient zero."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from make_potentials import random_potential

from maxvolt import Calculator, read_potential
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp import independence
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.binding import reference
from maxvolt.potentials.mtp.binding.layout import moment_layout
from maxvolt.potentials.mtp.reduction import reduced, reduced_table
from maxvolt.potentials.mtp.scalar_costs import scalar_costs
from performance.operations import operation_count
from promises import needs


def rattled(species: tuple[str, ...] = ("Mo",), seed: int = 0) -> Atoms:
    generator = np.random.default_rng(seed)
    atoms = bulk("Mo", cubic=True, a=3.15) * (2, 1, 1)
    atoms.symbols = generator.choice(species, size=len(atoms))
    atoms.positions += 0.15 * generator.normal(size=(len(atoms), 3))
    return atoms


def some_scalars(potential: MTP, share: float, seed: int = 0) -> np.ndarray:
    n = len(potential.model.moment_coeffs)
    chosen = np.random.default_rng(seed).random(n) < share
    return np.flatnonzero(chosen) if chosen.any() else np.array([n - 1])


def silenced(potential: MTP, kept: np.ndarray) -> MTP:
    """The same table; scalars that are not kept have coefficient zero."""
    coefficients = np.zeros_like(potential.model.moment_coeffs)
    coefficients[kept] = potential.model.moment_coeffs[kept]
    model = potential.model
    return potential.with_coefficients(
        model.radial_coeffs, model.species_coeffs, coefficients, scaling=model.scaling
    )


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
@pytest.mark.parametrize(
    ("level", "species"), [(8, ("Mo", "W", "O")), (12, ("Mo",)), (16, ("Mo",))]
)
def test_what_is_left_out_had_coefficient_zero(
    level: int, species: tuple[str, ...], share: float
) -> None:
    potential = random_potential(level, species)
    kept = some_scalars(potential, share, seed=level)
    smaller = reduced(potential, kept)
    where = potential.neighborhoods(Dataset.from_atoms([rattled(species)]))
    expected = silenced(potential, kept).evaluate_neighborhoods(where)
    found = smaller.evaluate_neighborhoods(where)
    in_numpy = reference.evaluate(smaller.model, where)
    for part in ("site_energies", "forces", "virials"):
        wanted = getattr(expected, part)
        size = abs(wanted).max()
        for one in (found, in_numpy):
            np.testing.assert_allclose(getattr(one, part), wanted, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("level", [8, 12, 16])
def test_nothing_is_left_that_nothing_needs(level: int) -> None:
    table = contraction_table(level)
    n_scalars = len(table.scalars)
    for seed in range(5):
        kept = np.flatnonzero(np.random.default_rng(seed).random(n_scalars) < 0.1)
        smaller, functions = reduced_table(table, kept if len(kept) else np.array([n_scalars - 1]))
        used = np.zeros(smaller.n_moments, dtype=bool)
        used[smaller.scalars] = used[smaller.products[:, :2].ravel()] = True
        assert used.all()
        assert np.array_equal(np.unique(smaller.basic[:, 0]), np.arange(len(functions)))
        layout = moment_layout(smaller.basic, smaller.products, smaller.scalars, smaller.n_moments)
        ranks = smaller.basic[:, 1:].sum(axis=1)
        highest = [ranks[smaller.basic[:, 0] == mu].max() for mu in range(len(functions))]
        assert layout.monomial_counts.tolist() == [(rank + 1) ** 2 for rank in highest]


def test_all_scalars_are_the_table_itself() -> None:
    table = contraction_table(12)
    same, functions = reduced_table(table, np.arange(len(table.scalars)))
    assert functions.tolist() == list(range(len(functions)))
    for name in ("basic", "products", "scalars"):
        assert np.array_equal(getattr(same, name), getattr(table, name))


def test_the_file_of_a_pruned_potential_is_one_of_mlip(tmp_path: Path) -> None:
    potential = random_potential(16, ["Mo"])
    smaller = reduced(potential, some_scalars(potential, 0.2))
    path = tmp_path / "pruned.mtp"
    smaller.write(path)
    again = read_potential(path)
    assert again.digest == smaller.digest
    text = path.read_text()
    assert f"alpha_scalar_moments = {len(smaller.model.moment_coeffs)}" in text
    assert f"radial_funcs_count = {smaller.model.radial_coeffs.shape[2]}" in text


@pytest.mark.parametrize(("level", "species"), [(12, ("Mo",)), (8, ("Mo", "W")), (16, ("Mo",))])
def test_an_independent_program_finds_the_same(
    tmp_path: Path, level: int, species: tuple[str, ...]
) -> None:
    needs("motep")
    from performance.motep_engine import calculator, typed_copy

    potential = random_potential(level, species)
    smaller = reduced(potential, some_scalars(potential, 0.4, seed=3))
    path = tmp_path / "pruned.mtp"
    smaller.write(path)
    atoms = rattled(species)
    theirs = typed_copy(atoms, species)
    theirs.calc = calculator(path, len(species))
    atoms.calc = Calculator(smaller)
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    assert theirs.get_potential_energy() == pytest.approx(energy, rel=1e-12, abs=1e-10)
    np.testing.assert_allclose(theirs.get_forces(), forces, rtol=0, atol=1e-11 * abs(forces).max())


@pytest.mark.parametrize("kept", [[], [0, 0], [-1], [9]])
def test_scalars_that_are_none_are_refused(kept: list[int]) -> None:
    potential = random_potential(8, ["Mo"])
    with pytest.raises(MaxvoltError, match="scalar"):
        reduced(potential, np.array(kept, dtype=np.int64))


def test_a_plan_has_no_invariant_that_is_in_no_scalar() -> None:
    table = contraction_table(16)
    smaller, _ = reduced_table(table, np.array([40, 70]))
    plan = evaluation_plan(smaller)
    assert plan is not None
    assert (abs(plan.expansion).sum(axis=0) > 0).all()


@pytest.mark.parametrize("level", [8, 16, 20])
def test_costs_are_those_of_the_operation_count(level: int) -> None:
    potential = random_potential(level, ["Mo"])
    costs = scalar_costs(potential.model.table, 4, neighbors=40.0)
    assert costs is not None
    everything = np.ones(len(potential.model.moment_coeffs), dtype=bool)
    counted = operation_count(potential, 40.0).instructions
    assert costs.of(everything) == pytest.approx(counted, rel=0.08)


def test_costs_of_a_pruned_potential_are_those_of_its_scalars() -> None:
    potential = random_potential(16, ["Mo"])
    costs = scalar_costs(potential.model.table, 4, neighbors=40.0)
    kept = some_scalars(potential, 0.3)
    smaller = reduced(potential, kept)
    assert costs is not None
    mask = np.isin(np.arange(len(potential.model.moment_coeffs)), kept)
    counted = operation_count(smaller, 40.0).instructions
    assert costs.of(mask) == pytest.approx(counted, rel=0.15)


def test_what_a_group_saves_is_the_difference_of_two_costs() -> None:
    costs = scalar_costs(contraction_table(12), 8, neighbors=30.0)
    assert costs is not None
    groups = costs.groups()
    kept = np.random.default_rng(1).random(groups.shape[1]) < 0.7
    expected = [costs.of(kept) - costs.of(kept & (group == 0)) for group in groups]
    np.testing.assert_allclose(costs.saved(kept, groups), expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("level", [4, 8, 12, 16])
def test_mixtures_of_a_level_are_counted_as_they_are_known(
    level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = replace(contraction_table(level))  # not the one that is known by its identity
    known = independence.mixing_redundancies(table)
    monkeypatch.setattr(independence, "_COMPLETE", {})
    assert independence.mixing_redundancies(replace(table)) == known
