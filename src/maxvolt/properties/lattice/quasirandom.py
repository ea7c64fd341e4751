"""Special quasi-random structures: small cells whose species are as uncorrelated as at random."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.orderings import of_icet, primitive_of
from maxvolt.properties.lattice.short_range_order import ShellPairs

__all__ = ["Quasirandom", "quasirandom_structure"]

_SHELLS = 3
"""Shells of pairs that are made random where nothing is said; triplets are of the nearest one."""

_STEPS = 20_000
"""Swaps that are tried where nothing is said."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Quasirandom:
    """A special quasi-random structure.

    Attributes
    ----------
    supercell
        Its edges.
    occupation : shape (n_sites,), int64
        Numbers of species.
    distances : shape (shells,), Angstrom
        Of the nearest shells.
    order : shape (shells, c, c)
        Parameters of Warren and Cowley, equation (206): 0 where species are at random.
    """

    supercell: Supercell
    occupation: NDArray[np.int64]
    distances: NDArray[np.float64]
    order: NDArray[np.float64]


def quasirandom_structure(
    parent: ParentLattice,
    n_sites: int,
    composition: Mapping[str, float],
    *,
    cutoffs: Sequence[float] | None = None,
    shells: int = _SHELLS,
    steps: int = _STEPS,
    seed: int = 0,
) -> Quasirandom:
    """Anneal the arrangement, and the shape of the cell, towards what a random alloy has.

    icet does it, among all inequivalent cells with this number of sites.

    Parameters
    ----------
    parent
        The lattice, by its primitive cell; all sites with a choice must allow the same species.
    n_sites
        Sites with a choice.
    composition
        Shares of the species that sites may have.
    cutoffs : Angstrom
        Of pairs, triplets, and so on, whose correlations count; by default pairs of three shells
        and triplets of the nearest.
    shells
        Of the short-range order that is reported.
    steps
        Swaps that are tried, in all cells together.
    seed
        Of the random numbers; the same gives the same structure.

    Raises
    ------
    SettingsError
        The composition has other species, or does not fit the number of sites; or the cutoffs
        leave out all pairs.
    MaxvoltError
        icet is not installed.

    References
    ----------
    A. Zunger, S.-H. Wei, L. G. Ferreira, J. E. Bernard, Phys. Rev. Lett. 65, 353 (1990); A. van de
    Walle et al., Calphad 42, 13 (2013): the measure.
    """
    shares = _shares(parent, n_sites, composition)
    icet, generation = _icet()
    distances = environments_of(parent, _SHELLS)[0].distances
    if cutoffs is None:
        cutoffs = [float(distances[-1]) + 0.01, float(distances[1]) + 0.01]
    if not len(cutoffs) or not cutoffs[0] >= distances[1]:
        raise SettingsError(
            f"cutoffs: the first is that of pairs and must reach the nearest shell, at "
            f"{distances[1]:.3f} A; got {list(cutoffs)}"
        )
    allowed = [list(one) for one in parent.allowed]
    space = icet.ClusterSpace(primitive_of(parent), list(cutoffs), allowed)
    if len(space.primitive_structure) != len(parent.places):
        raise SettingsError("the lattice is not given by its primitive cell")
    letter = next(
        one.symbol
        for one in space.get_sublattices(space.primitive_structure)
        if len(one.chemical_symbols) > 1
    )
    with _own_random_numbers():
        atoms: Atoms = generation.generate_sqs(
            space,
            n_sites // len(parent.active),
            {letter: shares},
            include_smaller_cells=False,
            n_steps=steps,
            random_seed=seed,
        )
    supercell, occupation = of_icet(atoms, parent)
    pairs = ShellPairs(parent, supercell, shells)
    return Quasirandom(supercell, occupation, pairs.distances, pairs.parameters(occupation))


def _shares(
    parent: ParentLattice, n_sites: int, composition: Mapping[str, float]
) -> dict[str, float]:
    if not (parent.may_have == parent.may_have[0]).all():
        raise SettingsError("the sites of the lattice differ in what they allow")
    given = {symbol: float(share) for symbol, share in composition.items()}
    total = sum(given.values())
    if set(given) != set(parent.species) or not all(0 < share < np.inf for share in given.values()):
        raise SettingsError(
            f"composition: expected positive shares of {', '.join(parent.species)}; got {given}"
        )
    counts = np.array([share / total * n_sites for share in given.values()])
    if (
        n_sites < 2
        or n_sites % len(parent.active)
        or np.abs(counts - np.rint(counts)).max() > (_ROUNDING * n_sites)
    ):
        raise SettingsError(
            f"{n_sites} sites do not hold whole numbers of atoms of the composition in whole cells "
            f"of {len(parent.active)}: {dict(zip(given, counts.round(3).tolist(), strict=True))}"
        )
    return {symbol: share / total for symbol, share in given.items()}


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Keep Python's generator, which icet seeds, as it is for others."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _icet() -> tuple[Any, Any]:
    try:
        return importlib.import_module("icet"), importlib.import_module(
            "icet.tools.structure_generation"
        )
    except ModuleNotFoundError as error:
        raise MaxvoltError(
            f"special quasi-random structures need {error.name}, which is not installed; run: "
            "pip install 'maxvolt[enumeration]'"
        ) from error
