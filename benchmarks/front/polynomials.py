"""Polynomial potentials of pypolymlp, with its own fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

import maxvolt
from front.contest import Contest

__all__ = ["SIZES", "Polynomial", "fitted"]

Array = NDArray[np.float64]

SIZES: dict[str, dict[str, Any]] = {
    "pairs": {"feature_type": "pair", "model_type": 2, "max_p": 3, "n_gaussians": 8},
    "order 2": {"gtinv_order": 2, "gtinv_maxl": (4,), "model_type": 2, "max_p": 2,
                "n_gaussians": 6},
    "order 3": {"gtinv_order": 3, "gtinv_maxl": (4, 4), "model_type": 4, "max_p": 2,
                "n_gaussians": 7},
    "order 4": {"gtinv_order": 4, "gtinv_maxl": (6, 6, 2), "model_type": 4, "max_p": 2,
                "n_gaussians": 8},
}  # fmt: skip
"""Invariants, and polynomials of them: from simple to large."""

_BOUND = 5.0
"""eV: atoms are taken for bound by so much on average, which its weights want to know."""


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A trained potential."""

    parameters: int
    properties: Any
    shift: float
    """eV, for each atom."""

    def predict(self, atoms: Atoms) -> tuple[float, Array]:
        """Energy, eV, and forces, eV/A."""
        energy, forces, _ = self.properties.eval(_structure(atoms), use_openmp=False)
        return float(energy) + self.shift * len(atoms), np.asarray(forces).T

    def run(self, atoms: Atoms) -> Callable[[], object]:
        """An evaluation, neighbours included."""
        structure = _structure(atoms)
        return lambda: self.properties.eval(structure, use_openmp=False)


def _structure(atoms: Atoms) -> Any:
    from pypolymlp.core.data_format import PolymlpStructure  # type: ignore[import-not-found]

    return PolymlpStructure(
        axis=atoms.cell.array.T,
        positions=atoms.get_scaled_positions().T,
        n_atoms=[len(atoms)],
        elements=list(atoms.symbols),
        types=[0] * len(atoms),
    )


def fitted(contest: Contest, size: str) -> Polynomial:
    """Fit by ridge regression, with weights that its fit has built in, and without stresses."""
    from pypolymlp.calculator.properties import Properties  # type: ignore[import-not-found]
    from pypolymlp.mlp_dev.pypolymlp import Pypolymlp  # type: ignore[import-not-found]

    training = contest.training
    shift = float(np.mean(training.energies / training.counts)) + _BOUND
    program = Pypolymlp()
    program.set_params(
        elements=[contest.symbol],
        include_stress=False,
        cutoff=contest.case.cutoff,
        atomic_energy=(shift,),
        reg_alpha_params=(-4.0, 2.0, 7),
        **SIZES[size],
    )
    held_out = np.arange(0, len(training), 10)
    kept = np.setdiff1d(np.arange(len(training)), held_out)
    given: dict[str, Any] = {}
    for name, part in (("train", training.select(kept)), ("test", training.select(held_out))):
        given[f"{name}_structures"] = [_structure(atoms) for atoms in part]
        given[f"{name}_energies"] = part.energies
        given[f"{name}_forces"] = _forces(part)
    program.set_datasets_structures(**given)
    program.fit()
    return Polynomial(
        program.n_features, Properties(params=program.parameters, coeffs=[program.coeffs]), shift
    )


def _forces(dataset: maxvolt.Dataset) -> list[Array]:
    return [one.T for one in np.split(dataset.forces, np.cumsum(dataset.counts)[:-1])]
