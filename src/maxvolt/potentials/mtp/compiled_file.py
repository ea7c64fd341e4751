"""Compiled model files, which the core reads without Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.files import replacing
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.model import Model

__all__ = ["MEASURES", "ErrorRecord", "error_arrays", "write_compiled_model"]

MEASURES = ("grade", "posterior", "force length")
"""Of which the core makes expected errors, in the order of its numbers of them."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorRecord:
    """What makes expected force errors of k measures, equations (44) to (48) of docs/formulation.

    Attributes
    ----------
    measures : tuple of str
        Of `MEASURES`.
    factor : shape (P, r)
        Factor of the covariance of the parameters of the file; r is 0 where no measure needs it.
    floors, exponents, largest : shape (k,)
        Of the mean error as a function of the measures, and the largest values held out.
    prefactor : float
        Expected error where all measures with their floors are 1, eV/Angstrom.
    edges : shape (b - 1,)
        Expected errors between bins.
    scores : tuple of b arrays
        Ratios of errors and what was expected of them, ascending.
    structures : shape (b,)
    reached : shape (b, levels)
        As of `maxvolt.uncertainty.conformal.ConformalScores`.
    """

    measures: tuple[str, ...]
    factor: Array
    floors: Array
    exponents: Array
    largest: Array
    prefactor: float
    edges: Array
    scores: tuple[Array, ...]
    structures: Array
    reached: Array


def write_compiled_model(
    path: str | Path,
    core: _core.Core,
    species: Sequence[str],
    model: Model,
    active_set: ActiveSetRecord | None,
    errors: ErrorRecord | None = None,
) -> None:
    """Write a compiled model file; it appears whole or not at all.

    Parameters
    ----------
    path
        The file.
    core, species, model
        Of a trained potential.
    active_set
        By which programs grade that read the file.
    errors
        By which they expect errors.
    """
    arrays = None if active_set is None else _of_kernels(active_set, model)
    calibration = None if errors is None else error_arrays(errors, model)
    content = core.file_bytes(list(species), arrays, calibration)
    with replacing(path) as stream:
        stream.write(content)


def _of_kernels(active_set: ActiveSetRecord, model: Model) -> _core.ActiveSetArrays:
    """Make an active set one of the rows of the kernels.

    Those are gradients by the product of a radial coefficient and the scaling of the file, where
    the rows of the file are by the coefficient.
    """
    inverse = active_set.inverse.copy()
    inverse[: model.n_radial] *= model.scaling
    return _core.ActiveSetArrays(
        energy_weight=active_set.energy_weight,
        force_weight=active_set.force_weight,
        stress_weight=active_set.stress_weight,
        site_energy_weight=active_set.site_energy_weight,
        weight_scaling=active_set.weight_scaling,
        inverse=inverse.ravel(),
    )


def error_arrays(errors: ErrorRecord, model: Model) -> _core.ErrorArrays:
    """Make a calibration one of the rows of the kernels; see `_of_kernels`.

    Lengths of products with the factor are those with a triangular one, which costs half as much.
    """
    factor = np.ascontiguousarray(np.linalg.qr(errors.factor.T).R.T)
    factor[: model.n_radial] *= model.scaling
    return _core.ErrorArrays(
        n_columns=factor.shape[1],
        factor=factor.ravel(),
        measures=np.array([MEASURES.index(name) for name in errors.measures], np.int32),
        floors=errors.floors,
        exponents=errors.exponents,
        largest=errors.largest,
        prefactor=errors.prefactor,
        edges=errors.edges,
        score_counts=np.array([len(scores) for scores in errors.scores], np.int32),
        scores=np.concatenate(errors.scores),
        structures=errors.structures,
        reached=errors.reached.ravel(),
    )
