"""Perfect crystals as landmarks of a map."""

from __future__ import annotations

from collections.abc import Sequence

from ase import Atoms
from ase.build import bulk

from maxvolt.calculators import MaxvoltCalculator
from maxvolt.errors import MaxvoltError
from maxvolt.potentials import Potential
from maxvolt.properties.elemental_crystals import DENSE_RATIO, length_by_volume, resting_crystal

__all__ = ["perfect_crystals"]

KINDS = ("fcc", "hcp", "bcc", "sc", "diamond")


def perfect_crystals(
    potential: Potential,
    kinds: Sequence[str] = ("fcc", "hcp", "bcc"),
    *,
    species: Sequence[str] | None = None,
    threads: int | None = None,
) -> tuple[dict[str, Atoms], tuple[str, ...]]:
    """Crystals of the elements of a potential, each relaxed with it.

    The search for the lattice constant begins at the volume of an atom in the crystal of the
    element in ASE.

    Parameters
    ----------
    potential
        Relaxes them.
    kinds
        Some of fcc, hcp, bcc, sc and diamond.
    species
        Elements; None: all of the potential.
    threads
        Number of threads; None for every core.

    Returns
    -------
    crystals
        By names such as "fcc Al".
    notes
        Why others are left out: there is no minimum of the energy near the start, for instance.

    Raises
    ------
    MaxvoltError
        An unknown kind of crystal, or an element that the potential does not know.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise MaxvoltError(f"crystals: expected some of {', '.join(KINDS)}; got {unknown[0]!r}")
    elements = potential.species if species is None else tuple(species)
    if foreign := [symbol for symbol in elements if symbol not in potential.species]:
        raise MaxvoltError(
            f"crystals: the potential knows {', '.join(potential.species)}, not {foreign[0]}"
        )
    calculator = MaxvoltCalculator(potential, threads=threads)
    crystals: dict[str, Atoms] = {}
    notes: list[str] = []
    for symbol in elements:
        for kind in kinds:
            name = f"{kind} {symbol}"
            length = length_by_volume(symbol, kind)
            if length is None:
                notes.append(f"{name}: no lattice constant to begin with is known")
                continue
            start = bulk(symbol, kind, a=length, c=DENSE_RATIO * length if kind == "hcp" else None)
            try:
                crystals[name] = resting_crystal(calculator, start, name).primitive()
            except MaxvoltError as error:
                text = str(error)
                notes.append(text if text.startswith(name) else f"{name}: {text}")
    return crystals, tuple(notes)
