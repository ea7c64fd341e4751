"""Convex hulls against linear programs, and the cases in which there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import maxvolt
from maxvolt.errors import DataError
from maxvolt.properties import ConvexHull, convex_hull


def structure(formula: str, energy: float) -> Atoms:
    """Give a structure of a formation energy per atom; pure elements have -1, -2, ... eV."""
    pure = {"Al": -1.0, "Cu": -2.0, "Ni": -3.0, "Ti": -4.0}
    atoms = Atoms(formula, cell=[5, 5, 5], pbc=True)
    atoms.positions[:, 0] = np.arange(len(atoms))
    total = sum(pure[symbol] for symbol in atoms.symbols) + energy * len(atoms)
    atoms.calc = SinglePointCalculator(atoms, energy=total)
    return atoms


def hull(*given: tuple[str, float], **options: object) -> ConvexHull:
    return convex_hull([structure(*one) for one in given], **options)


def by_linear_program(compositions: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """Lowest energies of mixtures of all structures with each composition."""
    return np.array(
        [
            linprog(energies, A_eq=compositions.T, b_eq=one, bounds=(0, None)).fun
            for one in compositions
        ]
    )


def test_two_elements() -> None:
    found = hull(
        ("Al", 0.0), ("Al2", 0.02), ("Cu", 0.0), ("AlCu", -0.1), ("AlCu3", -0.02), ("Al3Cu", -0.05)
    )
    assert found.elements == ("Al", "Cu")
    assert found.ground_states == (2, 3, 0)  # what lies on a line of others is no corner
    np.testing.assert_allclose(found.formation_energies, [0, 0.02, 0, -0.1, -0.02, -0.05])
    np.testing.assert_allclose(found.distances, [0, 0.02, 0, 0, 0.03, 0], atol=1e-12)
    np.testing.assert_allclose(found.margins[1:], [0.1 - (0.02 + 0.05) / 2, 0.02])
    assert np.isnan(found.margins[0])  # there is no other copper
    assert np.isnan(found.errors).all()


@settings(deadline=None, max_examples=40)
@example(3, [(0, -0.5), (10, -0.5)])  # two facets in one plane
@given(
    st.integers(2, 4), st.lists(st.tuples(st.integers(0, 10**6), st.floats(-0.5, 0.5)), max_size=12)
)
def test_distances_are_those_of_a_linear_program(
    count: int, points: list[tuple[int, float]]
) -> None:
    symbols = ["Al", "Cu", "Ni", "Ti"][:count]
    given = [structure(symbol, 0.0) for symbol in symbols]
    for seed, energy in points:
        numbers = np.random.default_rng(seed).integers(0, 4, count)
        if numbers.any():
            formula = "".join(f"{s}{n}" for s, n in zip(symbols, numbers, strict=True) if n)
            given.append(structure(formula, energy))
    dataset = maxvolt.Dataset.from_atoms(given)
    found = convex_hull(dataset, errors=0.01)
    energies = dataset.energies / dataset.counts
    lowest = by_linear_program(found.compositions, energies)
    np.testing.assert_allclose(found.distances, energies - lowest, atol=1e-8)
    assert (found.distances > -1e-9).all()
    corners = list(found.ground_states)
    np.testing.assert_allclose(found.distances[corners], 0.0, atol=1e-9)
    np.testing.assert_allclose(found.errors[corners], 0.0, atol=1e-9)
    others = np.setdiff1d(np.arange(len(given)), corners)
    assert (found.errors[others] >= 0.01 - 1e-12).all()
    assert (found.errors[others] <= 0.01 * 2**0.5 + 1e-12).all()
    shuffled = np.random.default_rng(0).permutation(len(given))
    again = convex_hull(dataset.select(shuffled))
    np.testing.assert_allclose(again.distances, found.distances[shuffled], atol=1e-9)


@pytest.mark.parametrize("seed", [1, 17, 18])
def test_many_structures_in_one_plane(seed: int) -> None:
    """Of few different formation energies: some facets have no volume."""
    symbols = ("Al", "Cu", "Ni", "Ti")
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, 5, (30, 4))
    counts = counts[(counts > 0).sum(axis=1) > 1]
    given = [structure(symbol, 0.0) for symbol in symbols]
    for numbers, depth in zip(counts, generator.integers(1, 5, len(counts)), strict=True):
        formula = "".join(f"{s}{n}" for s, n in zip(symbols, numbers, strict=True) if n)
        given.append(structure(formula, -0.1 * depth))
    dataset = maxvolt.Dataset.from_atoms(given)
    found = convex_hull(dataset, errors=0.01)
    energies = dataset.energies / dataset.counts
    lowest = by_linear_program(found.compositions, energies)
    np.testing.assert_allclose(found.distances, energies - lowest, atol=1e-8)
    others = np.setdiff1d(np.arange(len(given)), found.ground_states)
    assert (found.errors[others] <= 0.01 * 2**0.5 + 1e-12).all()


def test_errors_propagate_through_the_corners() -> None:
    """Against what random errors do to the distance, while corners remain corners."""
    given = [("Al", 0.0), ("Cu", 0.0), ("AlCu", -0.2), ("Al3Cu", 0.05)]
    sigma = np.array([0.002, 0.003, 0.001, 0.004])
    expected = np.hypot(0.004, np.hypot(0.5 * 0.002, 0.5 * 0.001))
    found = hull(*given, errors=sigma)
    assert found.errors[3] == pytest.approx(expected)
    dataset = maxvolt.Dataset.from_atoms([structure(*one) for one in given])
    generator = np.random.default_rng(3)
    members = dataset.energies + dataset.counts * sigma * generator.normal(size=(4000, 4))
    spread = convex_hull(dataset, member_energies=members).errors
    assert spread[3] == pytest.approx(expected, rel=0.05)


def test_errors_that_belong_together() -> None:
    """Against what such errors do to the distance, while corners remain corners."""
    given = [("Al", 0.0), ("Cu", 0.0), ("AlCu", -0.2), ("Al3Cu", 0.05), ("AlCu3", 0.1)]
    generator = np.random.default_rng(4)
    factor = 0.002 * generator.normal(size=(5, 3))
    found = hull(*given, joint_errors=factor)
    mixed = factor[3] - 0.5 * factor[0] - 0.5 * factor[2]
    assert found.errors[3] == pytest.approx(np.linalg.norm(mixed))
    assert found.errors[:3].tolist() == [0.0, 0.0, 0.0]
    dataset = maxvolt.Dataset.from_atoms([structure(*one) for one in given])
    samples = generator.normal(size=(4000, 3)) @ factor.T
    members = dataset.energies + dataset.counts * samples
    spread = convex_hull(dataset, member_energies=members).errors
    np.testing.assert_allclose(found.errors[3:], spread[3:], rtol=0.05)


def test_what_all_structures_have_in_common_is_no_error_of_a_distance() -> None:
    given = [("Al", 0.0), ("Cu", 0.0), ("AlCu", -0.2), ("Al3Cu", 0.05)]
    np.testing.assert_allclose(hull(*given, joint_errors=[[0.01]] * 4).errors, 0.0, atol=1e-15)
    alone = hull(*given, joint_errors=np.diag([0.001, 0.002, 0.003, 0.004]))
    independent = hull(*given, errors=[0.001, 0.002, 0.003, 0.004])
    np.testing.assert_allclose(alone.errors, independent.errors)


def test_what_is_near() -> None:
    found = hull(("Al", 0.0), ("Cu", 0.0), ("AlCu", 0.01), ("Al3Cu", 0.1), errors=0.004)
    assert found.near(sigmas=4).tolist() == [0, 1, 2]
    assert found.near(within=0.2).tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match="sigmas or within"):
        found.near()
    with pytest.raises(DataError, match="sigmas need errors"):
        hull(("Al", 0.0), ("Cu", 0.0)).near(sigmas=4)


def test_duplicates_are_one_ground_state() -> None:
    found = hull(("Al", 0.0), ("Cu", 0.0), ("AlCu", -0.1), ("Al2Cu2", -0.1), ("Al", 0.0))
    assert len(found.ground_states) == 3
    np.testing.assert_allclose(found.distances, 0.0, atol=1e-12)
    assert found.margins[1] == pytest.approx(0.1)  # its copy is not what it competes with


def test_one_element() -> None:
    found = hull(("Al", 0.0), ("Al2", 0.03), ("Al4", 0.01), errors=0.002)
    assert found.ground_states == (0,)
    np.testing.assert_allclose(found.distances, [0.0, 0.03, 0.01], atol=1e-12)
    assert found.margins.tolist() == pytest.approx([0.01])
    assert found.errors[1] == pytest.approx(0.002 * 2**0.5)
    with pytest.raises(DataError, match="this has 1"):
        found.plot()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([("Al", 0.0), ("AlCu", -0.1)], "no structure of pure Cu"),
        ([("AlCu", 0.0), ("Al2Cu2", -0.1)], "no structure of pure Al"),
        ([], "there is none"),
    ],
)
def test_no_hull(given: list[tuple[str, float]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        hull(*given)


def test_structures_without_energy_are_named() -> None:
    bare = Atoms("Al", cell=[5, 5, 5], pbc=True)
    with pytest.raises(DataError, match=r"structure 1 \(and 0 more\) of 2"):
        convex_hull([structure("Al", 0.0), bare])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"errors": -1.0}, "at least 0"),
        ({"errors": [0.1, 0.2, 0.3]}, "one for each of 2"),
        ({"member_energies": [[1.0, 2.0]]}, "at least two members"),
        ({"member_energies": [[1.0], [2.0]]}, "expected shape"),
        ({"joint_errors": [[0.1]]}, r"shape \(2, directions\)"),
        ({"joint_errors": [0.1, 0.1]}, r"shape \(2, directions\)"),
        ({"joint_errors": [[0.1], [np.inf]]}, "finite"),
        ({"errors": 0.1, "joint_errors": [[0.1], [0.1]]}, "not both"),
        ({"errors": 0.1, "member_energies": [[1.0, 2.0]] * 2}, "not both"),
    ],
)
def test_errors_that_do_not_fit(options: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        hull(("Al", 0.0), ("Cu", 0.0), **options)


def test_pictures(tmp_path: Path) -> None:
    two = hull(("Al", 0.0), ("Cu", 0.0), ("AlCu", -0.1))
    (axes,) = two.plot(hull(("Cu", 0.0), ("Al", 0.0), ("AlCu", -0.08), ("Al3Cu", -0.06))).axes
    ((_, depth), (_, reference)) = (
        (line.get_label(), min(line.get_ydata())) for line in axes.lines
    )
    assert (depth, reference) == pytest.approx((-100.0, -80.0))
    assert axes.get_legend() is not None
    three = hull(("Al", 0.0), ("Cu", 0.0), ("Ni", 0.0), ("AlCuNi", -0.1), ("AlNi", 0.1))
    three.plot(three).savefig(tmp_path / "three.png")
    with pytest.raises(DataError, match="expected the elements Al, Cu"):
        two.plot(three)
    assert two.to_dict()["ground_states"] == list(two.ground_states)


def test_ground_states_are_near_however_small_the_errors() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        formulas = [f"Al{a}Cu{b}Ni{c}" for a, b, c in rng.integers(1, 5, (12, 3))]
        found = hull(
            *[(symbol, 0.0) for symbol in ("Al", "Cu", "Ni")],
            *[(formula, float(rng.normal(scale=0.3))) for formula in formulas],
            errors=0.0,
        )
        assert set(found.ground_states) <= set(found.near(sigmas=1.0).tolist())
        assert set(found.ground_states) <= set(found.near(within=0.0).tolist())
