"""Spread and error of a committee on held-out labels, equations (179) to (182)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.neighbors.neighborhoods import iterate_neighborhoods
from maxvolt.potentials import Ensemble
from maxvolt.potentials.ensemble import mean_of, spreads_of_members
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE

__all__ = ["Compared", "SpreadsAndErrors"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Compared:
    """Root mean squares over held-out labels.

    Attributes
    ----------
    spread, error
        Of energies over sqrt(N), eV; or of the force on an atom, eV/Angstrom.
    """

    spread: float
    error: float

    @property
    def factor(self) -> float:
        """What a spread is multiplied with to give the error expected there, equation (180)."""
        return self.error / self.spread

    def scale(self, error: float | None = None) -> float:
        """Spread at which an error is expected, equation (182); None: that of the held-out labels.

        The latter makes grades the multiples of that error, equation (181).
        """
        return self.spread if error is None else error / self.factor


@dataclass(frozen=True, slots=True)
class SpreadsAndErrors:
    """Spread and error of a committee; None where there are no labels of a kind.

    Attributes
    ----------
    energies
        Over sqrt(N), eV.
    forces
        Of atoms, eV/Angstrom.
    """

    energies: Compared | None
    forces: Compared | None

    @classmethod
    def of(
        cls, ensemble: Ensemble, labelled: Dataset, *, threads: int | None = None
    ) -> SpreadsAndErrors:
        """Compare on labels that no member was fitted to.

        Parameters
        ----------
        ensemble
            At least two potentials.
        labelled
            Structures with energies, forces, or both.
        threads
            Number of threads; None for every core.

        Raises
        ------
        DataError
            There are no labels, or the members agree exactly or make no error.
        """
        nothing = (np.empty(0),) * 4
        columns = zip(nothing, *_portions(ensemble, labelled, threads), strict=True)
        of_energies, off_energies, of_forces, off_forces = map(np.concatenate, columns)
        energies = _compared("energies", of_energies, off_energies)
        forces = _compared("forces", of_forces, off_forces)
        if energies is None and forces is None:
            raise DataError(
                "there is no held-out label, neither an energy nor a force, to compare the spread "
                "of the committee with; give labelled structures that it was not fitted to"
            )
        return cls(energies, forces)


def _portions(
    ensemble: Ensemble, labelled: Dataset, threads: int | None
) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Spreads and errors of energies over sqrt(N), then of forces; errors NaN without a label."""
    for part, where in iterate_neighborhoods(
        labelled, ensemble.species, ensemble.cutoff, atoms_at_once=ATOMS_AT_ONCE
    ):
        one = labelled.select(part)
        each = ensemble.evaluate_each(where, threads=threads)
        of_energies, of_forces = spreads_of_members(where, each)
        sites = mean_of([member.site_energies for member in each])
        totals = np.bincount(where.structures, sites, minlength=len(one))
        roots = np.sqrt(one.counts)
        wrong = mean_of([member.forces for member in each]) - one.forces
        yield (
            of_energies / roots,
            np.abs(totals - one.energies) / roots,
            of_forces,
            np.linalg.norm(wrong, axis=1),
        )


def _compared(name: str, spreads: Array, errors: Array) -> Compared | None:
    known = np.isfinite(errors)
    if not known.any():
        return None
    spread, error = (float(np.sqrt(np.mean(one[known] ** 2))) for one in (spreads, errors))
    if not (spread > 0 and error > 0):
        raise DataError(
            f"{name}: the members of the committee agree exactly, or with all held-out labels, so "
            "that their spread tells nothing of errors; fit them from different starts or data"
        )
    return Compared(spread, error)
