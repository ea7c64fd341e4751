"""What one configuration of an MLIP ``.cfg`` file says, and nothing more.

The record keeps the numbers and conventions of the file: atom *types* instead of elements, and
the virial ``PlusStress`` (eV, positive under compression) instead of the stress.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.errors import DataError

__all__ = ["ATOM_FIELDS", "AtomField", "CfgConfiguration"]


@dataclass(frozen=True, slots=True)
class AtomField:
    """One per-atom quantity of the format.

    Parameters
    ----------
    attribute
        Its name in `CfgConfiguration`.
    columns
        Names of its columns in ``AtomData:``.
    tag
        Letter of its block in a binary file; None where that has no place for it.
    """

    attribute: str
    columns: tuple[str, ...]
    tag: str | None


# In the order in which the columns are written.
ATOM_FIELDS = (
    AtomField("site_energies", ("site_en",), "v"),
    AtomField("forces", ("fx", "fy", "fz"), "f"),
    AtomField("charges", ("charge",), "c"),
    AtomField("magmoms", ("magmom_x", "magmom_y", "magmom_z"), "m"),
    AtomField("magmom_derivatives", ("en_der_mx", "en_der_my", "en_der_mz"), "d"),
    AtomField("ghost", ("ghost",), "g"),
    AtomField("nbh_grades", ("nbh_grades",), None),
)
"""Optional per-atom quantities (positions, types and ids are always there)."""


@dataclass(frozen=True, slots=True, eq=False)
class CfgConfiguration:
    """One configuration; what is None is not in the file.

    Parameters
    ----------
    types : shape (N,), int32
        Atom types, from 0.
    positions : shape (N, 3), float64, Angstrom
        Cartesian positions.
    cell : shape (3, 3), float64, Angstrom
        Rows are lattice vectors; a zero row is a direction that does not repeat.
    energy : eV
    forces : shape (N, 3), float64, eV/Angstrom
    plus_stress : shape (6,), float64, eV
        Virial xx, yy, zz, yz, xz, xy: minus the volume times the stress.
    site_energies : shape (N,), float64, eV
    charges : shape (N,), float64
    magmoms : shape (N, 3), float64
    magmom_derivatives : shape (N, 3), float64
        Derivatives of the energy with respect to the magnetic moments.
    ghost : shape (N,), bool
        Atoms that are only there as neighbours of others.
    nbh_grades : shape (N,), float64
        Extrapolation grade of each neighbourhood.
    features
        Free texts by name.
    """

    types: NDArray[np.int32]
    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    energy: float | None = None
    forces: NDArray[np.float64] | None = None
    plus_stress: NDArray[np.float64] | None = None
    site_energies: NDArray[np.float64] | None = None
    charges: NDArray[np.float64] | None = None
    magmoms: NDArray[np.float64] | None = None
    magmom_derivatives: NDArray[np.float64] | None = None
    ghost: NDArray[np.bool_] | None = None
    nbh_grades: NDArray[np.float64] | None = None
    features: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.types)
        shapes: dict[str, tuple[int, ...]] = {
            "types": (n,),
            "positions": (n, 3),
            "cell": (3, 3),
            "plus_stress": (6,),
        }
        for atom_field in ATOM_FIELDS:
            shapes[atom_field.attribute] = (n, 3) if len(atom_field.columns) == 3 else (n,)
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and np.shape(array) != shape:
                raise DataError(f"{name} has shape {np.shape(array)}; expected {shape}")

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.types)

    @property
    def volume(self) -> float:
        """Cell volume in Angstrom^3; zero without a full cell."""
        return cell_volume(self.cell)
