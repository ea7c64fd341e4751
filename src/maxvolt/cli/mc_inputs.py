"""What `maxvolt mc` begins with: supercell, species, chemical potentials."""

from __future__ import annotations

import argparse
import re
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.options import numbers_by_name
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maxvolt.potentials.lattice import LowRankPotential, Supercell

__all__ = ["REPEATS", "begin", "chemical_potentials"]

REPEATS = re.compile(r"\d+x\d+x\d+")
"""How often the primitive cell is repeated."""


def _shares(text: str, option: str) -> dict[str, float]:
    try:
        found = numbers_by_name(text)
    except ValueError:
        found = {}
    if not found or not all(map(isfinite, found.values())):
        raise MaxvoltError(f"{option}: expected A=X,B=Y with numbers, got {text!r}")
    return found


def chemical_potentials(
    options: argparse.Namespace, potential: LowRankPotential
) -> tuple[float, ...] | None:
    """Chemical potentials in the order of the species; None: none were given."""
    if options.chemical_potentials is None:
        return None
    given = _shares(options.chemical_potentials, "--chemical-potentials")
    if set(given) != set(potential.species):
        raise MaxvoltError(
            f"--chemical-potentials: give one for each of {', '.join(potential.species)}"
        )
    return tuple(given[symbol] for symbol in potential.species)


def begin(
    options: argparse.Namespace, potential: LowRankPotential
) -> tuple[Supercell, list[NDArray[np.int64]]]:
    """Supercell, and what each chain begins with."""
    from maxvolt.cli.inputs import read_structures
    from maxvolt.potentials.lattice import Supercell, on_lattice
    from maxvolt.properties.lattice import random_occupation, seed_of_chain

    if REPEATS.fullmatch(options.lattice):
        if options.composition is None:
            raise MaxvoltError("--composition is needed: which species are distributed at random?")
        supercell = Supercell.of([int(word) for word in options.lattice.split("x")])
        shares = _shares(options.composition, "--composition")
        seeds = [seed_of_chain(options.seed, chain) for chain in range(options.chains)]
        return supercell, [
            random_occupation(potential.parent, supercell, shares, seed) for seed in seeds
        ]
    if options.composition is not None:
        raise MaxvoltError("--composition: the structure of LATTICE has one already")
    path = Path(options.lattice)
    if not path.is_file():
        raise MaxvoltError(
            f"LATTICE is repeats of the primitive cell, as 12x12x12, or a file; there is no {path}"
        )
    (atoms,) = read_structures(path, None).select([0]).to_atoms()
    mapped = on_lattice(atoms, potential.parent)
    return mapped.supercell, [mapped.occupation] * options.chains
