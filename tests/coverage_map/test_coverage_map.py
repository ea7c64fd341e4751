"""Maps of local environments, and what colours them."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.distance import cdist

from maxvolt import (
    ANI,
    MTP,
    ANISettings,
    Calculator,
    DataError,
    Dataset,
    Ensemble,
    FitSettings,
    MaxvoltError,
    SpeciesError,
    fit,
)
from maxvolt.coverage import (
    atomic_quantities,
    coverage_map,
    embed,
    embedding,
    perfect_crystals,
    radius_averages,
)
from maxvolt.potentials import Potential
from maxvolt.properties import lattice_constant
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper, random_potential

MTP_OF_TWO_SPECIES = random_potential(8, ["Al", "Cu"], seed=3)


def rattled(kind: str, a: float, count: int, seed: int, size: int = 3) -> list[Atoms]:
    made = []
    for number in range(count):
        atoms = bulk("Al", kind, a=a, cubic=True) * (size, size, size)
        atoms.rattle(0.08, seed=seed + number)
        made.append(atoms)
    return made


def two_phases() -> tuple[Dataset, np.ndarray]:
    """Thermal fcc and bcc aluminium, and which atoms are fcc."""
    fcc, bcc = rattled("fcc", 4.05, 1, 1), rattled("bcc", 3.22, 2, 7)
    n_fcc, n_bcc = (sum(map(len, part)) for part in (fcc, bcc))
    return Dataset.from_atoms([*fcc, *bcc]), np.repeat([True, False], [n_fcc, n_bcc])


def purity(places: np.ndarray, phase: np.ndarray, neighbours: int = 10) -> float:
    """Share of the nearest neighbours in the map that are of the same phase."""
    distances = cdist(places, places)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :neighbours]
    return float((phase[near] == phase[:, None]).mean())


@cache
def fitted() -> Potential:
    """Level 10, fitted to both phases by EMT: basis functions of random radial ones say little."""
    structures = [*rattled("fcc", 4.05, 4, 20, size=2), *rattled("bcc", 3.22, 6, 30, size=2)]
    for atoms in structures:
        atoms.calc = EMT()
    untrained = MTP(10, ["Al"], cutoff=5.0, min_dist=2.0, radial_basis_size=8)
    settings = FitSettings(starts=1, max_iterations=15)
    labelled = Dataset.from_atoms([with_labels(atoms) for atoms in structures])
    return fit(untrained, labelled, settings=settings).potential


def with_labels(atoms: Atoms) -> Atoms:
    labelled = atoms.copy()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    labelled.calc = SinglePointCalculator(labelled, energy=energy, forces=forces)
    return labelled


def potential_of(family: str) -> Potential:
    if family == "mtp":
        return fitted()
    needs("ani")
    settings = ANISettings(layers=(24, 16), radial_cutoff=5.0, angular_cutoff=4.0)
    return ANI.random(["Al"], settings, seed=1)


@pytest.mark.parametrize("family", ["mtp", "ani"])
def test_phases_separate_and_crystals_lie_among_their_phase(family):
    needs("map")
    dataset, phase = two_phases()
    crystals = {"fcc": bulk("Al", "fcc", a=4.05), "bcc": bulk("Al", "bcc", a=3.22)}
    found = coverage_map(potential_of(family), dataset, crystals=crystals, perplexity=20)
    assert len(found.places) == dataset.n_atoms
    shuffled = purity(found.places, np.random.default_rng(0).permutation(phase))
    assert purity(found.places, phase) > 0.95
    assert shuffled < 0.6
    for marker in found.markers:
        nearest = np.argsort(np.linalg.norm(found.places - marker.places[0], axis=1))[:10]
        assert (phase[nearest] == (marker.name == "fcc")).mean() > 0.85, marker.name


def test_averages_are_those_of_every_pair():
    generator = np.random.default_rng(0)
    points, values = generator.normal(size=(200, 2)), generator.normal(size=200)
    values[::7] = np.nan
    points[0] = 50.0  # alone, without a value
    expected = []
    for point in points:
        near = np.linalg.norm(points - point, axis=1) <= 0.3
        kept = values[near][~np.isnan(values[near])]
        expected.append(kept.mean() if len(kept) else np.nan)
    found = radius_averages(points, values, 0.3)
    assert np.isnan(found[0])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(
        radius_averages(points, values, 1e3), np.full(200, np.nanmean(values)), rtol=1e-12
    )
    assert np.isnan(radius_averages(points, np.full(200, np.nan), 1.0)).all()


@pytest.mark.parametrize("count", [1, 2])
def test_atomic_numbers_sum_to_those_of_structures(count):
    potential = MTP_OF_TWO_SPECIES
    if count == 2:
        potential = Ensemble((potential, random_potential(8, ["Cu", "Al"], seed=4)))
    alloy, cluster = rattled("fcc", 4.05, 1, 5, size=2)[0], rattled("fcc", 4.05, 1, 6, size=2)[0]
    alloy.symbols[::3] = "Cu"
    cluster.pbc = [True, True, False]
    labelled = alloy.copy()
    forces = np.random.default_rng(1).normal(size=(len(alloy), 3))
    labelled.calc = SinglePointCalculator(labelled, energy=0.0, forces=forces)
    dataset = Dataset.from_atoms([alloy, cluster, labelled])
    found = atomic_quantities(potential, dataset)
    for s, atoms in enumerate(dataset.to_atoms()):
        own = found.structures == s
        expected = potential.evaluate(atoms)
        assert found.energies[own].sum() == pytest.approx(expected.energy, rel=1e-12)
        if expected.stress is None:
            assert np.isnan(found.stresses[own]).all()
        else:
            np.testing.assert_allclose(
                found.stresses[own].mean(axis=0), expected.stress, atol=1e-12
            )
    of_labelled = np.linalg.norm(potential.evaluate(alloy).forces - forces, axis=1)
    np.testing.assert_allclose(found.force_errors[found.structures == 2], of_labelled, rtol=1e-9)
    assert np.isnan(found.force_errors[found.structures < 2]).all()


def test_drawn_atoms_have_the_numbers_of_all_atoms():
    dataset, _ = two_phases()
    potential = potential_of("mtp")
    every = atomic_quantities(potential, dataset)
    drawn = np.array([3, 77, 110, 150])
    some = atomic_quantities(potential, dataset, drawn)
    np.testing.assert_array_equal(some.atoms, drawn)
    np.testing.assert_array_equal(some.structures, every.structures[drawn])
    for name in ("features", "energies", "stresses"):
        np.testing.assert_allclose(getattr(some, name), getattr(every, name)[drawn], rtol=1e-12)


def test_features_of_moment_tensors_make_their_energies():
    potential = MTP_OF_TWO_SPECIES
    atoms = rattled("fcc", 4.05, 1, 5, size=2)[0]
    atoms.symbols[::3] = "Cu"
    found = atomic_quantities(potential, Dataset.from_atoms([atoms]))
    model = potential.model
    linear = np.concatenate([model.species_coeffs, model.moment_coeffs])
    np.testing.assert_allclose(found.features @ linear, found.energies, rtol=1e-10)


def test_features_of_networks_are_what_their_first_layers_say():
    needs("ani")
    settings = ANISettings(layers=(7,), radial_cutoff=5.0, angular_cutoff=4.0)
    potential = ANI.random(["Al", "Cu"], settings, seed=1)
    atoms = rattled("fcc", 4.05, 1, 5, size=2)[0]
    atoms.symbols[::3] = "Cu"
    found = atomic_quantities(potential, Dataset.from_atoms([atoms]))
    assert found.features.shape == (32, 14)
    is_copper = atoms.numbers == 29
    assert not found.features[is_copper, :7].any()
    assert not found.features[~is_copper, 7:].any()
    # With one hidden layer, the energy is linear in them.
    for kind, symbol in enumerate(("Al", "Cu")):
        own = is_copper == bool(kind)
        weight = potential.weights[f"{symbol}.1.weight"][0]
        bias = potential.weights[f"{symbol}.1.bias"][0]
        expected = found.features[own, 7 * kind : 7 * kind + 7] @ weight + bias
        np.testing.assert_allclose(expected, found.energies[own], rtol=1e-10)


def test_the_first_member_of_an_ensemble_describes():
    first, second = random_potential(6, ["Al"], seed=1), random_potential(6, ["Al"], seed=2)
    dataset, _ = two_phases()
    atoms = np.arange(20)
    of_both = atomic_quantities(Ensemble((first, second)), dataset, atoms)
    of_first, of_second = (atomic_quantities(one, dataset, atoms) for one in (first, second))
    np.testing.assert_array_equal(of_both.features, of_first.features)
    mean = (of_first.energies + of_second.energies) / 2
    np.testing.assert_allclose(of_both.energies, mean, rtol=1e-12)


@pytest.mark.parametrize("library", ["openTSNE", "scikit-learn"])
def test_a_seed_makes_one_map(library):
    needs("map")
    dataset, phase = two_phases()
    asked = {"environments": 100, "perplexity": 10, "library": library, "iterations": [0, 1, 1]}
    first, again, other = (
        coverage_map(potential_of("mtp"), dataset, seed=seed, **asked) for seed in (1, 1, 2)
    )
    assert first.library == library
    np.testing.assert_array_equal(first.places, again.places)
    np.testing.assert_array_equal(first.quantities.atoms, again.quantities.atoms)
    assert not np.array_equal(first.quantities.atoms, other.quantities.atoms)
    assert purity(first.places, phase[first.quantities.atoms]) > 0.9


def test_a_map_as_json():
    needs("map")
    dataset, _ = two_phases()
    frame = rattled("fcc", 4.0, 1, 9, size=2)[0]
    found = coverage_map(
        potential_of("mtp"),
        dataset,
        environments=100,
        iterations=[0, 1, 2],
        frames={"small.xyz": frame},
        perplexity=10,
    )
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["environments"] == 100
    assert document["atoms"] == dataset.n_atoms
    assert np.shape(document["places"]) == (100, 2)
    assert set(document["values"]) == {"iteration", "energy", "stress"}  # no forces are labelled
    assert document["values"]["iteration"] == document["structures"]
    (marker,) = document["markers"]
    assert (marker["name"], marker["kind"], len(marker["places"])) == ("small.xyz", "frame", 32)


def test_crystals_are_relaxed():
    crystals, notes = perfect_crystals(copper(), ["fcc"])
    assert notes == ()
    length = lattice_constant(Calculator(copper()), bulk("Cu", a=3.6, cubic=True)).value
    assert crystals["fcc Cu"].cell.lengths()[0] * np.sqrt(2) == pytest.approx(length, rel=1e-6)
    stress = copper().evaluate(crystals["fcc Cu"]).stress
    assert stress is not None
    np.testing.assert_allclose(stress, 0.0, atol=1e-5)


def test_crystals_without_a_minimum_are_told():
    crystals, notes = perfect_crystals(random_potential(6, ["Al"], seed=1), ["sc", "diamond"])
    assert len(crystals) + len(notes) == 2
    assert len(notes) > 0
    assert all(note.startswith(("sc Al: ", "diamond Al: ")) for note in notes)


def test_what_cannot_be_mapped(monkeypatch):
    needs("map")
    dataset, _ = two_phases()
    potential = potential_of("mtp")
    with pytest.raises(DataError, match=r"too few environments.*perplexity up to 5\.33"):
        coverage_map(potential, dataset.select(slice(0, 1)), environments=17)
    with pytest.raises(DataError, match="needs structures"):
        coverage_map(potential, Dataset.from_atoms([]))
    with pytest.raises(SpeciesError, match="Au"):
        coverage_map(potential, Dataset.from_atoms([bulk("Au", cubic=True) * (3, 3, 3)]))
    with pytest.raises(SpeciesError, match=r"frame 'gold'.*Au"):
        coverage_map(potential, dataset, frames={"gold": bulk("Au")})
    with pytest.raises(MaxvoltError, match="environments"):
        coverage_map(potential, dataset, environments=0)
    with pytest.raises(MaxvoltError, match="radius"):
        coverage_map(potential, dataset, radius=0.0)
    with pytest.raises(MaxvoltError, match="perplexity"):
        coverage_map(potential, dataset, perplexity=float("nan"))
    with pytest.raises(DataError, match="iterations"):
        coverage_map(potential, dataset, iterations=[1])
    with pytest.raises(MaxvoltError, match="library"):
        coverage_map(potential, dataset, library="umap")
    with pytest.raises(MaxvoltError, match="crystals"):
        perfect_crystals(potential, ["a15"])
    with pytest.raises(DataError, match="not finite"):
        embed(np.full((100, 3), np.nan), perplexity=5)
    with pytest.raises(DataError, match="zero"):
        embed(np.zeros((100, 3)), perplexity=5)
    broken = rattled("fcc", 4.05, 1, 1)[0]
    broken.positions[4, 1] = np.nan
    with pytest.raises(DataError):
        coverage_map(potential, Dataset.from_atoms([broken]), perplexity=5)
    monkeypatch.setattr(embedding, "available_libraries", lambda: ())
    with pytest.raises(MaxvoltError, match=r"pip install 'maxvolt\[map\]'"):
        coverage_map(potential, dataset)


def test_what_has_no_features_is_refused():
    from maxvolt.coverage.environments import describing

    class Nothing:
        species = ("Al",)

    with pytest.raises(MaxvoltError, match="does not describe"):
        describing(Nothing())  # type: ignore[arg-type]


def test_scikit_learn_stands_in_where_it_is_alone(monkeypatch):
    needs("map")
    monkeypatch.setattr(
        embedding.importlib.util, "find_spec", lambda name: None if name == "openTSNE" else name
    )
    assert embedding.library_for(None) == "scikit-learn"
    with pytest.raises(MaxvoltError, match="openTSNE, which is not installed"):
        embedding.library_for("openTSNE")
