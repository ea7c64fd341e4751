"""Errors of a potential as MLIP reports them."""

from __future__ import annotations

from collections.abc import Sequence

from maxvolt.cli.console import progress_bar
from maxvolt.errors import DataError
from maxvolt.fitting.error_statistics import ErrorReport
from maxvolt.fitting.prediction_errors import compute_errors
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.potentials import TypedPotential
from maxvolt.parallel.ranks import Ranks
from maxvolt.potentials.stepped import SteppedPotential
from maxvolt.report import format_mlip_errors

__all__ = ["compared", "report_of"]


def compared(
    potential: TypedPotential,
    configurations: Sequence[CfgConfiguration],
    path: str,
    ranks: Ranks,
    named: str | None = None,
) -> ErrorReport:
    """Compare what a potential says with the labels of configurations.

    Parameters
    ----------
    potential
        Trained.
    configurations, path
        As of `TypedPotential.dataset`.
    ranks
        Processes that share the work.
    named
        What messages call the file, by default its path.

    Raises
    ------
    DataError
        There are no labels.
    """
    dataset = potential.dataset(configurations, path)
    if not (dataset.has_energy | dataset.has_forces | dataset.has_stress).any():
        raise DataError(f"{named or path}: holds no energy, force or stress to compare with")
    with progress_bar("evaluating", len(dataset)) as advance:
        return compute_errors(SteppedPotential(potential.potential, advance, ranks), dataset)


def report_of(errors: ErrorReport, version: int) -> str:
    """Errors in the form of a version of MLIP: forces by components in 2, by vectors in 3."""
    return format_mlip_errors(errors, force_vectors=version == 3)
