"""A line of `mlp`, and files for it: a pair potential that holds crystals together, structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk

import maxvolt
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp import main
from maxvolt.unnamed_types import stand_ins

SPECIES = stand_ins(2)

_CUTOFF, _NEAREST = 5.0, 2.0


def pair_potential() -> maxvolt.MTP:
    """Two types that attract each other as in a Lennard-Jones crystal, nearest at 2.6 A."""
    start = maxvolt.MTP(2, SPECIES, _CUTOFF, _NEAREST, 10)
    r = np.linspace(_NEAREST, _CUTOFF, 400)
    xi = (2 * r - (_NEAREST + _CUTOFF)) / (_CUTOFF - _NEAREST)
    basis = np.polynomial.chebyshev.chebvander(xi, 9) * ((r - _CUTOFF) ** 2)[:, None]
    ratio = (2.35 / r) ** 6
    target = 0.8 * (ratio**2 - ratio) * (1 - (r / _CUTOFF) ** 6) ** 2
    weights = 1.0 / (0.1 + abs(target))
    found = np.linalg.lstsq(basis * weights[:, None], target * weights, rcond=None)[0]
    radial = np.empty(start.model.radial_coeffs.shape)
    radial[:] = found
    radial[0, 1] *= 1.1
    radial[1, 0] *= 1.1
    return start.with_coefficients(radial, np.array([-1.0, -2.0]), np.array([1.0]))


def crystal(seed: int, rattle: float = 0.08) -> Atoms:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.symbols = [SPECIES[k % 2] for k in range(len(atoms))]
    random = np.random.default_rng(seed)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * random.normal(size=(3, 3))), True)
    atoms.positions += rattle * random.normal(size=(len(atoms), 3))
    return atoms


def configuration(atoms: Atoms, **fields: object) -> CfgConfiguration:
    types = np.array([SPECIES.index(symbol) for symbol in atoms.symbols], np.int32)
    return CfgConfiguration(types, atoms.positions, atoms.cell.array * atoms.pbc[:, None], **fields)  # type: ignore[arg-type]


def labelled(atoms: Atoms, potential: maxvolt.MTP, **features: str) -> CfgConfiguration:
    found = potential.evaluate(atoms)
    assert found.stress is not None
    return configuration(
        atoms,
        energy=found.energy,
        forces=found.forces,
        plus_stress=-found.stress * atoms.get_volume(),
        features=features,
    )


@dataclass(frozen=True)
class Files:
    """A folder with pot.mtp, pot.almtp, state.als (active set of train.cfg), train.cfg, in.cfg."""

    folder: Path
    potential: maxvolt.MTP
    active_set: maxvolt.ActiveSet

    def write(self, name: str, configurations: Sequence[CfgConfiguration]) -> Path:
        write_cfg(self.folder / name, configurations)
        return self.folder / name

    def read(self, name: str) -> list[CfgConfiguration]:
        return read_cfg(self.folder / name)


def make_files(folder: Path) -> Files:
    potential = pair_potential()
    training = [crystal(seed) for seed in range(12)]
    active_set = maxvolt.ActiveSet.from_dataset(potential, maxvolt.Dataset.from_atoms(training))
    potential.write(folder / "pot.mtp")
    active_set.write(folder / "pot.almtp")
    active_set.write(folder / "state.als")
    files = Files(folder, potential, active_set)
    files.write("train.cfg", [labelled(atoms, potential, EFS_by="VASP") for atoms in training])
    files.write("in.cfg", [labelled(crystal(seed), potential) for seed in (20, 21, 22)])
    return files


def mlp(*words: str | Path, code: int = 0) -> None:
    """Run a line; the end must be the expected one."""
    assert main([str(word) for word in words]) == code
