"""New candidates, operators, and what a population keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.data import covalent_radii

from maxvolt.errors import DataError, SpeciesError
from maxvolt.properties import crystal_fingerprints
from maxvolt.sampling import StopReason
from maxvolt.sampling.repulsion import shortest_of
from maxvolt.search import Candidate, Population, SearchSettings, hopping
from maxvolt.search.candidates import Proposal
from maxvolt.search.compositions import compositions, counts_of, n_compositions, numbers_of
from maxvolt.search.evolution import Evolution
from maxvolt.search.hopping import Hopping
from maxvolt.search.operators import Operators, standard
from maxvolt.search.population import heights_of
from maxvolt.search.random_candidates import new_candidate
from maxvolt.search.randomness import Randomness
from maxvolt.search.seeds import check_seeds, misfit
from maxvolt.search.space_groups import space_group
from maxvolt.search.surface import carry_outermost
from promises import needs

ALLOY = SearchSettings(("Cu", "Pd"), (1, 6))
SILICON = SearchSettings(("Si",), (2, 8))


def candidate(number: int, atoms: Atoms, enthalpy: float, generation: int = 0) -> Candidate:
    return Candidate(
        *(number, generation, "random", (), StopReason.CONVERGED, "", 1, np.nan),
        *(atoms, enthalpy, enthalpy),
    )


def test_compositions():
    assert compositions(("A", "B"), (1, 2), None) == ((0, 1), (1, 0), (0, 2), (2, 0), (1, 1))
    assert compositions(("Al", "O"), (4, 15), {"Al": 2, "O": 3}) == ((2, 3), (4, 6), (6, 9))
    assert len(compositions(("A", "B", "C"), (4, 4), None)) == 15
    assert n_compositions(3, (4, 4)) == 15
    assert n_compositions(3, (2, 6)) == len(compositions(("A", "B", "C"), (2, 6), None))
    assert counts_of(("Pd", "Cu"), numbers_of(("Pd", "Cu"), (1, 3))) == (1, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"atoms": (3, 2)}, "atoms: expected 1 <= fewest <= most"),
        ({"atoms": (1, 4), "cluster": True}, "at least 2"),
        ({"formula": "CuZn"}, "name the same ones"),
        ({"formula": "Cu3Pd", "atoms": (5, 7)}, "no multiple of Cu3Pd has 5 to 7"),
        ({"formula": "Cu("}, "formula 'Cu\\('"),
        ({"method": "magic"}, "expected evolution, hopping, random"),
        ({"population": 0}, "population must be at least 1"),
        ({"random_share": 1.5}, "random_share: expected 0 to 1"),
        ({"volume": (20.0, 10.0)}, "volume: expected 0 < least"),
        ({"hop_temperature": 0.0}, "hop_temperature must be"),
        ({"niche": -0.1}, "niche must be a number of at least 0"),
        ({"pressure": 0.1, "cluster": True, "atoms": (2, 2)}, "no volume"),
        ({"seed": -1}, "seed must be 0"),
        ({"start_distance": -1.0}, "shortest distance"),
        ({"max_steps": 0}, "max_steps"),
        ({"species": tuple("BCNOFP"), "atoms": (1, 100)}, "1,705,904,745 compositions"),
    ],
)
def test_what_is_impossible_is_refused(given, words):
    with pytest.raises(DataError, match=words):
        SearchSettings(**{"species": ("Cu", "Pd"), "atoms": (1, 4), **given})


def test_elements_that_do_not_exist():
    with pytest.raises(SpeciesError):
        SearchSettings(("Xx",), (1, 4))


def test_random_crystals_have_what_was_asked_for():
    needs("search")
    found = {}
    for index in range(6):
        atoms, origin = new_candidate(ALLOY, (2, 4), [5, index])
        assert counts_of(("Cu", "Pd"), atoms.numbers) == (2, 4)
        assert (np.diff(atoms.numbers) >= 0).all()
        spheres = (4 / 3 * np.pi * covalent_radii[atoms.numbers] ** 3).sum()
        assert 1.2 <= atoms.get_volume() / spheres <= 3.5
        least = 0.75 * 2 * covalent_radii[29]
        assert shortest_of(atoms.positions, atoms.cell.array, atoms.pbc, 6.0) > least
        again, _ = new_candidate(ALLOY, (2, 4), [5, index])
        np.testing.assert_array_equal(again.positions, atoms.positions)
        found[origin] = space_group(atoms)
    assert len(found) > 4  # as many space groups
    # A crystal may happen to have more symmetry than it was made with, and never less.
    assert all(group not in ("", "P1 (1)") for origin, group in found.items() if "," in origin)


def test_without_symmetry_no_library_is_needed():
    settings = SearchSettings(("Si",), (2, 8), symmetry=False, volume=(18.0, 22.0))
    atoms, origin = new_candidate(settings, (8,), [1])
    assert origin == "random"
    assert 18.0 <= atoms.get_volume() / 8 <= 22.0


def test_a_cluster_that_begins_too_small_is_pushed_apart():
    settings = SearchSettings(("Ar",), (13, 13), cluster=True, volume=(1.0, 2.0))
    atoms, _ = new_candidate(settings, (13,), [0])
    distances = atoms.get_all_distances()[np.triu_indices(13, 1)]
    assert distances.min() > 0.75 * 2 * covalent_radii[18] - 1e-9
    assert not atoms.pbc.any()


def test_no_room_in_a_crystal():
    settings = SearchSettings(("Ar",), (4, 4), symmetry=False, volume=(1.0, 2.0))
    with pytest.raises(DataError, match="do not fit"):
        new_candidate(settings, (4,), [0])


def test_the_first_generation_begins_with_pure_elements_and_seeds():
    settings = SearchSettings(("Cu", "Pd"), (1, 3), symmetry=False, population=12)
    first = Randomness(settings).propose(0)
    kinds = [counts_of(("Cu", "Pd"), one.atoms.numbers) for one in first]
    assert set(kinds[:6]) == {(0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0)}
    assert set(kinds[6:]) == {(1, 1), (1, 2), (2, 1)}
    seeded = Randomness(settings, [bulk("Cu")]).propose(0)
    assert [one.origin for one in seeded] == ["seed"] + ["random"] * 11
    many = Randomness(settings, [bulk("Cu")] * 12).propose(0)
    assert [one.origin for one in many] == ["seed"] * 12 + ["random"] * 6
    assert len(Randomness(settings, [bulk("Cu")]).propose(1)) == 12


def test_seeds_are_of_the_kind_that_is_searched():
    alloy = SearchSettings(("Cu", "Pd"), (4, 8), formula="Cu3Pd", symmetry=False)
    ordered = bulk("Cu", cubic=True)
    ordered.symbols[0] = "Pd"
    twice = ordered.repeat((1, 1, 4))  # with more atoms than are searched
    assert misfit(alloy, ordered) == misfit(alloy, twice) == ""
    assert misfit(alloy, bulk("Cu", cubic=True)) == "is Cu4, not a multiple of Cu3Pd"
    assert misfit(alloy, bulk("Ag")) == "has Ag; Cu, Pd is searched"
    slab = ordered.copy()
    slab.pbc = (True, True, False)
    assert "not a crystal" in misfit(alloy, slab)
    clusters = SearchSettings(("Cu",), (4, 4), cluster=True)
    assert "not a cluster" in misfit(clusters, bulk("Cu"))
    with pytest.raises(DataError, match=r"structure 1 to begin with, .* not a crystal"):
        check_seeds(alloy, [ordered, slab])


@pytest.mark.parametrize("cluster", [False, True])
def test_operators_keep_the_composition_and_the_distances(cluster):
    needs("search")
    settings = SearchSettings(("Cu", "Pd"), (6, 6), cluster=cluster)
    made = [new_candidate(settings, (2, 4), [7, k])[0] for k in range(2)]
    operators = Operators(settings, np.random.default_rng(3))
    children = {
        "paired": operators.paired(*made),
        **{name: getattr(operators, name)(made[0]) for name in ("strained", "rattled", "permuted")},
    }
    for name, child in children.items():
        assert child is not None, name
        assert counts_of(("Cu", "Pd"), child.numbers) == (2, 4)
        assert child.pbc.all() != cluster
        kinds = child.numbers
        table = settings.distances[kinds[:, None], kinds]
        distances = child.get_all_distances(mic=not cluster) + 9 * np.eye(6)
        assert (distances > table - 1e-9).all(), name
        before = standard(made[0]).get_all_distances(mic=not cluster)
        assert np.abs(child.get_all_distances(mic=not cluster) - before).max() > 0.1
    if cluster:
        carried = operators.carried(made[0])
        assert counts_of(("Cu", "Pd"), carried.numbers) == (2, 4)
    other = operators.transmuted(made[0])
    assert sum(counts_of(("Cu", "Pd"), other.numbers)) == 6
    assert counts_of(("Cu", "Pd"), other.numbers) != (2, 4)
    assert Operators(SILICON, np.random.default_rng(0)).permuted(bulk("Si")) is None
    assert Operators(SILICON, np.random.default_rng(0)).transmuted(bulk("Si")) is None


def test_the_standard_cell_is_the_same_crystal():
    skew = bulk("Si", a=5.43)
    skew.set_cell(np.array([[1, 0, 0], [3, 1, 0], [2, -2, 1]]) @ skew.cell.array)
    made = standard(skew)
    assert made.get_volume() == pytest.approx(skew.get_volume(), rel=1e-12)
    assert made.cell.lengths().max() < 4.0
    assert made.get_distance(0, 1, mic=True) == pytest.approx(5.43 * 3**0.5 / 4)


def test_heights_are_distances_to_the_hull():
    """A and B at 0 and 0 eV, AB 0.3 below them: A3B on the line, AB2 above it."""
    counts = [(1, 0), (0, 2), (1, 1), (3, 1), (1, 2), (2, 0)]
    enthalpies = np.array([-1.0, -4.0, -3.6, 4 * -1.4, 3 * -1.8, -1.8])
    heights = heights_of(counts, enthalpies, cluster=False)
    at_quarter = 0.5 * (-1.0 + -1.8)
    at_two_thirds = -1.8 + (2 / 3 - 0.5) / 0.5 * -0.2
    expected = [0, 0, 0, -1.4 - at_quarter, -1.8 - at_two_thirds, 0.1]
    np.testing.assert_allclose(heights, expected, atol=1e-12)


def test_heights_without_a_pure_element_and_of_clusters():
    counts = [(1, 1), (2, 2), (1, 2)]
    energies = np.array([-2.0, -4.4, -6.0])
    heights = heights_of(counts, energies, cluster=False)
    np.testing.assert_allclose(heights, [0.1, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(heights_of(counts, energies, cluster=True), 0.0)


def test_a_population_holds_each_crystal_once():
    crystal, other = bulk("Si", a=5.43), bulk("Si", "bcc", a=3.1)
    members = [
        candidate(0, crystal.repeat((2, 1, 1)), 4 * -5.0),
        candidate(1, other, -4.5),
        candidate(2, crystal, 2 * -5.0),
    ]
    population = Population(SILICON).with_candidates(members)
    assert [one.number for one in population.members] == [2, 1]  # the smaller cell of the same
    np.testing.assert_allclose(population.heights, [0.0, 0.5])
    small = SearchSettings(("Si",), (2, 8), population=1)
    assert len(Population(small).with_candidates(members)) == 1
    unrelaxed = Candidate.of(
        3, 1, Proposal(other, "random"), _Outcome(other, StopReason.STEP_LIMIT), 0.0
    )
    assert not unrelaxed.is_relaxed
    assert len(population.with_candidates([unrelaxed])) == 2


class _Outcome:
    """As much of an outcome as a candidate looks at."""

    def __init__(self, atoms: Atoms, reason: StopReason) -> None:
        self.structure, self.reason = atoms, reason
        self.message, self.steps, self.grade = "", 500, float("nan")


def test_parents_of_different_size_meet_in_a_supercell():
    needs("search")
    small, large = bulk("Si", a=5.43), bulk("Si", "bcc", a=3.1).repeat((2, 2, 1))
    evolution = Evolution(SILICON)
    members = [candidate(0, small, 2 * -5.0), candidate(1, large, 4 * -4.6)]
    evolution.learn(members, Population(SILICON).with_candidates(members))
    ((mate, mother, father),) = evolution._mates(members[0])
    assert mate.number == 1
    assert len(mother) == len(father) == 4
    assert mother.get_volume() == pytest.approx(2 * small.get_volume())


def test_a_walker_that_cannot_hop_begins_anew_with_the_same_atoms(monkeypatch):
    """Enthalpies of other compositions do not compare, equation (93)."""
    settings = SearchSettings(("Cu", "Pd"), (1, 4), method="hopping", symmetry=False, population=1)
    walker = Hopping(settings)
    ordered = bulk("Cu", cubic=True)
    ordered.symbols[0] = "Pd"
    walker.learn([candidate(0, ordered, -10.0)], Population(settings))
    monkeypatch.setattr(hopping, "_hop", lambda *_: None)
    for generation in range(1, 6):
        (made,) = walker.propose(generation)
        assert made.origin == "random"
        assert counts_of(("Cu", "Pd"), made.atoms.numbers) == (3, 1)


def test_hops_upwards_are_accepted_as_boltzmann_says():
    """Equation (93): at a rise of kT ln 2, half of them."""
    settings = SearchSettings(("Si",), (2, 2), method="hopping", symmetry=False, population=1)
    rise = 8.617333e-5 * 3000.0 * np.log(2.0)
    atoms, accepted = bulk("Si"), 0
    for generation in range(1, 401):
        walker = Hopping(settings)
        before = candidate(0, atoms, -10.0)
        walker.learn([before], Population(settings))
        walker.learn([candidate(1, atoms, -10.0 + rise, generation)], Population(settings))
        accepted += walker._walkers[0].candidate.number == 1
    assert abs(accepted - 200) < 4 * np.sqrt(400 * 0.25)
    walker.learn([candidate(2, atoms, -11.0, 500)], Population(settings))
    assert walker._walkers[0].candidate.number == 2


def test_hops_adapt_until_half_of_them_are_accepted():
    """Equation (116), where a hop of length s is accepted with the probability 1 - s / 2.4."""
    settings = SearchSettings(("Si",), (2, 2), method="hopping", symmetry=False, population=1)
    walker, atoms = Hopping(settings), bulk("Si")
    walker.learn([candidate(0, atoms, 0.0)], Population(settings))
    generator, accepted = np.random.default_rng(0), []
    for number in range(1, 1001):
        lower = generator.random() < 1 - walker._walkers[0].stretch / 2.4
        accepted.append(lower)
        energy = walker._walkers[0].candidate.enthalpy + (-1.0 if lower else 1e3)
        one = replace(candidate(number, atoms, energy, number), origin="hop")
        walker.learn([one], Population(settings))
    assert np.mean(accepted) == pytest.approx(0.5, abs=0.04)
    before = walker._walkers[0].stretch
    exchange = replace(candidate(1001, atoms, -1e6, 1001), origin="exchanged")
    walker.learn([exchange], Population(settings))
    assert walker._walkers[0].stretch == before  # its length is none of an exchange
    for number in range(1002, 1100):
        one = replace(candidate(number, atoms, 0.0, number), origin="hop")
        walker.learn([one], Population(settings))
    assert walker._walkers[0].stretch == 0.5


def test_a_longer_hop_moves_atoms_farther():
    settings = SearchSettings(("Si",), (8, 8), symmetry=False, start_distance=0.1, hop_step=0.2)
    moves = []
    for stretch in (0.5, 1.5):
        atoms = bulk("Si", cubic=True)
        generator = np.random.default_rng(4)
        assert hopping._hop(settings, atoms, stretch, generator) == "hop"
        moves.append(atoms.get_scaled_positions() - bulk("Si", cubic=True).get_scaled_positions())
        strain = atoms.cell.array / 5.43 - np.eye(3)
        moves.append(strain)
    wrapped = [np.abs(move - np.round(move)) for move in moves]
    np.testing.assert_allclose(wrapped[3], 3 * wrapped[1], rtol=1e-9)
    assert wrapped[2].mean() == pytest.approx(3 * wrapped[0].mean(), rel=0.05)


def test_the_outermost_atoms_come_to_other_places_on_the_surface():
    settings = SearchSettings(("Ar",), (13, 13), cluster=True)
    atoms, _ = new_candidate(settings, (13,), [3])
    before = atoms.positions - atoms.positions.mean(axis=0)
    distances = np.linalg.norm(before, axis=1)
    center = atoms.positions.mean(axis=0)
    carry_outermost(atoms, np.random.default_rng(0), 2)
    moved = np.flatnonzero(np.linalg.norm(atoms.positions - center - before, axis=1) > 1e-9)
    assert set(moved) == set(np.argsort(distances)[-2:])
    lengths = np.linalg.norm(atoms.positions[moved] - center, axis=1)
    np.testing.assert_allclose(lengths, distances.max())


def test_parents_are_the_lowest_of_their_niches():
    """Equation (115), for chains of crystals that differ from one to the next by little."""
    settings = SearchSettings(("Si",), (2, 8), population=4)
    constants = np.linspace(5.2, 5.7, 11)
    members = [candidate(k, bulk("Si", a=a), 0.01 * k) for k, a in enumerate(constants)]
    fingerprints = crystal_fingerprints([one.atoms for one in members])
    step = np.abs(np.diff(fingerprints, axis=0)).max()
    apart = 2.5 * step
    population = Population(settings, niche=apart).with_candidates(members)
    taken = [one.number for one in population.members]
    assert taken[0] == 0
    assert len(taken) == 4
    assert taken == sorted(taken)
    rows = fingerprints[taken]
    for k in range(1, 4):
        assert (np.abs(rows[:k] - rows[k]).max(axis=1) > apart).all()
    left_out = set(range(taken[-1])) - set(taken)
    assert left_out
    for number in left_out:
        lower = [k for k in taken if k < number]
        assert np.abs(fingerprints[lower] - fingerprints[number]).max(axis=1).min() <= apart
    everything = Population(settings).with_candidates(members)
    assert [one.number for one in everything.members] == [0, 1, 2, 3]
    # A lower structure of a niche takes the place of the one that was there.
    lower = candidate(11, members[taken[1]].atoms, -1.0)
    assert population.with_candidates([lower]).members[0].number == 11
