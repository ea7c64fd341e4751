"""How a fitted potential responds when the atoms of its training structures are displaced a little.

Labels of perfect crystals, dimers and energy-volume curves leave much of a potential undetermined,
and a fit may reproduce them with coefficients that cancel there and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.displaced_structures import displaced_copies, spread_structures
from maxvolt.potentials.protocol import Potential
from maxvolt.units import VOIGT_COUNTS

__all__ = ["RATTLE", "Response", "check_response", "force_scale"]

_DISPLACEMENT = 0.02
"""Angstrom; standard deviation of each component."""

_STIFF, _IMPOSSIBLE = 200.0, 1000.0
"""eV/Angstrom^2; force constants that are doubted and refused. The stiffest bonds known, those of
N2 and CO, have 143 and 119; an atom of diamond has some 50."""

_DOUBTED, _REFUSED = 3.0, 10.0
"""Changes of a force, relative to the forces in the data, that are doubted and refused: bonds that
are compressed far beyond equilibrium are stiffer than all others, and have large forces."""

_LARGEST = 3.0
"""Displacements of pairs of atoms reach three standard deviations."""

RATTLE = (
    "add structures whose atoms are displaced: supercells of at least 8 atoms with each atom moved "
    "at random by 0.05 to 0.1 A (atoms.repeat(2), then atoms.rattle(0.07)), labelled by the same "
    "calculation, with forces"
)


@dataclass(frozen=True, slots=True)
class Response:
    """The largest change of a force when atoms are displaced.

    Attributes
    ----------
    change : float, eV/Angstrom
    structure : str
        Name of the structure, as messages have it.
    """

    change: float
    structure: str

    def __str__(self) -> str:
        """Say what the potential does."""
        return (
            f"when the atoms of {self.structure} are displaced at random by {_DISPLACEMENT:g} A, "
            f"a force changes by {self.change:.3g} eV/A; the stiffest chemical bonds would give "
            f"{143 * _LARGEST * _DISPLACEMENT:.2g}"
        )


def force_scale(dataset: Dataset) -> float:
    """Largest force that the labels imply, eV/Angstrom: from forces, stresses and energies.

    A virial is taken over a distance of 1 A and so are energies, relative to the least per atom.
    """
    scale = float(np.nanmax(np.abs(dataset.forces), initial=0.0, where=~np.isnan(dataset.forces)))
    if dataset.has_stress.any():
        stresses = dataset.stresses[dataset.has_stress]
        volumes = cell_volumes(dataset.cells[dataset.has_stress])
        norms = np.sqrt(stresses**2 @ VOIGT_COUNTS) * volumes
        scale = max(scale, float((norms / dataset.counts[dataset.has_stress]).max()))
    if dataset.has_energy.any() and len(dataset.species) == 1:
        energies = (dataset.energies / dataset.counts)[dataset.has_energy]
        scale = max(scale, float(energies.max() - energies.min()))
    return scale


def check_response(
    potential: Potential, dataset: Dataset, simplification: str = "", *, threads: int | None = None
) -> str | None:
    """Refuse a potential whose forces are beyond reason on displaced training structures.

    Parameters
    ----------
    potential
        Trained.
    dataset
        Its training set.
    simplification
        How the potential is made simpler, for the message: ``lower the level (now 16)``.
    threads
        Number of threads; None for every core.

    Returns
    -------
    warning : str or None
        What is to be doubted.

    Raises
    ------
    FitError
        Says how far the forces are off, and what to do.
    """
    with np.errstate(over="ignore"):
        scale = force_scale(dataset)
    response = _response(potential, dataset, threads)
    reach = _LARGEST * _DISPLACEMENT
    simpler = f", or {simplification}" if simplification else ""
    text = f"the training set does not determine the potential: {response}. {RATTLE[0].upper()}"
    text += f"{RATTLE[1:]}{simpler}"
    if not response.change <= max(_IMPOSSIBLE * reach, _REFUSED * scale):
        raise FitError(text)
    return text if response.change > max(_STIFF * reach, _DOUBTED * scale) else None


def _response(potential: Potential, dataset: Dataset, threads: int | None) -> Response:
    chosen = spread_structures(dataset, 64, 2048)
    still, moved = (
        displaced_copies(dataset.select(chosen), displacement)
        for displacement in (0.0, _DISPLACEMENT)
    )
    with np.errstate(all="ignore"):  # what is not finite is refused
        before, after = (
            potential.evaluate_dataset(copies, threads=threads).forces for copies in (still, moved)
        )
        changes = np.linalg.norm(after - before, axis=1)
    worst = int(np.argmax(np.where(np.isnan(changes), np.inf, changes)))
    structure = int(chosen[moved.structure_of_atom[worst]])
    return Response(float(changes[worst]), dataset.name_of(structure, "the training set"))
