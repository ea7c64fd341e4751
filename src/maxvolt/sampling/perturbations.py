"""Changed copies of structures: displaced, strained, with atoms missing or exchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, SpeciesError
from maxvolt.sampling.held import keep_constraints

__all__ = ["rattle", "strain", "substitution", "vacancy"]

Change = Callable[[Atoms, np.random.Generator], None]


def rattle(
    structures: Dataset | Atoms, amplitude: float, *, copies: int = 1, seed: int = 0
) -> Dataset:
    """Displace all atoms at random.

    Parameters
    ----------
    structures
        What to change.
    amplitude : Angstrom
        Standard deviation of each component of the displacements.
    copies
        How many to make of each structure; they follow each other.
    seed
        Random seed.

    Returns
    -------
    changed
        Without labels; each carries ``perturbation`` and ``origin``, the index of the structure it
        was made from, in its infos.
    """
    _positive("amplitude", amplitude)

    def change(atoms: Atoms, generator: np.random.Generator) -> None:
        atoms.positions += amplitude * generator.standard_normal((len(atoms), 3))

    return _changed(structures, change, "rattle", copies, seed)


def strain(
    structures: Dataset | Atoms,
    amplitude: float,
    *,
    volume: float | None = None,
    copies: int = 1,
    seed: int = 0,
) -> Dataset:
    """Strain cells and atoms at random.

    Parameters
    ----------
    structures, copies, seed
        As of `rattle`; all structures must be periodic in three directions.
    amplitude
        Each of the six components of the strain is drawn between minus and plus this.
    volume
        If given, the volume afterwards lies between ``(1 - volume)`` and ``(1 + volume)`` times the
        first one; otherwise it follows from the strain.

    Returns
    -------
    changed
        As of `rattle`.
    """
    _positive("amplitude", amplitude)
    if volume is not None and not 0 <= volume < 1:
        raise DataError(f"volume must be a relative change of 0 or more and below 1, not {volume}")

    def change(atoms: Atoms, generator: np.random.Generator) -> None:
        if not atoms.pbc.all():
            raise DataError("is not periodic in three directions; there is no cell to strain")
        upper = np.triu(generator.uniform(-amplitude, amplitude, (3, 3)))
        deformation = np.eye(3) + upper + np.triu(upper, 1).T
        if volume is not None:
            wanted = generator.uniform(1 - volume, 1 + volume)
            deformation *= np.cbrt(wanted / np.linalg.det(deformation))
        if not np.linalg.det(deformation) > 0:
            raise DataError(f"a strain of {amplitude} turns it inside out; take a smaller one")
        atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)

    return _changed(structures, change, "strain", copies, seed)


def vacancy(
    structures: Dataset | Atoms, number: int = 1, *, copies: int = 1, seed: int = 0
) -> Dataset:
    """Take out atoms at random.

    Parameters
    ----------
    structures, copies, seed
        As of `rattle`.
    number
        How many atoms to take out of each.

    Returns
    -------
    changed
        As of `rattle`.
    """
    _positive("number", number)

    def change(atoms: Atoms, generator: np.random.Generator) -> None:
        if number >= len(atoms):
            raise DataError(f"has {len(atoms)} atoms; {number} cannot be taken out")
        gone = generator.choice(len(atoms), size=number, replace=False)
        del atoms[np.sort(gone).tolist()]

    return _changed(structures, change, "vacancy", copies, seed)


def substitution(
    structures: Dataset | Atoms,
    exchange: Mapping[str, str],
    number: int = 1,
    *,
    copies: int = 1,
    seed: int = 0,
) -> Dataset:
    """Exchange elements of atoms at random.

    Parameters
    ----------
    structures, copies, seed
        As of `rattle`.
    exchange
        What each element becomes, for example ``{"Al": "Mg"}``, or ``{"Al": "Mg", "Mg": "Al"}`` to
        disturb an order.
    number
        How many atoms to exchange in each.

    Returns
    -------
    changed
        As of `rattle`.
    """
    _positive("number", number)
    unknown = [s for pair in exchange.items() for s in pair if s not in atomic_numbers]
    if unknown or not exchange:
        raise SpeciesError(
            f"{dict(exchange)}: expected elements such as {{'Al': 'Mg'}}"
            + (f"; {unknown[0]!r} is not one" if unknown else "")
        )
    becomes = {atomic_numbers[old]: atomic_numbers[new] for old, new in exchange.items()}

    def change(atoms: Atoms, generator: np.random.Generator) -> None:
        candidates = np.flatnonzero(np.isin(atoms.numbers, list(becomes)))
        if number > len(candidates):
            raise DataError(
                f"has {len(candidates)} atoms of {', '.join(exchange)}; {number} are to change"
            )
        for atom in generator.choice(candidates, size=number, replace=False):
            atoms.numbers[atom] = becomes[int(atoms.numbers[atom])]

    return _changed(structures, change, "substitution", copies, seed)


def _changed(
    structures: Dataset | Atoms, change: Change, name: str, copies: int, seed: int
) -> Dataset:
    """Copies of structures, each with random numbers of its own."""
    _positive("copies", copies)
    dataset = Dataset.of(structures)
    made = []
    for index, atoms in enumerate(dataset):
        for copy in range(copies):
            new = Atoms(
                numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc
            )
            keep_constraints(new, dataset, index)  # taking out atoms renumbers them
            try:
                change(new, np.random.default_rng([seed, index, copy]))
            except DataError as error:
                raise DataError(f"{name}: structure {index} {error}") from error
            new.info.update(perturbation=name, origin=index)
            if dataset.groups[index]:
                new.info["config_type"] = dataset.groups[index]
            made.append(new)
    return Dataset.from_atoms(made)


def _positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise DataError(f"{name} must be a number above 0, not {value!r}")
