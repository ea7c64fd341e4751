"""Crystals of one element: what a structure is, the same at rest, and cells that suit a cutoff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.data import atomic_numbers, reference_states
from numpy.typing import NDArray
from scipy.optimize import minimize

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.neighbors import build_neighbors
from maxvolt.properties.deformation import require_bulk, require_interaction
from maxvolt.properties.lattice_constant import lattice_constant
from maxvolt.properties.shells import interaction_cutoff

__all__ = [
    "DENSE_RATIO",
    "ElementalCrystal",
    "has_stress",
    "length_by_volume",
    "reach_of",
    "repeats",
    "resting_crystal",
]

_ATOMS = {"fcc": 4, "bcc": 2, "sc": 1, "diamond": 8}
"""Of the cubic cell."""

DENSE_RATIO = 1.633
"""Of the axes of an hcp crystal of dense spheres."""

_UNKNOWN_REACH = 6.0
"""Cutoff in Angstrom that is assumed where a calculator does not say its own."""

_STRAIN_TOLERANCE = 1e-7
_LARGEST_STRAIN = 0.15
"""A hexagonal crystal whose lengths change by more was not near equilibrium."""


@dataclass(frozen=True, slots=True)
class ElementalCrystal:
    """A crystal of one element.

    Attributes
    ----------
    symbol
        Of the element.
    kind
        fcc, bcc, sc, diamond or hcp.
    a : Angstrom
        Lattice constant; of a cubic crystal that of the cubic cell.
    c : Angstrom or None
        Of a hexagonal crystal.
    """

    symbol: str
    kind: str
    a: float
    c: float | None = None

    @classmethod
    def of(cls, atoms: Atoms, purpose: str) -> ElementalCrystal:
        """Recognise a structure by its neighbours.

        Raises
        ------
        DataError
            It is no such crystal.
        """
        require_bulk(atoms, purpose)
        symbols = sorted(set(atoms.get_chemical_symbols()))
        if len(symbols) > 1:
            raise DataError(
                f"{purpose}: expected a crystal of one element; this one has {', '.join(symbols)}"
            )
        volume = atoms.get_volume() / len(atoms)
        kinds = {_kind_of(vectors) for vectors in _first_neighbours(atoms)}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is None:
            raise DataError(
                f"{purpose}: expected an fcc, bcc, sc, hcp or diamond crystal; the neighbours of "
                f"the atoms of this structure ({atoms.get_chemical_formula()}) are those of none: "
                "give a perfect crystal, for instance ase.build.bulk('Al')"
            )
        if kind != "hcp":
            return cls(symbols[0], kind, float((_ATOMS[kind] * volume) ** (1 / 3)))
        a = float(np.mean([_basal_distance(vectors) for vectors in _first_neighbours(atoms)]))
        return cls(symbols[0], kind, a, float(2 * volume / (np.sqrt(3) / 2 * a**2)))

    def primitive(self) -> Atoms:
        """Return the primitive cell."""
        return bulk(self.symbol, self.kind, a=self.a, c=self.c)

    def right_angled(self) -> Atoms:
        """Return the cubic cell, or that of hcp with three right angles."""
        if self.kind == "hcp":
            return bulk(self.symbol, "hcp", a=self.a, c=self.c, orthorhombic=True)
        return bulk(self.symbol, self.kind, a=self.a, cubic=True)

    def energy_per_atom(self, calculator: Any) -> float:
        """Energy of the perfect crystal, eV/atom."""
        cell = self.primitive()
        cell.calc = calculator
        return float(cell.get_potential_energy()) / len(cell)

    @property
    def nearest(self) -> float:
        """Distance of nearest neighbours, Angstrom."""
        vectors = next(iter(_first_neighbours(self.primitive())))
        return float(np.linalg.norm(vectors, axis=1).min())

    @property
    def volume(self) -> float:
        """Volume in Angstrom^3/atom."""
        if self.kind == "hcp":
            return float(np.sqrt(3) / 4 * self.a**2 * (self.c or 0.0))
        return self.a**3 / _ATOMS[self.kind]


def length_by_volume(symbol: str, kind: str) -> float | None:
    """Lattice constant, Angstrom, at the volume of an atom in the crystal of the element in ASE.

    None where ASE has no crystal of the kinds here for the element. The axes of hcp have the ratio
    of dense spheres.
    """
    own = (reference_states[atomic_numbers[symbol]] or {}).get("symmetry")
    if own not in (*_ATOMS, "hcp"):
        return None
    volume = bulk(symbol).get_volume() / len(bulk(symbol))
    trial = bulk(symbol, kind, a=1.0, c=DENSE_RATIO if kind == "hcp" else None)
    return float((volume * len(trial) / trial.get_volume()) ** (1 / 3))


def resting_crystal(calculator: Any, atoms: Atoms, purpose: str) -> ElementalCrystal:
    """Recognise a crystal and relax its lattice constants with a calculator.

    Parameters
    ----------
    calculator
        Any ASE calculator; where it gives no stress, the energy is minimised instead.
    atoms
        Crystal near equilibrium.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        It is no such crystal, or its atoms do not interact.
    MaxvoltError
        There is no equilibrium near the lattice constants given.
    """
    crystal = ElementalCrystal.of(atoms, purpose)
    if crystal.kind != "hcp" and has_stress(calculator, crystal.primitive()):
        found = lattice_constant(calculator, crystal.right_angled(), relaxation=None)
        return replace(crystal, a=found.value)

    def scaled(strains: NDArray[np.float64]) -> ElementalCrystal:
        a = crystal.a * float(np.exp(strains[0]))
        return replace(
            crystal, a=a, c=None if crystal.c is None else crystal.c * float(np.exp(strains[-1]))
        )

    def energy(strains: NDArray[np.float64]) -> float:
        cell = scaled(strains).primitive()
        cell.calc = calculator
        return float(cell.get_potential_energy())

    resting = scaled(_minimum(energy, 1 if crystal.c is None else 2, purpose))
    if resting == crystal:
        require_interaction(crystal.primitive(), calculator, purpose)
    return resting


def _minimum(
    energy: Callable[[NDArray[np.float64]], float], count: int, purpose: str
) -> NDArray[np.float64]:
    """Strains of least energy, sought from 0."""
    simplex = np.vstack([np.zeros(count), 0.01 * np.eye(count)])
    options = {
        "initial_simplex": simplex,
        "xatol": _STRAIN_TOLERANCE,
        "fatol": np.inf,
        "maxiter": 400,
    }
    found = minimize(energy, np.zeros(count), method="Nelder-Mead", options=options)
    if not found.success or np.abs(found.x).max() > _LARGEST_STRAIN:
        raise MaxvoltError(
            f"{purpose}: the energy of the crystal has no minimum within {_LARGEST_STRAIN:.0%} of "
            "the lattice constants given: start nearer to equilibrium"
        )
    return np.asarray(found.x)


def has_stress(calculator: Any, atoms: Atoms) -> bool:
    """Whether a calculator gives stress; it is asked for it once."""
    if "stress" not in getattr(calculator, "implemented_properties", ()):
        return False
    copy = atoms.copy()
    copy.calc = calculator
    try:
        copy.get_stress()
    except (PropertyNotImplementedError, NotImplementedError):
        return False
    return True


def reach_of(calculator: Any) -> tuple[float, tuple[str, ...]]:
    """Cutoff of a calculator in Angstrom, and a note where it is only assumed."""
    cutoff = interaction_cutoff(calculator)
    if cutoff is not None:
        return cutoff, ()
    note = (
        f"the calculator does not say its cutoff: cells were chosen for {_UNKNOWN_REACH:g} A; "
        "look whether a larger size changes the numbers"
    )
    return _UNKNOWN_REACH, (note,)


def repeats(cell: NDArray[np.float64], height: float) -> tuple[int, int, int]:
    """How often a cell is repeated along each vector so that its heights are this large.

    Parameters
    ----------
    cell : shape (3, 3), Angstrom
    height : Angstrom
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(np.asarray(cell)), axis=0)
    counts = np.maximum(np.ceil(height / heights - 1e-9), 1).astype(int).tolist()
    return counts[0], counts[1], counts[2]


