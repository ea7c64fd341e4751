"""A moment tensor potential for shocks in aluminium: trained as for the cards, and under pressure.

    python benchmarks/shock_training.py POTENTIALS --output shock.almtp
    python benchmarks/shocks.py POTENTIALS --trained shock.almtp --only clusters

POTENTIALS is the folder of potentials of LAMMPS; Al_mm.eam.fs labels everything. The potential of
benchmarks/aluminium_training.py alone breaks down behind a front, for it has seen no
crystal that is compressed along one direction and hot. Takes a quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

import aluminium_structures as structures
import maxvolt
from aluminium_training import CHOSEN, ITERATIONS, labelled

__all__ = ["main"]

SEED = 11
ALONG_ONE = (1.0, 0.95, 0.9, 0.86, 0.82)
"""Volumes over that of the crystal, compressed along [001], as a front does first."""

ALONG_ALL = (0.94, 0.89, 0.85, 0.82)
"""And along all directions. Below 0.82 the pressure of Al_mm falls, below 0.77 it is a wall."""

KELVIN = (300.0, 700.0, 1200.0, 2000.0, 3000.0)
FRAMES = 6


def compressed(calculator: maxvolt.Calculator, random: np.random.Generator) -> Iterator[Atoms]:
    """Yield frames of crystals and liquids under pressure."""
    for ratios, axes in ((ALONG_ONE, 1), (ALONG_ALL, 3)):
        for ratio in ratios:
            stretch = np.ones(3)
            stretch[3 - axes :] = ratio ** (1 / axes)
            for kelvin in KELVIN:
                atoms = bulk("Al", a=structures.LATTICE_CONSTANT, cubic=True) * 3
                atoms.set_cell(atoms.cell.array * stretch, scale_atoms=True)
                atoms.calc = calculator
                MaxwellBoltzmannDistribution(atoms, temperature_K=kelvin, rng=random)
                motion = Langevin(
                    atoms, 1 * units.fs, temperature_K=kelvin, friction=0.05, rng=random
                )
                motion.run(200)
                for _ in range(FRAMES):
                    motion.run(50)
                    yield atoms.copy()


def under_pressure(reference: Path, work: Path) -> maxvolt.Dataset:
    """Label these frames, unless it was done."""
    path = work / "compressed.extxyz"
    if not path.exists():
        calculator = maxvolt.Calculator(reference, threads=1)
        moved = compressed(calculator, np.random.default_rng(SEED))
        frames = [structures.labelled(atoms, calculator) for atoms in moved]
        maxvolt.write(path, maxvolt.Dataset.from_atoms(frames))
    return maxvolt.read(path)


def main(arguments: list[str] | None = None) -> None:
    """Train, and write the potential with its active set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/aluminium_cards"))
    parser.add_argument("--output", type=Path, default=Path("shock.almtp"))
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    reference = options.potentials / "Al_mm.eam.fs"
    cards, _ = labelled(reference, options.work)
    pressed = under_pressure(reference, options.work)
    test = np.arange(len(pressed)) % 10 == 0
    data = maxvolt.Dataset.concatenate([cards, pressed.select(~test)])
    start = maxvolt.MTP(
        CHOSEN.level, ["Al"], CHOSEN.cutoff, radial_basis_size=CHOSEN.radial,
        min_dist=round(0.99 * maxvolt.minimum_distances(data).overall, 3),
    )  # fmt: skip
    result = maxvolt.fit(
        start, data, validation=pressed.select(test), weights=maxvolt.Weights(*CHOSEN.weights),
        scaling=CHOSEN.scaling, max_iterations=ITERATIONS, threads=1, progress=False,
    )  # fmt: skip
    if result.validation_errors is None or not isinstance(result.potential, maxvolt.MTP):
        raise RuntimeError("a validation set gives validation errors, one start one potential")
    maxvolt.ActiveSet.from_dataset(result.potential, data).write(options.output)
    held_out = result.validation_errors.total
    told = {
        "structures": len(data),
        "held out under pressure, energy (meV/atom)": 1000 * held_out.energy_per_atom.rmse,
        "held out under pressure, force (meV/A)": 1000 * held_out.force_components.rmse,
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
