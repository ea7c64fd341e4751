"""The kernels once more, in NumPy: slow, short, and what the compiled ones have to follow.

Equation numbers are those of docs/formulation. Everything is written for one atom (a site) and its
neighbours; derivatives are carried forward through the contraction table as truncated series, where
the compiled kernels accumulate them in reverse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.binding.kernels import Jacobian
from maxvolt.potentials.mtp.model import Model
from maxvolt.potentials.results import Energies
from maxvolt.units import VOIGT

__all__ = [
    "Site",
    "atomic_virials",
    "directional_gradient",
    "evaluate",
    "jacobian",
    "site",
    "site_gradients",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Energy of one atom and its derivatives; n neighbours, P parameters.

    Attributes
    ----------
    energy : float, eV
    gradient : shape (n, 3), eV/Angstrom
        dE/dr_ij.
    parameters : shape (P,)
        dE/dp.
    mixed : shape (n, 3, P)
        d^2 E/dr_ij dp.
    """

    energy: float
    gradient: Array
    parameters: Array
    mixed: Array


@dataclass(slots=True, eq=False)
class _Series:
    """Moments with derivatives by positions (q), by radial coefficients (p), and mixed ones."""

    value: Array  # (m,)
    by_q: Array  # (m, Q)
    by_p: Array  # (m, P)
    mixed: Array  # (m, Q, P)


def _angular(exponents: NDArray[np.int32], r: Array) -> tuple[Array, Array]:
    """u^n for each basic moment and neighbour, shape (B, n), and its gradient, shape (B, n, 3)."""
    length = np.linalg.norm(r, axis=1)
    u = r / length[:, None]
    value = np.prod(u[None] ** exponents[:, None, :], axis=2)
    by_u = np.empty((*value.shape, 3))
    for a in range(3):
        lowered = exponents.copy()
        lowered[:, a] = np.maximum(lowered[:, a] - 1, 0)
        by_u[..., a] = exponents[:, a, None] * np.prod(u[None] ** lowered[:, None, :], axis=2)
    projector = (np.eye(3) - u[:, :, None] * u[:, None, :]) / length[:, None, None]
    return value, np.einsum("bna,nac->bnc", by_u, projector)


def _basic_moments(model: Model, type_i: int, types: NDArray[np.int32], r: Array) -> _Series:
    """Equations (3) and (5): M_b = sum_j s sum_k c_k phi_k(r_j) u_j^n."""
    basic = model.table.basic
    n_basic, n, (_, c, k_mu, size) = len(basic), len(r), model.radial_coeffs.shape
    length = np.linalg.norm(r, axis=1)
    phi, dphi = model.radial.evaluate(length)
    inside = length < model.radial.max_dist
    phi, dphi = phi * inside[:, None], dphi * inside[:, None]
    by_r = dphi[:, :, None] * (r / length[:, None])[:, None, :]  # (n, k, 3)
    angular, by_angle = _angular(basic[:, 1:], r)
    coeffs = model.scaling * model.radial_coeffs[type_i, types][:, basic[:, 0]]  # (n, B, k)
    f = np.einsum("nbk,nk->bn", coeffs, phi)
    df = np.einsum("nbk,nka->bna", coeffs, by_r)
    # phi_k u^n and its gradient are the derivatives by the radial coefficients.
    term = model.scaling * np.einsum("nk,bn->bnk", phi, angular)
    term_by_r = model.scaling * (
        np.einsum("nka,bn->bnak", by_r, angular) + np.einsum("nk,bna->bnak", phi, by_angle)
    )
    by_p = np.zeros((n_basic, c, k_mu, size))
    mixed = np.zeros((n_basic, n, 3, c, k_mu, size))
    for b, mu in enumerate(basic[:, 0]):
        for j, t in enumerate(types):
            by_p[b, t, mu] += term[b, j]
            mixed[b, j, :, t, mu] += term_by_r[b, j]
    return _Series(
        (f * angular).sum(axis=1),
        (df * angular[..., None] + f[..., None] * by_angle).reshape(n_basic, 3 * n),
        by_p.reshape(n_basic, c * k_mu * size),
        mixed.reshape(n_basic, 3 * n, c * k_mu * size),
    )


def _contract(table: ContractionTable, basic: _Series) -> _Series:
    """Fill in all moments: M[i3] += factor * M[i0] * M[i1], with derivatives."""

    def extended(a: Array) -> Array:
        return np.concatenate([a, np.zeros((table.n_moments - len(a), *a.shape[1:]))])

    m = _Series(*(extended(a) for a in (basic.value, basic.by_q, basic.by_p, basic.mixed)))
    for a, b, factor, target in table.products.tolist():
        m.value[target] += factor * m.value[a] * m.value[b]
        m.by_q[target] += factor * (m.value[a] * m.by_q[b] + m.by_q[a] * m.value[b])
        m.by_p[target] += factor * (m.value[a] * m.by_p[b] + m.by_p[a] * m.value[b])
        m.mixed[target] += factor * (
            m.value[a] * m.mixed[b]
            + m.mixed[a] * m.value[b]
            + np.multiply.outer(m.by_q[a], m.by_p[b])
            + np.multiply.outer(m.by_q[b], m.by_p[a])
        )
    return m