def _first_neighbours(atoms: Atoms) -> list[NDArray[np.float64]]:
    """Vectors from each atom to its nearest neighbours, those within 10 % of the nearest."""
    radius = 2.2 * (atoms.get_volume() / len(atoms)) ** (1 / 3)
    pairs = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, radius)
    vectors = pairs.vectors(atoms.positions, atoms.cell.array)
    owners = np.concatenate([pairs.owners, pairs.neighbors])
    vectors = np.concatenate([vectors, -vectors])
    distances = np.linalg.norm(vectors, axis=1)
    near = []
    for atom in range(len(atoms)):
        own = owners == atom
        if own.any():
            near.append(vectors[own & (distances < 1.10 * distances[own].min())])
        else:
            near.append(np.zeros((0, 3)))
    return near


def _opposite(vectors: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the neighbours have another one right opposite."""
    sums = np.linalg.norm(vectors[:, None] + vectors[None], axis=-1)
    return np.asarray((sums < 0.05 * np.linalg.norm(vectors, axis=1)[:, None]).any(axis=1))


def _kind_of(vectors: NDArray[np.float64]) -> str | None:
    if len(vectors) == 12:
        return {12: "fcc", 6: "hcp"}.get(int(_opposite(vectors).sum()))
    return {8: "bcc", 6: "sc", 4: "diamond"}.get(len(vectors))


def _basal_distance(vectors: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(vectors[_opposite(vectors)], axis=1).mean())
