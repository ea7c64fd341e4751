"""How sure volume and pressure of the Lennard-Jones liquid are: other seeds and other barostats.

    python benchmarks/lennard_jones_density.py --seeds 11 12 13 --output docs/properties

Simulates the state of NIST's tables (benchmarks/lennard_jones.py), 256 atoms and 200 ps, at
constant pressure with barostats for a bulk modulus of 1 and of 3 GPa, and at constant volume; what
is in the file already is not simulated again. Each takes two minutes of a core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ase.build import bulk

import lennard_jones as lj
import maxvolt
from maxvolt.properties import Keeping
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.properties.statistics import series_mean
from maxvolt.report.output import write_json
from maxvolt.units import GPA_PER_EV_A3

FILE = "lennard_jones_density.json"
TIMESTEP = 8.0
HOT, SETTLING, STEPS = 2000, 4000, 25000
EVERY = 10
LEFT_OUT = 0.1
"""Of the recorded values, at the beginning."""


def simulated(calculator: maxvolt.Calculator, stiffness: float | None, seed: int) -> dict[str, Any]:
    """Melt a crystal at the density of the tables, and average; None: at constant volume."""
    state, keeping, purpose = lj.NIST, Keeping(), "density"
    atoms = bulk("Ar", "fcc", a=(4 * state.volume) ** (1 / 3), cubic=True) * 4
    for name, steps, temperature, own in (
        ("hot", HOT, 300.0, 100 + seed),
        ("settling", SETTLING, state.kelvin, 200 + seed),
    ):
        plan = Plan(name, steps, TIMESTEP, temperature, "nvt", seed=own)
        atoms = simulate(calculator, atoms, plan, keeping, purpose).last
    own = 300 + seed
    if stiffness is None:
        plan = Plan("volume", STEPS, TIMESTEP, state.kelvin, "nvt", seed=own)
    else:
        pressure = state.pressure_of_the_cut
        plan = Plan(
            "pressure", STEPS, TIMESTEP, state.kelvin, "npt",
            pressure=pressure, bulk_modulus=stiffness, seed=own,
        )  # fmt: skip
    found = simulate(calculator, atoms, plan, keeping, purpose)
    begin, count = int(LEFT_OUT * STEPS / EVERY), len(atoms)
    series = {
        "temperature_K": found.temperatures,
        "pressure_GPa": found.pressures * GPA_PER_EV_A3,
        "volume_A3": found.volumes / count,
        "energy_eV": (found.energies + found.kinetic) / count,
    }
    means = {name: series_mean(values[begin:], 0) for name, values in series.items()}
    return {name: [mean.mean, float(mean.error)] for name, mean in means.items()}


def main() -> None:
    """Simulate what is missing, and print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--output", type=Path, default=Path())
    options = parser.parse_args()
    file = options.output / FILE
    runs = json.loads(file.read_text()) if file.exists() else {}
    with TemporaryDirectory() as folder:
        potential = maxvolt.load(lj.write_table(Path(folder)))
    calculator = maxvolt.Calculator(potential, threads=1)
    for seed in options.seeds:
        for stiffness in (1.0, 3.0, None):
            name = "constant volume" if stiffness is None else f"barostat for {stiffness:g} GPa"
            name += f", seed {seed}"
            if name not in runs:
                runs[name] = simulated(calculator, stiffness, seed)
                write_json(runs, file)
            print(name, {key: f"{a:.6g} +- {b:.2g}" for key, (a, b) in runs[name].items()})


if __name__ == "__main__":
    main()
