"""Compiled model files, which the core reads without Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxvolt.compiled import _core
from maxvolt.files import replacing
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.model import Model

__all__ = ["write_compiled_model"]


def write_compiled_model(
    path: str | Path,
    core: _core.Core,
    species: Sequence[str],
    model: Model,
    active_set: ActiveSetRecord | None,
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
    """
    arrays = None if active_set is None else _of_kernels(active_set, model)
    content = core.file_bytes(list(species), arrays)
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
