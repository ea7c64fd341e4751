"""What `maxvolt mc` begins with: supercell, species, chemical potentials."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.lattice_options import mapped_structures, repeats_of, shares_of
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maxvolt.potentials.lattice import LowRankPotential, Supercell

__all__ = ["begin", "chemical_potentials"]


def chemical_potentials(
    options: argparse.Namespace, potential: LowRankPotential
) -> tuple[float, ...] | None:
    """Chemical potentials in the order of the species; None: none were given."""
    if options.chemical_potentials is None:
        return None
    given = shares_of(options.chemical_potentials, "--chemical-potentials")
    if set(given) != set(potential.species):
        raise MaxvoltError(
            f"--chemical-potentials: give one for each of {', '.join(potential.species)}"
        )
    return tuple(given[symbol] for symbol in potential.species)


def begin(
    options: argparse.Namespace, potential: LowRankPotential
) -> tuple[Supercell, list[NDArray[np.int64]]]:
    """Supercell, and what each chain begins with."""
    from maxvolt.potentials.lattice import Supercell
    from maxvolt.properties.lattice import random_occupation, seed_of_chain

    if repeats := repeats_of(options.supercell):
        if options.composition is None:
            raise MaxvoltError("--composition is needed: which species are distributed at random?")
        supercell = Supercell.of(repeats)
        shares = shares_of(options.composition, "--composition")
        seeds = [seed_of_chain(options.seed, chain) for chain in range(options.chains)]
        return supercell, [
            random_occupation(potential.parent, supercell, shares, seed) for seed in seeds
        ]
    path = Path(options.supercell)
    if not path.is_file():
        raise MaxvoltError(
            "SUPERCELL: expected repeats of the primitive cell, as 12x12x12, or a file; "
            f"there is no {path}"
        )
    if options.composition is not None:
        raise MaxvoltError("--composition: the structure of SUPERCELL has one already")
    (mapped,) = mapped_structures(path, potential.parent, first=True)
    return mapped.supercell, [mapped.occupation] * options.chains
