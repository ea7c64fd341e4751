"""Long-range order and names of ordered structures."""

from __future__ import annotations

import json
import warnings
from functools import cache

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.lattice.compounds import B1, B2, L1_2
from ase.spacegroup import crystal
from hypothesis import given, settings
from hypothesis import strategies as st

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice import ParentLattice, Supercell, on_lattice
from maxvolt.properties.lattice.order import (
    PROTOTYPES,
    ConcentrationWaves,
    CubicSites,
    OrderedState,
    Sublattices,
    ordered_state,
)
from maxvolt.properties.lattice.order.concentration_waves import smith_form
from maxvolt.properties.lattice.order.prototypes import ROTATIONS
from promises import needs

SPECIES = ["Mo", "Nb", "Ta", "W"]
PARENTS = {
    "sc": ParentLattice.of(bulk("Po", "sc", a=3.0), SPECIES),
    "bcc": ParentLattice.of(bulk("W", "bcc", a=3.0), SPECIES),
    "fcc": ParentLattice.of(bulk("Cu", "fcc", a=4.0), SPECIES),
}
BCC = PARENTS["bcc"]
ALONG_111 = [(k / 4, k / 4, k / 4) for k in range(4)]


def tetragonal(
    symbols: list[str], places: list[tuple[float, ...]], number: int, a: float, c: float
) -> Atoms:
    return crystal(symbols, places, spacegroup=number, cellpar=[a, a, c, 90, 90, 90])


def cubic(symbols: str, number: int) -> Atoms:
    """Species along the diagonal of twice the cell of bcc, where their group puts them."""
    shown = {227: (0, 2), 225: (0, 1, 2), 216: (0, 1, 2, 3)}[number]
    named = [{"A": "Mo", "B": "Nb", "C": "Ta", "D": "W"}[symbols[k]] for k in shown]
    return tetragonal(named, [ALONG_111[k] for k in shown], number, 6.0, 6.0)


# From groups of symmetry, or as ASE builds them, with the group and what the name says.
CRYSTALS: dict[str, tuple[Atoms, int, str]] = {
    "B1": (B1(symbol=("Mo", "Nb"), latticeconstant=6.0), 225, "(Mo; Nb)"),
    "B2": (B2(symbol=("Mo", "Nb"), latticeconstant=3.0), 221, "(Mo; Nb)"),
    "B32": (cubic("AABB", 227), 227, "(Mo; Nb)"),
    "D0_3": (cubic("AABA", 225), 225, "(Mo; Nb)"),
    "L2_1": (cubic("BACA", 225), 225, "(Mo; Nb; Ta)"),
    "XA": (cubic("AABC", 216), 216, "(Mo; Nb; Ta)"),
    "Y": (cubic("ABCD", 216), 216, "(Mo; Nb; Ta; W)"),
    "B11": (tetragonal(["Mo", "Nb"], [(0, 0.5, 0.125), (0, 0.5, 0.625)], 129, 3.0, 6.0),
            129, "(Mo; Nb)"),
    "C11_b": (tetragonal(["Nb", "Mo"], [(0, 0, 0), (0, 0, 1 / 3)], 139, 3.0, 9.0), 139, "(Mo; Nb)"),
    "L1_0": (tetragonal(["Mo", "Nb"], [(0, 0, 0), (0.5, 0.5, 0.5)], 123, 8**0.5, 4.0), 123,
             "(Mo; Nb)"),
    "L1_1": (Atoms("MoNb", [(0, 0, 0), (0, 2, 2)], cell=[(2, -2, 0), (0, 2, -2), (4, 2, 2)],
                   pbc=True), 166, "(Mo; Nb)"),
    "L1_2": (L1_2(symbol=("Nb", "Mo"), latticeconstant=4.0), 221, "(Mo; Nb)"),
    "D0_22": (tetragonal(["Nb", "Mo", "Mo"], [(0, 0, 0), (0, 0, 0.5), (0, 0.5, 0.25)], 139,
                         4.0, 8.0), 139, "(Mo; Nb)"),
    "40": (tetragonal(["Nb", "Mo"], [(0, 0, 0), (0, 0, 0.5)], 141, 4.0, 8.0), 141, "(Mo; Nb)"),
    "MoPt2": (Atoms("MoNbNb", [(0, 0, 0), (2, 2, 0), (4, 4, 0)],
                    cell=[(6, 6, 0), (0, 0, 4), (4, 2, 2)], pbc=True), 71, "(Nb; Mo)"),
    "D1_a": (Atoms("NbMoMoMoMo", [(0, 0, 0), (2, 2, 0), (-2, 2, 0), (2, -2, 0), (-2, -2, 0)],
                   cell=[(6, 2, 0), (-2, 6, 0), (2, 4, 2)], pbc=True), 87, "(Mo; Nb)"),
}  # fmt: skip
LATTICE = {one.name: one.lattice for one in PROTOTYPES}


