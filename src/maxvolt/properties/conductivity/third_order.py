"""Second- and third-order force constants of a crystal by phono3py."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.errors import MaxvoltError
from maxvolt.properties.elemental_crystals import reach_of, repeats
from maxvolt.properties.static.force_constants import clear_displacement, phonopy_cell

__all__ = ["ForceConstants", "require_phono3py", "third_order_of"]

_BEYOND_IMAGES = 0.1
"""Angstrom."""

ForceConstants = tuple[Any, tuple[str, ...], tuple[str, ...]]
"""``phono3py.Phono3py`` with force constants, warnings, notes."""


def require_phono3py(purpose: str) -> Any:
    """Import phono3py.

    Raises
    ------
    MaxvoltError
        It is not installed.
    """
    try:
        import phono3py
    except ImportError as error:
        raise MaxvoltError(
            f"{purpose}: needs phono3py; install it with: pip install maxvolt[phono3py]"
        ) from error
    return phono3py


def third_order_of(
    calculator: Any,
    crystal: Atoms,
    *,
    size: float | None,
    displacement: float,
    pair_cutoff: float | None,
    purpose: str,
) -> ForceConstants:
    """Compute the force constants of a crystal at rest, equation (120).

    Parameters
    ----------
    calculator
        Any ASE calculator.
    crystal
        Its atoms are at rest.
    size : Angstrom or None
        Height of the large cell along each vector; None: twice the cutoff.
    displacement : Angstrom
        How far atoms are moved; less where a neighbour shell would cross the cutoff.
    pair_cutoff : Angstrom or None
        Distance up to which both atoms of a pair are moved; None: all of the large cell.
    purpose
        What is computed, for messages.

    Returns
    -------
    phonons
        ``phono3py.Phono3py`` with both kinds of force constants.
    warnings, notes
        What speaks against them, and what was chosen.
    """
    phono3py = require_phono3py(purpose)
    reach, notes = reach_of(calculator)
    times = repeats(crystal.cell.array, size or 2 * reach + _BEYOND_IMAGES)
    unit = phonopy_cell(crystal)
    phonons = phono3py.Phono3py(unit, supercell_matrix=np.diag(times), primitive_matrix="auto")
    # Two atoms that move towards each other close a gap twice as fast.
    step, warnings = clear_displacement(calculator, crystal, 2 * displacement)
    phonons.generate_displacements(distance=step / 2, cutoff_pair_distance=pair_cutoff)
    cells = phonons.supercells_with_displacements
    phonons.forces = np.array([_forces(calculator, cell, phonons.supercell) for cell in cells])
    phonons.produce_fc2()
    phonons.symmetrize_fc2()
    phonons.produce_fc3()
    phonons.symmetrize_fc3()
    count = int(np.prod(times)) * len(crystal)
    notes += (
        f"force constants from {sum(cell is not None for cell in cells)} pairs of displacements of "
        f"{step / 2:g} A in a cell of {count} atoms",
    )
    return phonons, (*warnings, *_too_short(crystal, times, reach, pair_cutoff)), notes


def _forces(calculator: Any, cell: Any, perfect: Any) -> Any:
    """Forces in a cell; none where phono3py leaves it out, for its atoms are too far apart."""
    if cell is None:
        return np.zeros((len(perfect), 3))
    atoms = Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
    atoms.calc = calculator
    return atoms.get_forces()


def _too_short(
    crystal: Atoms, times: tuple[int, int, int], reach: float, pair_cutoff: float | None
) -> tuple[str, ...]:
    """Say so where force constants end before the potential does."""
    found: tuple[str, ...] = ()
    heights = np.array(times) / np.linalg.norm(np.linalg.inv(crystal.cell.array), axis=0)
    if heights.min() < 2 * reach - 1e-6:
        found += (
            f"atoms feel their images in a cell {heights.min():.3g} A high, for they act on each "
            f"other up to {2 * reach:.3g} A, twice the cutoff; raise size",
        )
    if pair_cutoff is not None and pair_cutoff < 2 * reach:
        found += (
            f"pairs farther apart than pair_cutoff, {pair_cutoff:g} A, are left out of third-order "
            f"force constants, though atoms act on each other up to {2 * reach:.3g} A; raise it "
            "until the conductivity no longer changes, or leave it away",
        )
    return found
