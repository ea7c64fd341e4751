"""Arrangements that the members of an ensemble disagree about: equation (214)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.fitting.lattice.arrangements import Arrangement, counted
from maxvolt.potentials.lattice.ensemble import LowRankEnsemble
from maxvolt.selection.candidates import largest_first
from maxvolt.selection.lattice.selected import ArrangementSelection

__all__ = ["LatticeCommittee"]


@dataclass(frozen=True, slots=True, eq=False)
class LatticeCommittee:
    """An ensemble whose members' disagreement grades arrangements.

    Attributes
    ----------
    ensemble
        At least two potentials.
    scale : eV per site
        Spread of the energy per site that counts as grade 1.

    Raises
    ------
    SettingsError
        There are fewer than two members, or the scale is not above 0.
    """

    ensemble: LowRankEnsemble
    scale: float

    def __post_init__(self) -> None:
        if len(self.ensemble.members) < 2:
            raise SettingsError("a committee needs at least two potentials")
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise SettingsError(
                f"the scale of a committee is a spread above 0, eV per site; got {self.scale}"
            )

    def grade(self, arrangements: Sequence[Arrangement]) -> NDArray[np.float64]:
        """Spreads of the energies per site in units of the scale, shape (m,)."""
        if not arrangements:
            return np.empty(0)
        members = self.ensemble.members
        given = counted(self.ensemble.parent, members[0].environments, arrangements)
        each = np.array([given.energies_by(one) for one in members])
        return np.asarray(each.std(axis=0, ddof=1) / self.scale)

    def select(
        self, candidates: Sequence[Arrangement], *, threshold: float, limit: int | None = None
    ) -> ArrangementSelection:
        """Select candidates with grades above the threshold, the largest first up to the limit.

        A committee cannot say whether two of them are alike.
        """
        grades = self.grade(candidates)
        above = np.flatnonzero(grades > threshold)
        return ArrangementSelection(above[largest_first(grades[above], limit)], grades)
