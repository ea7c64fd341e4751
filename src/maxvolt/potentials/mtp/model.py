"""All numbers of a moment tensor potential, as the kernels take them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
from ase import units
from ase.data import atomic_numbers
from numpy.typing import NDArray
from scipy.sparse import csr_array

from maxvolt.compiled import _core
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.basis.radial import RadialBasis
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding.harmonic_layout import HarmonicLayout, harmonic_layout
from maxvolt.potentials.mtp.binding.layout import MomentLayout, moment_layout

__all__ = ["Model", "compile_model", "expansion_of", "species_numbers"]

_ENVELOPES = {"RBChebyshev": 0, "RBShapeev": 2}  # of core/model.hpp; all others are constant


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Basis and coefficients; C species, K radial functions, R radial basis functions, S scalars.

    Attributes
    ----------
    radial : RadialBasis
        phi_k(r).
    table : ContractionTable
        Moments and their contractions.
    radial_coeffs : shape (C, C, K, R)
        f_mu(r) of a pair (type of the atom, type of the neighbour) is
        scaling * sum_k radial_coeffs[.., mu, k] * phi_k(r).
    scaling : float
        Common factor of all radial functions.
    species_coeffs : shape (C,), eV
        Constant energy of an atom of each species.
    moment_coeffs : shape (S,), eV
        Coefficients of the scalars.
    numbers : shape (C,), int32
        Atomic numbers, for the repulsion.
    repulsion : ZBL or None
        Short-range pair repulsion added to the potential.
    """

    radial: RadialBasis
    table: ContractionTable
    radial_coeffs: NDArray[np.float64]
    scaling: float
    species_coeffs: NDArray[np.float64]
    moment_coeffs: NDArray[np.float64]
    numbers: NDArray[np.int32]
    repulsion: ZBL | None = None

    @property
    def n_species(self) -> int:
        """Number of species C."""
        return len(self.species_coeffs)

    @property
    def n_radial(self) -> int:
        """Number of radial coefficients, C * C * K * R."""
        return int(self.radial_coeffs.size)

    @property
    def scaled_radial_coeffs(self) -> NDArray[np.float64]:
        """Coefficients of the radial functions themselves, shape (C, C, K, R)."""
        return np.asarray(self.radial_coeffs * self.scaling)

    @property
    def n_parameters(self) -> int:
        """Radial, species and moment coefficients, in this order everywhere."""
        return self.n_radial + len(self.species_coeffs) + len(self.moment_coeffs)

    @property
    def parameters(self) -> NDArray[np.float64]:
        """All parameters as one vector, shape (n_parameters,)."""
        return np.concatenate([self.radial_coeffs.ravel(), self.species_coeffs, self.moment_coeffs])

    def digest(self) -> str:
        """Name the numbers of the model: models that differ in any have different digests."""
        radial, table = self.radial, self.table
        basis = (radial.kind, radial.min_dist, radial.max_dist, radial.size, table.n_moments)
        found = hashlib.sha256(repr((basis, self.scaling, self.repulsion)).encode())
        for array in (
            *(table.basic, table.products, table.scalars, self.numbers),
            *(self.radial_coeffs, self.species_coeffs, self.moment_coeffs),
        ):
            found.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    def frozen(self) -> Self:
        """Return a copy whose coefficients cannot be changed in place."""
        return replace(
            self,
            radial_coeffs=_frozen(self.radial_coeffs),
            species_coeffs=_frozen(self.species_coeffs),
            moment_coeffs=_frozen(self.moment_coeffs),
        )


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    copied = np.array(values, dtype=np.float64)
    copied.setflags(write=False)
    return copied


@lru_cache(maxsize=8)
def _layout(table: ContractionTable) -> MomentLayout:
    return moment_layout(table.basic, table.products, table.scalars, table.n_moments)


@lru_cache(maxsize=8)
def _harmonic_layout(table: ContractionTable) -> HarmonicLayout | None:
    plan = evaluation_plan(table)
    return None if plan is None else harmonic_layout(plan, _layout(table).moment_offsets)


def compile_model(model: Model, *, planned: bool = True) -> _core.Core:
    """Hand a model to the compiled core.

    Parameters
    ----------
    model
        The model.
    planned
        Evaluate by the plan where the table has one; else as the table stands.
    """
    plan = _harmonic_layout(model.table) if planned else None
    return _core.Core(
        radial=_radial_arrays(model),
        repulsion=_repulsion_arrays(model),
        moments=_layout(model.table).arrays(),
        species_coeffs=model.species_coeffs,
        moment_coeffs=model.moment_coeffs,
        plan=None if plan is None else plan.arrays(model.moment_coeffs),
    )


def expansion_of(model: Model) -> csr_array | None:
    """Scalars in the invariants of the evaluation plan, equation (33); None without a plan.

    Returns
    -------
    expansion : sparse, shape (S, number of invariants)
    """
    layout = _harmonic_layout(model.table)
    return None if layout is None else layout.expansion


def _radial_arrays(model: Model) -> _core.RadialArrays:
    radial, rule = model.radial, model.radial.recurrence
    with np.errstate(over="ignore"):  # evaluations say for which atom they are not finite
        scaled = model.scaled_radial_coeffs
    return _core.RadialArrays(
        n_species=model.n_species,
        n_mu=model.radial_coeffs.shape[2],
        radial_size=radial.size,
        envelope=_ENVELOPES.get(radial.kind.removesuffix("_repuls"), 1),
        clamp=radial.clamped,
        min_dist=radial.min_dist,
        cutoff=radial.max_dist,
        envelope_factor=radial.envelope_factor,
        slope=rule.slope,
        offset=rule.offset,
        recurrence=np.stack([rule.a, rule.b, rule.c]),
        radial_coeffs=scaled,
    )


def _repulsion_arrays(model: Model) -> _core.RepulsionArrays:
    zbl = model.repulsion
    return _core.RepulsionArrays(
        exponential_repulsion=model.radial.repulsive,
        zbl_inner=zbl.inner if zbl else 0.0,
        zbl_outer=zbl.outer if zbl else 0.0,
        zbl_coulomb=units.Hartree * units.Bohr,
        zbl_bohr=units.Bohr,
        zbl_charges=model.numbers.astype(float),
    )


def species_numbers(species: tuple[str, ...]) -> NDArray[np.int32]:
    """Atomic numbers of symbols."""
    return np.array([atomic_numbers[s] for s in species], dtype=np.int32)