def _pair_repulsion(
    model: Model, type_i: int, types: NDArray[np.int32], r: Array
) -> tuple[float, Array]:
    """Energy that one atom owns of its pair repulsions, and its gradient, shape (n, 3)."""
    length = np.linalg.norm(r, axis=1)
    value, slope = model.radial.repulsion(length)
    if model.repulsion is not None:
        z = model.numbers
        energy, derivative = model.repulsion.evaluate(
            np.full(len(types), z[type_i]), z[types], length
        )
        value, slope = value + 0.5 * energy, slope + 0.5 * derivative
    return float(value.sum()), slope[:, None] * r / length[:, None]


def site(model: Model, type_i: int, types: NDArray[np.int32], r: Array) -> Site:
    """Energy of one atom, equation (2), with derivatives by positions and parameters.

    Parameters
    ----------
    model
        The potential.
    type_i
        Species index of the atom.
    types : shape (n,), int32
        Species indices of its neighbours.
    r : shape (n, 3), Angstrom
        Vectors to the neighbours, all shorter than the cutoff.
    """
    moments = _contract(model.table, _basic_moments(model, type_i, types, r))
    scalars, xi, c = model.table.scalars, model.moment_coeffs, model.n_species
    repulsion, repulsion_gradient = _pair_repulsion(model, type_i, types, r)
    per_type = model.n_radial // c
    own = slice(type_i * per_type, (type_i + 1) * per_type)
    parameters = np.zeros(model.n_parameters)
    mixed = np.zeros((3 * len(r), model.n_parameters))
    parameters[own] = xi @ moments.by_p[scalars]
    mixed[:, own] = np.tensordot(xi, moments.mixed[scalars], axes=1)
    parameters[model.n_radial + type_i] = 1.0
    parameters[model.n_radial + c :] = moments.value[scalars]
    mixed[:, model.n_radial + c :] = moments.by_q[scalars].T
    return Site(
        float(model.species_coeffs[type_i] + xi @ moments.value[scalars] + repulsion),
        (xi @ moments.by_q[scalars]).reshape(-1, 3) + repulsion_gradient,
        parameters,
        mixed.reshape(len(r), 3, model.n_parameters),
    )


def _sites(
    model: Model, neighborhoods: Neighborhoods
) -> list[tuple[NDArray[np.int32], Array, Site]]:
    """Neighbours, vectors and site of every atom."""
    out = []
    owners, neighbors, shifts = neighborhoods.pairs.both_ways()
    for i in range(neighborhoods.n_atoms):
        entries = slice(*np.searchsorted(owners, [i, i + 1]))
        j = neighbors[entries]
        translation = shifts[entries] @ neighborhoods.cells[neighborhoods.structures[i]]
        r = neighborhoods.positions[j] + translation - neighborhoods.positions[i]
        near = np.linalg.norm(r, axis=1) < model.radial.max_dist
        out.append(
            (
                j[near],
                r[near],
                site(model, int(neighborhoods.types[i]), neighborhoods.types[j[near]], r[near]),
            )
        )
    return out


def evaluate(model: Model, neighborhoods: Neighborhoods) -> Energies:
    """Energies, forces and virials, equations (1) and (13)."""
    forces = np.zeros((neighborhoods.n_atoms, 3))
    virials = np.zeros((neighborhoods.n_structures, 6))
    sites = _sites(model, neighborhoods)
    for i, (j, r, found) in enumerate(sites):
        forces[i] += found.gradient.sum(axis=0)
        np.subtract.at(forces, j, found.gradient)
        strain = found.gradient.T @ r
        virials[neighborhoods.structures[i]] += [strain[a, b] for a, b in VOIGT]
    return Energies(np.array([s.energy for _, _, s in sites]), forces, virials)


def atomic_virials(model: Model, neighborhoods: Neighborhoods) -> Array:
    """Share of each atom in the virial, equation (13a), shape (N, 3, 3)."""
    shares = np.zeros((neighborhoods.n_atoms, 3, 3))
    for j, r, found in _sites(model, neighborhoods):
        np.add.at(shares, j, r[:, :, None] * found.gradient[:, None, :])
    return shares


def site_gradients(model: Model, neighborhoods: Neighborhoods) -> Array:
    """Gradient of every site energy by all parameters, equations (17) and (18), shape (N, P)."""
    rows = [s.parameters for _, _, s in _sites(model, neighborhoods)]
    return np.array(rows).reshape(neighborhoods.n_atoms, model.n_parameters)


def jacobian(model: Model, neighborhoods: Neighborhoods) -> Jacobian:
    """Derivatives of energies, forces and virials by all parameters."""
    rows = Jacobian.zeros(neighborhoods, model.n_parameters)
    energies, forces, virials = rows.energies, rows.forces, rows.virials
    for i, (j, r, found) in enumerate(_sites(model, neighborhoods)):
        energies[neighborhoods.structures[i]] += found.parameters
        forces[i] += found.mixed.sum(axis=0)
        np.subtract.at(forces, j, found.mixed)
        strain = np.einsum("nap,nb->abp", found.mixed, r)
        virials[neighborhoods.structures[i]] += np.array([strain[a, b] for a, b in VOIGT])
    return rows


def directional_gradient(
    model: Model,
    neighborhoods: Neighborhoods,
    energy_weights: Array,
    displacements: Array,
    strains: Array,
) -> Array:
    """Gradient by the parameters of sum_s w_s E_s + dE(displacements, strains), shape (P,)."""
    gradient = np.zeros(model.n_parameters)
    for i, (j, r, found) in enumerate(_sites(model, neighborhoods)):
        s = neighborhoods.structures[i]
        direction = displacements[j] - displacements[i] + r @ strains[s].T
        gradient += energy_weights[s] * found.parameters
        gradient += np.einsum("na,nap->p", direction, found.mixed)
    return gradient
