from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebvander
from scipy.special import eval_jacobi

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES, RadialBasis
from maxvolt.potentials.mtp.files.access import PotentialFile, read_potential_file

LOW, HIGH = 2.3, 5.0
INSIDE = np.linspace(LOW + 0.01, HIGH - 0.01, 40)
BELOW = np.linspace(0.8, LOW - 0.01, 20)


@pytest.mark.parametrize("kind", RADIAL_BASIS_TYPES)
@pytest.mark.parametrize("size", [1, 2, 12])
def test_derivatives_agree_with_finite_differences(kind: str, size: int) -> None:
    basis = RadialBasis(kind, LOW, HIGH, size)
    step = 1e-5
    for r in (INSIDE, BELOW):
        phi, dphi = basis.evaluate(r)
        assert phi.shape == dphi.shape == (*r.shape, size)
        numeric = (basis.evaluate(r + step)[0] - basis.evaluate(r - step)[0]) / (2 * step)
        scale = np.abs(dphi).max(axis=0) + 1.0
        assert np.abs(numeric - dphi).max(axis=0) / scale == pytest.approx(0.0, abs=2e-7)
        energy, slope = basis.repulsion(r)
        numeric = (basis.repulsion(r + step)[0] - basis.repulsion(r - step)[0]) / (2 * step)
        np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-12)
        assert energy.shape == r.shape


def test_chebyshev_bases_are_chebyshev_polynomials() -> None:
    r = np.concatenate([BELOW, INSIDE])
    x = (2 * r - (LOW + HIGH)) / (HIGH - LOW)
    plain = RadialBasis("BChebyshev", LOW, HIGH, 9).evaluate(r)[0]
    np.testing.assert_allclose(plain, chebvander(x, 8), rtol=1e-12, atol=1e-12)
    smooth = RadialBasis("RBChebyshev", LOW, HIGH, 9).evaluate(r)[0]
    np.testing.assert_allclose(smooth, plain * (r[:, None] - HIGH) ** 2, rtol=1e-12, atol=1e-12)


def test_taylor_basis_is_powers() -> None:
    phi, dphi = RadialBasis("RBTaylor", LOW, HIGH, 5).evaluate([2.5, 3.0])
    np.testing.assert_allclose(phi[1], [1, 3, 9, 27, 81], rtol=1e-14)
    np.testing.assert_allclose(dphi[1], [0, 1, 6, 27, 108], rtol=1e-14)


def test_shapeev_basis_is_scaled_jacobi_polynomials() -> None:
    r = np.concatenate([BELOW, INSIDE])
    n = np.arange(12)
    norm = np.sqrt((2 * n + 7) * (n + 6) / (8 * (n + 1) ** 3))
    x = (2 * r - (LOW + HIGH)) / (HIGH - LOW)
    envelope = (LOW / r * (HIGH - r) / (HIGH - LOW)) ** 2
    expected = norm * eval_jacobi(n, 5, 1, x[:, None]) * envelope[:, None]
    phi = RadialBasis("RBShapeev", LOW, HIGH, 12).evaluate(r)[0]
    np.testing.assert_allclose(phi, expected, rtol=1e-12, atol=1e-12)


def test_shapeev_basis_is_orthogonal() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(40)
    width = HIGH - LOW
    r = LOW + width * (nodes + 1) / 2
    phi = RadialBasis("RBShapeev", LOW, HIGH, 12).evaluate(r)[0]
    measure = weights * width / 2 * (r / LOW) ** 4 * (r - LOW) * (HIGH - r)
    overlap = np.einsum("i,ij,ik->jk", measure, phi, phi)
    expected = np.diag(width**3 / (8 * (np.arange(12) + 1.0) ** 2))
    np.testing.assert_allclose(overlap, expected, atol=1e-13)


@pytest.mark.parametrize("kind", ["RBChebyshev_repuls", "BChebyshev_repuls"])
def test_repulsive_bases_are_constant_below_min_dist(kind: str) -> None:
    basis = RadialBasis(kind, LOW, HIGH, 6)
    phi, dphi = basis.evaluate(BELOW)
    plain = RadialBasis(kind.removesuffix("_repuls"), LOW, HIGH, 6)
    np.testing.assert_array_equal(phi, np.tile(plain.evaluate(LOW)[0], (len(BELOW), 1)))
    assert not dphi.any()
    np.testing.assert_array_equal(basis.evaluate(INSIDE)[1], plain.evaluate(INSIDE)[1])


def test_only_one_kind_repels() -> None:
    for kind in RADIAL_BASIS_TYPES:
        energy = RadialBasis(kind, LOW, HIGH, 4).repulsion([1.0, LOW, 3.0])[0]
        if kind == "RBChebyshev_repuls":
            assert energy[0] == pytest.approx(1e4 * (1 - np.exp(-13.0)), rel=1e-14)
            assert not energy[1:].any()
        else:
            assert not energy.any()