@cache
def arranged(name: str) -> tuple[ParentLattice, Supercell, np.ndarray]:
    """Supercell and occupation of a crystal whose cell is that of its order."""
    atoms = CRYSTALS[name][0].copy()
    parent = PARENTS[LATTICE[name]]
    if name == "L1_0":  # ASE's group has axes along <110>
        atoms.rotate(45, "z", rotate_cell=True)
    mapped = on_lattice(atoms, parent)
    return parent, mapped.supercell, mapped.occupation


def repeated(
    parent: ParentLattice, small: Supercell, occupation: np.ndarray, rotation: np.ndarray,
    shift: np.ndarray, least: int,
) -> tuple[Supercell, np.ndarray]:  # fmt: skip
    """The same order, turned and shifted, in a supercell of its repeated cell."""
    turn = np.rint(parent.cell @ rotation.T @ np.linalg.inv(parent.cell)).astype(int)
    times = int(np.ceil((least / small.n_cells) ** (1 / 3)))
    large = Supercell.of(times * small.vectors @ turn)
    back = np.rint(np.linalg.inv(turn)).astype(int)
    return large, occupation[small.numbers((large.offsets() + shift) @ back)]


@pytest.mark.parametrize("name", CRYSTALS)
def test_structures_of_other_sources_are_named(name: str) -> None:
    needs("lattice")
    from spglib import get_symmetry_dataset

    atoms, group, species = CRYSTALS[name]
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    with warnings.catch_warnings():  # spglib announces changes of its own
        warnings.simplefilter("ignore")
        assert get_symmetry_dataset(cell).number == group
    parent, small, occupation = arranged(name)
    found = ordered_state(parent, small, occupation)
    assert found.text == name + species
    assert sum(one.share for one in found.classes) == pytest.approx(1.0)
    for one in found.classes:
        assert sorted(one.occupations) == pytest.approx([0, 0, 0, 1])
        assert max(one.degrees) == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(list(CRYSTALS)), st.integers(0, 47), st.integers(0, 10**6))
