"""What a potential says of configurations, noted as MLIP notes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.potentials import TypedPotential
from maxvolt.units import stress_to_plus_stress

__all__ = ["EFS_BY", "predicted"]

EFS_BY = "MultiMTP3"
"""What MLIP notes with energies, forces and stresses of a moment tensor potential."""


def predicted(
    typed: TypedPotential,
    configurations: Sequence[CfgConfiguration],
    path: str | Path,
    threads: int | None = None,
) -> list[CfgConfiguration]:
    """Return configurations with energies, forces and stresses by a potential.

    Those without atoms stay as they are.
    """
    filled = [number for number, one in enumerate(configurations) if len(one)]
    found = list(configurations)
    dataset = typed.dataset([found[number] for number in filled], path)
    results = typed.potential.evaluate_dataset(dataset, threads=threads)
    virials = stress_to_plus_stress(results.stresses, dataset.volumes)
    for s, number in enumerate(filled):
        found[number] = replace(
            found[number],
            energy=float(results.energies[s]),
            forces=results.forces[dataset.atoms_of(s)],
            plus_stress=virials[s] if np.isfinite(virials[s]).all() else None,
            features={**found[number].features, "EFS_by": EFS_BY},
        )
    return found
