"""Files as users of MLIP have them: potentials and configurations whose types have no names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxvolt import MTP
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.evaluation import evaluated
from maxvolt.mlp.potentials import TypedPotential, read_typed
from maxvolt.parallel.ranks import ONE_PROCESS
from maxvolt.unnamed_types import stand_ins

__all__ = ["configurations", "features", "labelled", "random_potential"]


def random_potential(path: Path, level: int = 4, types: int = 2, seed: int = 0) -> TypedPotential:
    """Write a trained potential with random coefficients and read it again."""
    rng = np.random.default_rng(seed)
    new = MTP(level, stand_ins(types), cutoff=4.0, min_dist=2.0, radial_basis_size=4)
    model = new.model
    trained = new.with_coefficients(
        rng.normal(size=model.radial_coeffs.shape),
        rng.normal(size=types),
        0.05 * rng.normal(size=len(model.moment_coeffs)),
        scaling=0.1,
    )
    trained.write(path)
    return read_typed(path)


def configurations(
    count: int, labels: Sequence[int] = (0, 1), *, seed: int = 0, size: float = 4.1
) -> list[CfgConfiguration]:
    """Distorted fcc cells of four atoms, whose types are random."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        cell = size * np.eye(3) + rng.normal(scale=0.1, size=(3, 3))
        fractions = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        positions = fractions @ cell + rng.normal(scale=0.1, size=(4, 3))
        types = np.array(labels, np.int32)[rng.integers(len(labels), size=4)]
        found.append(CfgConfiguration(types, positions, cell, features={"EFS_by": "VASP"}))
    return found


def labelled(
    path: Path, truth: TypedPotential, unlabelled: Sequence[CfgConfiguration]
) -> list[CfgConfiguration]:
    """Write configurations with the results of a potential as labels; as the file has them."""
    exact = replace(truth, labels=tuple(sorted({int(t) for c in unlabelled for t in c.types})))
    known = exact if len(exact.labels) == len(truth.labels) else truth
    write_cfg(path, evaluated(known, unlabelled, path, ONE_PROCESS), encoding="full")
    return read_cfg(path)


def features(path: Path, name: str) -> list[str]:
    """A feature of each configuration of a file."""
    return [one.features[name] for one in read_cfg(path)]