def test_names_do_not_depend_on_place_orientation_or_noise(
    name: str, rotation: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    parent, small, occupation = arranged(name)
    snapshots = []
    for _ in range(3):  # variants by shifts, each with every tenth atom anywhere
        shift = generator.integers(0, 5, 3)
        large, one = repeated(parent, small, occupation, ROTATIONS[rotation], shift, 1500)
        wrong = generator.permutation(len(one))[: len(one) // 10]
        one = one.copy()
        one[wrong] = one[generator.permutation(wrong)]
        snapshots.append(one)
    found = ordered_state(parent, large, snapshots)
    assert found.text == name + CRYSTALS[name][2]
    degree = max(max(one.degrees) for one in found.classes)
    assert 0.85 < degree < 0.97


def test_domains_that_turn_are_one_order() -> None:
    parent, small, occupation = arranged("L1_0")
    cube = Supercell.of([[12, 0, 0], [0, 12, 0], [0, 0, 12]])
    snapshots = []
    for rotation in ROTATIONS[::7]:
        turn = np.rint(parent.cell @ rotation.T @ np.linalg.inv(parent.cell)).astype(int)
        back = np.rint(np.linalg.inv(turn)).astype(int)
        snapshots.append(occupation[small.numbers(cube.offsets() @ back)])
    assert ordered_state(parent, cube, snapshots).text == "L1_0(Mo; Nb)"


@pytest.mark.parametrize("size", [4, 6, 10])
@pytest.mark.parametrize("lattice", ["bcc", "fcc"])
def test_species_at_random_are_disordered(lattice: str, size: int) -> None:
    supercell = Supercell.of([size] * 3)
    generator = np.random.default_rng(size)
    found = [
        ordered_state(PARENTS[lattice], supercell, generator.integers(0, 4, size**3)).text
        for _ in range(20)
    ]
    assert found == ["disordered"] * 20
    several = generator.integers(0, 4, (10, size**3))
    assert ordered_state(PARENTS[lattice], supercell, several).text == "disordered"


def alloy(shares: np.ndarray, seed: int = 0) -> tuple[Supercell, np.ndarray]:
    """Species at random on the four sublattices of bcc along <111>, shares of each: (4, 4)."""
    supercell = Supercell.of([12, 12, 12])
    numbers = sublattice_along_111(supercell)
    generator = np.random.default_rng(seed)
    return supercell, np.array([generator.choice(4, p=shares[one]) for one in numbers])


def sublattice_along_111(supercell: Supercell) -> np.ndarray:
    halves = np.rint(supercell.offsets() @ BCC.cell / 1.5).astype(int)
    return np.asarray(halves.sum(axis=1) % 4)


def test_partial_order_of_four_species() -> None:
    # Mo and Ta order, Nb and W are everywhere.
    even, odd = [0.4, 0.25, 0.1, 0.25], [0.1, 0.25, 0.4, 0.25]
    supercell, occupation = alloy(np.array([even, odd, even, odd]))
    found = ordered_state(BCC, supercell, occupation)
    assert found.text == "B2(Mo; Ta)"
    degree = [one.degrees for one in found.classes]
    assert np.abs(degree[0][[0, 2]]) == pytest.approx(0.6, abs=0.08)
    assert np.abs(degree[0][[1, 3]]).max() < 0.1
    # Two species on each sublattice.
    even, odd = [0.4, 0.1, 0.1, 0.4], [0.1, 0.4, 0.4, 0.1]
    supercell, occupation = alloy(np.array([even, odd, even, odd]))
    assert ordered_state(BCC, supercell, occupation).text == "B2(Mo,W; Nb,Ta)"


def test_two_orders_at_once() -> None:
    # B2 of molybdenum and tantalum, B32 of niobium and tungsten.
    shares = [[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 0, 0.5, 0.5]]
    supercell, occupation = alloy(np.array(shares))
    found = ordered_state(BCC, supercell, occupation)
    assert found.structures == ("B2", "B32")
    assert found.text == "B2(Mo; Ta) + B32(Nb; W)"
    assert len(found.classes) == 4


def test_incomplete_order_has_the_name_of_its_symmetry() -> None:
    # D0_3 with its two sites of the majority unlike each other, as symmetry allows.
    most, less, least = [1, 0, 0, 0], [0.9, 0.1, 0, 0], [0.2, 0.8, 0, 0]
    supercell, occupation = alloy(np.array([most, less, most, least]))
    assert ordered_state(BCC, supercell, occupation).text == "D0_3(Mo; Nb)"
    average = [0.75, 0.25, 0, 0]  # neither is enriched there
    supercell, occupation = alloy(np.array([most, average, most, [0.25, 0.75, 0, 0]]))
    assert ordered_state(BCC, supercell, occupation).text == "D0_3(Mo; Nb)"


def test_layers_without_a_name() -> None:
    supercell = Supercell.of(6 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    heights = np.rint(supercell.offsets() @ BCC.cell / 1.5).astype(int)
    shift = np.array([[0.7, 0.3, 0, 0], [0, 0, 0.5, 0.5], [0.7, 0.3, 0, 0], [0.2, 0.8, 0, 0]])
    texts = set()
    for axis in range(3):
        generator = np.random.default_rng(axis)
        occupation = np.array(
            [generator.choice(4, p=shift[h % 4]) for h in heights[:, axis] + axis]
        )
        found = ordered_state(BCC, supercell, occupation)
        texts.add(found.text)
        assert found.structures == ("layered <100>",)
        assert found.n_sublattices == 4
    assert texts == {"layered <100> (Mo | Nb | Mo | Ta,W)"}


def test_many_layers_are_counted() -> None:
    supercell = Supercell.of(6 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    heights = np.rint(supercell.offsets() @ BCC.cell[:, 2:] / 1.5).astype(int)[:, 0] % 12
    # Caesium chloride of two pairs of species, in slabs one above the other.
    occupation = heights % 2 + 2 * (heights >= 6)
    assert ordered_state(BCC, supercell, occupation).text == "layered <100> (period of 12 layers)"


def test_what_is_not_known_and_what_separates() -> None:
    supercell = Supercell.of([12, 12, 12])
    halves = np.rint(supercell.offsets() @ BCC.cell / 1.5).astype(int)
    odd = (halves[:, 0] % 4 == 0) & (halves[:, 1] % 4 == 0)
    found = ordered_state(BCC, supercell, odd.astype(int))
    assert found.text == "not known"
    assert found.n_sublattices > 4
    phase = halves @ np.linalg.inv(supercell.vectors @ BCC.cell / 1.5)[:, 0]
    apart = np.cos(2 * np.pi * phase) > 0
    assert ordered_state(BCC, supercell, apart.astype(int)).text == "separated"


def test_structure_factors_are_sums_over_sites() -> None:
    parent = ParentLattice.of(bulk("W", "bcc", a=3.0, cubic=True), ["Mo", "Nb", "W"])
    supercell = Supercell.of([[3, 0, 1], [0, 4, 0], [0, 0, 2]])
    occupation = np.random.default_rng(0).integers(0, 3, 48)
    sites = CubicSites.of(parent, supercell)
    assert (sites.lattice, sorted(sites.order)) == ("bcc", list(range(48)))
    assert sites.axes == pytest.approx(3.0 * np.eye(3))
    waves = ConcentrationWaves(sites)
    vectors = waves.vectors(waves.numbers(np.arange(48)))
    assert len(np.unique(vectors.round(6), axis=0)) == 48
    places = (supercell.offsets()[:, None] + parent.places).reshape(-1, 3) @ parent.cell
    for species in range(3):
        phases = np.exp(-2j * np.pi * places @ vectors.T / 3.0)
        expected = phases[occupation == species].sum(axis=0) / 48
        assert np.abs(waves.amplitudes(occupation, species) - expected).max() < 1e-12


def test_peaks_of_b2_and_of_chance() -> None:
    supercell = Supercell.of([8, 8, 8])
    shift = supercell.offsets().sum(axis=1) % 2
    found = {one.star: one for one in ordered_state(BCC, supercell, shift).peaks}
    assert set(found) == {"(1 0 0)", "(1/2 1/2 1/2)", "(1/2 1/2 0)"}
    assert [found[star].arms for star in found] == [1, 2, 6]
    sharp = found["(1 0 0)"]
    assert sharp.shares[:2] == pytest.approx([1, 1])
    assert np.isnan(sharp.shares[2:]).all()
    assert sharp.structure_factor[:2, :2] == pytest.approx(128 * np.array([[1, -1], [-1, 1]]))
    assert sharp.cumulant == pytest.approx(2 / 3)
    # At random the factors are x_s (delta_st - x_t), and one real amplitude has the cumulant 0.
    generator = np.random.default_rng(1)
    many = np.array([generator.permutation(np.arange(512) % 2) for _ in range(2000)])
    found = {one.star: one for one in ordered_state(BCC, supercell, many).peaks}
    for star in found.values():
        expected = np.array([[0.25, -0.25], [-0.25, 0.25]]) * 512 / 511
        error = 0.25 * np.sqrt(2 / (2000 * star.arms / 2))
        assert star.structure_factor[:2, :2] == pytest.approx(expected, abs=4 * error)
    assert abs(found["(1 0 0)"].cumulant) < 0.12


def test_sublattices_of_a_given_cell() -> None:
    parent, small, occupation = arranged("L2_1")
    large = Supercell.of(3 * small.vectors)
    whole = occupation[small.numbers(large.offsets())]
    sublattices = Sublattices(parent, large, small)
    assert sublattices.count == small.n_cells
    assert sublattices.occupations(whole) == pytest.approx(np.eye(4)[occupation])
    with pytest.raises(SettingsError, match="whole ordered cells"):
        Sublattices(parent, Supercell.of([3, 3, 3]), small)


def test_states_are_kept_as_text() -> None:
    parent, small, occupation = arranged("D0_22")
    found = ordered_state(parent, small, occupation)
    again = OrderedState.from_dict(json.loads(json.dumps(found.to_dict())))
    assert json.dumps(again.to_dict()) == json.dumps(found.to_dict())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_smith_form_is_diagonal(seed: int) -> None:
    matrix = np.random.default_rng(seed).integers(-6, 7, (3, 3))
    if abs(np.linalg.det(matrix)) < 0.5:
        return
    diagonal, columns = smith_form(matrix)
    assert diagonal.prod() == abs(round(np.linalg.det(matrix)))
    assert (diagonal[1:] % diagonal[:-1] == 0).all()
    assert abs(round(np.linalg.det(columns))) == 1
    # U = D V^-1 M^-1 is whole.
    other = np.diag(diagonal) @ np.linalg.inv(columns) @ np.linalg.inv(matrix)
    assert np.abs(other - np.rint(other)).max() < 1e-6


def test_other_lattices_are_refused() -> None:
    hexagonal = ParentLattice.of(bulk("Ti", "hcp", a=2.9, c=4.6), ["Al", "Ti"])
    with pytest.raises(SettingsError, match="cubic lattice"):
        ordered_state(hexagonal, Supercell.of([2, 2, 2]), np.zeros(16, int))
    with pytest.raises(SettingsError, match="one species for each of 8 sites"):
        ordered_state(BCC, Supercell.of([2, 2, 2]), np.zeros(9, int))