@pytest.mark.parametrize(
    "arguments",
    [
        ("RBBessel", 2.0, 5.0, 8),
        ("RBChebyshev", 5.0, 5.0, 8),
        ("RBChebyshev", -1.0, 5.0, 8),
        ("RBChebyshev", 2.0, np.inf, 8),
        ("RBChebyshev", np.nan, 5.0, 8),
        ("RBChebyshev", 2.0, 5.0, 0),
        ("RBShapeev", 2.0, 5.0, 13),
        ("RBShapeev", 0.0, 5.0, 8),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, float, float, int]) -> None:
    with pytest.raises(MaxvoltError):
        RadialBasis(*arguments)


# MLIP sums powers of r for RBShapeev and loses eight digits of the highest function in forces.
@pytest.mark.parametrize(
    ("case", "energy_error", "force_error"),
    [
        ("L08_2sp", 1e-13, 1e-13),
        ("L08_2sp_RBChebyshev_repuls", 1e-13, 1e-13),
        ("L08_2sp_BChebyshev", 1e-13, 1e-13),
        ("L08_2sp_BChebyshev_repuls", 1e-13, 1e-13),
        ("L08_2sp_RBTaylor", 1e-13, 1e-13),
        ("L08_2sp_RBShapeev", 3e-10, 1e-7),
    ],
)
def test_energies_and_forces_of_mlip(
    shared: Path, case: str, energy_error: float, force_error: float
) -> None:
    folder = shared / "reference" / "mlip3" / "cases"
    potential = read_potential_file(folder / f"{case}.mtp")
    text = (folder / f"{case}.json").read_text()
    results = json.loads(text[text.index("{") :])["results"]
    structures = _read_structures(folder / "geom_2sp.cfg")
    assert len(structures) == len(results) == 4
    for (types, positions, cell), expected in zip(structures, results, strict=True):
        energies, forces = _evaluate(potential, types, positions, cell)
        np.testing.assert_allclose(energies, expected["site_energies"], rtol=energy_error)
        largest = np.abs(expected["forces"]).max()
        np.testing.assert_allclose(forces, expected["forces"], atol=force_error * largest)


def _read_structures(path: Path) -> list[tuple[Any, Any, Any]]:
    structures = []
    for block in path.read_text().split("BEGIN_CFG")[1:]:
        lines = [line.split() for line in block.splitlines()]
        first = [line[0] if line else "" for line in lines]
        n_atoms = int(lines[first.index("Size") + 1][0])
        start = first.index("AtomData:") + 1
        atoms = np.array(lines[start : start + n_atoms], dtype=float)
        cell = np.zeros((3, 3))
        if "Supercell" in first:
            start = first.index("Supercell") + 1
            cell = np.array(lines[start : start + 3], dtype=float)
        structures.append((atoms[:, 1].astype(int), atoms[:, 2:], cell))
    return structures


def _evaluate(p: PotentialFile, types: Any, positions: Any, cell: Any) -> tuple[Any, Any]:
    """Site energies and forces, term by term, with the basis under test."""
    basis = RadialBasis(p.radial_basis_type, p.min_dist, p.max_dist, p.radial_basis_size)
    images = np.array(list(np.ndindex(9, 9, 9))) - 4 if cell.any() else np.zeros((1, 3))
    mu, powers = p.alpha_index_basic[:, 0], p.alpha_index_basic[:, 1:]
    n_basic, rank = len(mu), powers.sum(axis=1)
    energies, forces = np.zeros(len(types)), np.zeros_like(positions)
    for i, position in enumerate(positions):
        vectors = (positions[None] + (images @ cell)[:, None] - position).reshape(-1, 3)
        r = np.linalg.norm(vectors, axis=1)
        near = np.flatnonzero((r < p.max_dist) & (r > 1e-9))
        vectors, r, j = vectors[near], r[near, None], near % len(types)
        coeffs = p.scaling * p.radial_coeffs[types[i], types[j]]
        f, df = (np.einsum("nmk,nk->nm", coeffs, x)[:, mu] for x in basis.evaluate(r[:, 0]))
        monomials = np.prod(vectors[:, None] ** powers, axis=2) / r**rank
        moments = np.zeros(p.alpha_moments_count)
        moments[:n_basic] = (f * monomials).sum(axis=0)
        for a, b, factor, target in p.alpha_index_times:
            moments[target] += factor * moments[a] * moments[b]
        adjoint = np.zeros_like(moments)
        adjoint[p.alpha_moment_mapping] = p.moment_coeffs
        for a, b, factor, target in p.alpha_index_times[::-1]:
            adjoint[a] += factor * adjoint[target] * moments[b]
            adjoint[b] += factor * adjoint[target] * moments[a]
        repulsion, slope = basis.repulsion(r[:, 0])
        energies[i] = p.species_coeffs[types[i]] + repulsion.sum()
        energies[i] += moments[p.alpha_moment_mapping] @ p.moment_coeffs
        along = slope[:, None] + ((df - rank * f / r) * monomials) @ adjoint[:n_basic, None]
        gradient = along * vectors / r
        for axis in range(3):
            lowered = np.maximum(powers - np.eye(3, dtype=int)[axis], 0)
            product = np.prod(vectors[:, None] ** lowered, axis=2) * powers[:, axis]
            gradient[:, axis] += (f * product / r**rank) @ adjoint[:n_basic]
        forces[i] += gradient.sum(axis=0)
        np.add.at(forces, j, -gradient)
    return energies, forces
