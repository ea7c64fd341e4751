"""How a campaign measures extrapolation: the query strategy that belongs to a potential."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.campaign.record.folder import committee_file, errors_file
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.settings.sections import SelectionSection
from maxvolt.dataset import Dataset
from maxvolt.potentials import Ensemble, ParameterGradients, load
from maxvolt.sampling import Thresholds
from maxvolt.selection import ActiveSet, Committee, QueryStrategy, RowWeights, read_active_set
from maxvolt.uncertainty import ErrorQuery, read_uncertainty

__all__ = [
    "active_set_of",
    "by_errors",
    "calculator_of",
    "query_of",
    "row_weights_of",
    "thresholds_of",
]


def active_set_of(
    potential: ParameterGradients,
    training: Dataset,
    selection: SelectionSection,
    *,
    threads: int | None = None,
) -> ActiveSet:
    """Step A: choose the active set of a training set."""
    return ActiveSet.from_dataset(
        potential,
        training,
        weights=row_weights_of(selection),
        threshold=selection.swap,
        threads=threads,
    )


def query_of(files: Sequence[Path], selection: SelectionSection) -> QueryStrategy:
    """Read what grades structures: the active set with the potential, the committee, errors."""
    if selection.strategy == "committee":
        potential = load(files)
        assert isinstance(potential, Ensemble)
        scales = committee_file(files)
        if not scales.exists():  # of a campaign of version 0.1, which kept them with its fit
            energy, force = read_result(files[0].with_name("fit.npz")).record["committee"]
            return Committee(potential, energy, force)
        return Committee.read(scales, potential)
    if by_errors(files, selection):
        return ErrorQuery(read_uncertainty(errors_file(files)), read_active_set(files[0]))
    return read_active_set(files[0])


def by_errors(files: Sequence[Path], selection: SelectionSection) -> bool:
    """Whether expected errors decide: they are asked for, and the potential is calibrated."""
    return bool(selection.unit) and errors_file(files).exists()


def calculator_of(files: Sequence[Path], selection: SelectionSection) -> MaxvoltCalculator:
    """Read the potential as a calculator that gives grades; it computes with one thread.

    Where the grades ask all of its potentials, these are the same objects: one pass does for both.
    """
    query = query_of(files, selection)
    members = query.members
    if len(members) != len(files):
        return MaxvoltCalculator(load(files), query=query, threads=1)
    potential = members[0] if len(members) == 1 else Ensemble(members)
    return MaxvoltCalculator(potential, query=query, threads=1)


def thresholds_of(files: Sequence[Path], selection: SelectionSection) -> Thresholds:
    """Thresholds of the rule in simulations with a potential."""
    if by_errors(files, selection):
        return selection.thresholds
    return selection.grade_thresholds


def row_weights_of(selection: SelectionSection) -> RowWeights:
    """Rows of the active set."""
    if selection.mode == "neighborhood":
        return RowWeights(energy=0.0, site_energy=1.0)
    weights = selection.weights
    return RowWeights(
        energy=weights.energy, force=weights.force, stress=weights.stress, scaling=weights.scaling
    )
