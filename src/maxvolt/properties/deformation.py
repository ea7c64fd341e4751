"""Homogeneously deformed copies of a structure and their relaxed stress."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.optimize import LBFGS
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.units import VOIGT

__all__ = [
    "InternalRelaxation",
    "deformed",
    "require_bulk",
    "require_interaction",
    "strain_tensor",
]

_PROBE = 0.01
"""Strain by which the energy of atoms that interact changes."""

_NO_ENERGY = 1e-10
"""eV/atom; a crystal of bulk modulus 1 GPa changes by 1e-5 under `_PROBE`."""


@dataclass(frozen=True, slots=True)
class InternalRelaxation:
    """How atoms are relaxed inside a fixed cell.

    Parameters
    ----------
    force_tolerance
        Largest force left on any atom, eV/Angstrom.
    max_steps
        Steps after which the relaxation counts as failed.
    """

    force_tolerance: float = 1e-3
    max_steps: int = 500

    def run(self, atoms: Atoms) -> None:
        """Relax the positions of `atoms` in place; no step is made where forces vanish.

        Raises
        ------
        MaxvoltError
            The forces did not fall below the tolerance.
        """
        optimizer = LBFGS(atoms, logfile=StringIO())
        if not optimizer.run(fmax=self.force_tolerance, steps=self.max_steps):
            left = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
            raise MaxvoltError(
                f"internal relaxation of {atoms.get_chemical_formula()}: after {self.max_steps} "
                f"steps a force of {left:.3g} eV/A is left (tolerance {self.force_tolerance:g}); "
                "raise max_steps or force_tolerance, or relax the structure first"
            )


def strain_tensor(component: int, amount: float) -> NDArray[np.float64]:
    """Symmetric strain with one Voigt component (xx yy zz yz xz xy).

    Parameters
    ----------
    component
        Voigt index, 0 to 5.
    amount
        Voigt strain: for shear the engineering strain, twice the tensor component.

    Returns
    -------
    strain : shape (3, 3), without unit
    """
    a, b = VOIGT[component]
    strain = np.zeros((3, 3))
    strain[a, b] += amount / 2
    strain[b, a] += amount / 2
    return strain


def deformed(
    atoms: Atoms,
    gradient: NDArray[np.float64],
    calculator: Calculator,
    relaxation: InternalRelaxation | None = None,
) -> Atoms:
    """Copy `atoms`, map every vector x to ``x @ gradient``, attach `calculator` and relax inside.

    Parameters
    ----------
    gradient : shape (3, 3)
        Deformation gradient; the identity leaves the structure as it is.
    relaxation
        How the atoms are relaxed in the deformed cell; None keeps them where the deformation
        put them.
    """
    copy: Atoms = atoms.copy()
    copy.set_cell(atoms.cell.array @ gradient, scale_atoms=True)
    copy.calc = calculator
    if relaxation is not None:
        relaxation.run(copy)
    return copy


def require_bulk(atoms: Atoms, purpose: str) -> None:
    """Refuse a structure without a cell periodic in three directions."""
    if len(atoms) == 0:
        raise DataError(f"{purpose}: expected a structure with atoms; this one has none")
    if not atoms.pbc.all() or atoms.cell.rank < 3:
        raise DataError(
            f"{purpose}: expected a cell periodic in three directions; this structure has "
            f"pbc {tuple(bool(p) for p in atoms.pbc)} and {atoms.cell.rank} lattice vectors: "
            "set atoms.pbc = True and give a full cell"
        )


def require_interaction(atoms: Atoms, calculator: Calculator, purpose: str) -> None:
    """Refuse a crystal whose energy does not change with its volume, so that it has no rest.

    Parameters
    ----------
    atoms
        The crystal; left unchanged.
    calculator
        Any ASE calculator.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        Its energy is the same at slightly less and more volume.
    """
    energies = [
        deformed(atoms, (1 + strain) * np.eye(3), calculator).get_potential_energy() / len(atoms)
        for strain in (-_PROBE, 0.0, _PROBE)
    ]
    if np.ptp(energies) < _NO_ENERGY:
        raise DataError(
            f"{purpose}: the atoms do not interact: at {atoms.get_volume() / len(atoms):.4g} "
            "A^3/atom the energy does not change with the volume; give a structure whose atoms are "
            "nearer than the cutoff of the calculator, best near equilibrium"
        )
