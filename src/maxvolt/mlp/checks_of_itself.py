"""Checks of this installation that need no files: derivatives, files read back, grades."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ase import Atoms
from ase.build import bulk

from maxvolt.dataset import Dataset
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.mlp.geometry import as_configurations
from maxvolt.potentials import MTP, read_potential
from maxvolt.selection import ActiveSet, read_active_set
from maxvolt.selection.active_set import THRESHOLD
from maxvolt.unnamed_types import stand_ins

__all__ = ["Check", "checks"]

_STEP = 1e-4
"""Angstrom, or strain; differences are exact to about its square."""

_TOLERANCE = 1e-5
"""Of derivatives, relative to the largest; the square of the step times third derivatives."""

_SPECIES = stand_ins(2)


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked and what came out.

    Attributes
    ----------
    name
        What it is about.
    found, most
        A number, and the largest that is right.
    """

    name: str
    found: float
    most: float

    @property
    def is_right(self) -> bool:
        """Whether the number is within its bound; NaN is not."""
        return self.found <= self.most


def checks() -> Iterator[Check]:
    """Do one check after the other; a few seconds in all."""
    potential = _potential()
    yield Check("forces against differences of the energy", _forces(potential), _TOLERANCE)
    yield Check("stress against differences of the energy", _stress(potential), _TOLERANCE)
    active_set = ActiveSet.from_dataset(potential, _structures())
    grades = active_set.grade(_structures())
    yield Check("largest grade in the active set's own structures", float(grades.max()), THRESHOLD)
    with TemporaryDirectory(prefix="maxvolt-") as folder:
        for name, lost in _kept(Path(folder), potential, active_set):
            yield Check(f"what is lost by writing and reading {name}", lost, 0.0)


def _potential() -> MTP:
    """A small potential of two types with coefficients of no meaning, always the same."""
    potential = MTP(8, _SPECIES, 5.0, 1.9)
    model, random = potential.model, np.random.default_rng(0)
    return potential.with_coefficients(
        random.normal(scale=0.1, size=model.radial_coeffs.shape),
        random.normal(size=len(model.species_coeffs)),
        random.normal(scale=0.1, size=len(model.moment_coeffs)),
    )


def _crystal(seed: int) -> Atoms:
    atoms = bulk("Cu", cubic=True)
    atoms.symbols = [_SPECIES[k % 2] for k in range(len(atoms))]
    random = np.random.default_rng(seed)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + random.normal(scale=0.03, size=(3, 3))), True)
    atoms.positions += random.normal(scale=0.1, size=(len(atoms), 3))
    return atoms


def _structures() -> Dataset:
    return Dataset.from_atoms([_crystal(seed) for seed in range(20)])


def _forces(potential: MTP) -> float:
    atoms = _crystal(0)
    forces = potential.evaluate(atoms).forces
    found = np.empty_like(forces)
    for index in np.ndindex(*forces.shape):

        def moved(step: float, index: tuple[int, ...] = index) -> Atoms:
            other: Atoms = atoms.copy()
            other.positions[index] += step
            return other

        found[index] = -_slope(potential, moved)
    return float(abs(found - forces).max() / abs(forces).max())


def _stress(potential: MTP) -> float:
    atoms = _crystal(0)
    stress = potential.evaluate(atoms).stress
    assert stress is not None  # it is periodic
    found = np.empty(6)
    for number, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):

        def strained(step: float, a: int = a, b: int = b) -> Atoms:
            strain = np.zeros((3, 3))
            strain[a, b] += step / 2
            strain[b, a] += step / 2
            other: Atoms = atoms.copy()
            other.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            return other

        found[number] = _slope(potential, strained) / atoms.get_volume()
    return float(abs(found - stress).max() / abs(stress).max())


def _slope(potential: MTP, at: Callable[[float], Atoms]) -> float:
    high, low = (potential.evaluate(at(step)).energy for step in (_STEP, -_STEP))
    return (high - low) / (2 * _STEP)


def _kept(folder: Path, potential: MTP, active_set: ActiveSet) -> Iterator[tuple[str, float]]:
    """Kinds of files, and the largest difference of what comes back from them."""
    dataset = _structures()
    configurations = as_configurations(dataset, _SPECIES)
    for encoding in ("full", "binary"):
        path = folder / f"{encoding}.cfg"
        write_cfg(path, configurations, encoding="full" if encoding == "full" else "binary")
        again = np.concatenate([one.positions for one in read_cfg(path)])
        kind = "text" if encoding == "full" else "binary"
        yield f"a .cfg ({kind})", float(abs(again - dataset.positions).max())
    potential.write(folder / "pot.mtp")
    again = read_potential(folder / "pot.mtp", _SPECIES).evaluate(dataset[0]).forces
    yield "a potential (.mtp)", float(abs(again - potential.evaluate(dataset[0]).forces).max())
    for name in ("pot.almtp", "state.als"):
        active_set.write(folder / name)
        matrix = read_active_set(folder / name, _SPECIES).matrix
        yield f"an active set ({Path(name).suffix})", float(abs(matrix - active_set.matrix).max())
