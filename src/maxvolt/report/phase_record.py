"""Which crystals stand in a set of structures, batch by batch, and when each first appears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign import CampaignFolder, read_result
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.properties.dynamic.common_neighbours import FEWEST_ATOMS, PHASES
from maxvolt.properties.dynamic.crystalline_clusters import phases_and_clusters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Batch", "PhaseRecord", "batches_of_campaign", "phase_record"]

Batch = tuple[str, Dataset]
"""Name of a batch, "iteration 3" or that of a file, and its structures."""

_ALWAYS = ("fcc", "hcp", "bcc")
"""Phases that are told even where there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class PhaseRecord:
    """Phases of structures in the order in which they came, n of them.

    Attributes
    ----------
    batches
        Names.
    of_batch : shape (n,)
        Index of the batch of each structure.
    atoms : shape (n,)
        Their numbers of atoms.
    counts, clusters : shape (n, number of `PHASES`)
        Atoms in each phase, and in its largest connected piece; -1 of a structure that is too small
        or not periodic.
    least
        Atoms that such a piece needs to count as a crystal.
    """

    batches: tuple[str, ...]
    of_batch: NDArray[np.int64]
    atoms: NDArray[np.int64]
    counts: NDArray[np.int64]
    clusters: NDArray[np.int64]
    least: int

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which structures could be analysed, shape (n,)."""
        return np.asarray(self.counts[:, 0] >= 0)

    @property
    def phases(self) -> tuple[str, ...]:
        """Those that are told: fcc, hcp, bcc, and what else has a piece that counts."""
        return tuple(
            name
            for k, name in enumerate(PHASES)
            if name in _ALWAYS or (name != "other" and (self.clusters[:, k] >= self.least).any())
        )

    def first(self, phase: str) -> int | None:
        """Index of the first structure with a piece of a phase that counts; None: there is none."""
        found = np.flatnonzero(self.clusters[:, PHASES.index(phase)] >= self.least)
        return int(found[0]) if len(found) else None

    def share(self, batch: int, phase: str) -> float:
        """Share of the atoms of a batch in a phase; NaN where nothing could be analysed."""
        chosen = (self.of_batch == batch) & self.known
        atoms = int(self.atoms[chosen].sum())
        return float(self.counts[chosen, PHASES.index(phase)].sum() / atoms) if atoms else np.nan

    def with_crystal(self, batch: int, phase: str) -> int:
        """Count the structures of a batch with a piece of a phase that counts."""
        chosen = self.of_batch == batch
        return int((self.clusters[chosen, PHASES.index(phase)] >= self.least).sum())

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values; structures are counted from 1, as labels are."""
        return {
            "least_cluster": self.least,
            "structures": len(self.atoms),
            "not_analysed": int((~self.known).sum()),
            "first": {phase: self._first(phase) for phase in self.phases},
            "batches": [
                {
                    "name": name,
                    "structures": int((self.of_batch == b).sum()),
                    "share": {phase: self.share(b, phase) for phase in PHASES},
                    "with_crystal": {phase: self.with_crystal(b, phase) for phase in self.phases},
                }
                for b, name in enumerate(self.batches)
            ],
            "atoms": self.atoms.tolist(),
            "batch": self.of_batch.tolist(),
            "atoms_in": {
                phase: self.counts[:, PHASES.index(phase)].tolist() for phase in self.phases
            },
            "largest_cluster": {
                phase: self.clusters[:, PHASES.index(phase)].tolist() for phase in self.phases
            },
        }

    def _first(self, phase: str) -> dict[str, Any] | None:
        found = self.first(phase)
        if found is None:
            return None
        return {
            "batch": self.batches[self.of_batch[found]],
            "structure": found + 1,
            "atoms": int(self.atoms[found]),
            "cluster": int(self.clusters[found, PHASES.index(phase)]),
        }

    def plot(self) -> Figure:
        """Draw shares by batch, and the largest piece of crystal in each structure."""
        from maxvolt.report.phase_figure import draw_phases

        return draw_phases(
            self.batches,
            {name: [self.share(b, name) for b in range(len(self.batches))] for name in self.phases},
            {name: self.clusters[:, PHASES.index(name)] for name in self.phases},
            {name: self.first(name) for name in self.phases},
            self.least,
        )


def phase_record(
    batches: Sequence[Batch], least: int, *, advance: Callable[[int], None] = lambda _: None
) -> PhaseRecord:
    """Tell the phases of all structures by common neighbour analysis, equation (101).

    Of positions as they are: where atoms vibrate much, fewer are counted than stand in a crystal.

    Parameters
    ----------
    batches
        In their order.
    least
        Atoms that a connected piece needs to count as a crystal.
    advance
        Called with 1 after each structure.

    Raises
    ------
    DataError
        There is no structure.
    """
    rows = [(b, atoms) for b, (_, dataset) in enumerate(batches) for atoms in dataset]
    if not rows:
        raise DataError("phases: there is no structure")
    shape = (len(rows), len(PHASES))
    counts, clusters = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
    for k, (_, atoms) in enumerate(rows):
        if len(atoms) >= FEWEST_ATOMS and atoms.pbc.all() and atoms.cell.rank == 3:
            counts[k], clusters[k] = phases_and_clusters(atoms)
        advance(1)
    return PhaseRecord(
        tuple(name for name, _ in batches),
        np.array([b for b, _ in rows]),
        np.array([len(atoms) for _, atoms in rows]),
        counts,
        clusters,
        least,
    )


def batches_of_campaign(folder: CampaignFolder) -> list[Batch]:
    """What each iteration of a campaign has labelled for the first time; also while it runs.

    Raises
    ------
    CampaignError
        A file is damaged.
    """
    return list(_new_labels(folder))


def _new_labels(folder: CampaignFolder) -> Iterator[Batch]:
    seen: set[str] = set()
    for iteration in folder.iterations():
        path = iteration.step_file("labels")
        if not path.exists():
            continue
        labelled = read_result(path).datasets["labelled"]
        digests = labelled.digests
        new = [k for k, digest in enumerate(digests) if digest not in seen]
        seen |= set(digests)
        if new:
            yield f"{iteration.number}", labelled.select(np.array(new))
