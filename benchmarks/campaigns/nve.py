"""Run 100 ps at constant energy with the potential of a campaign; measure the drift.

    python benchmarks/campaigns/nve.py demo_output/aluminium --output docs/campaigns

Writes nve.json and nve.png: total energy, temperature and grade along the trajectory. The drift is
that of a straight line through the total energy.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.campaign import CampaignFolder, summarize
from maxvolt.dataset import Dataset
from maxvolt.sampling import MolecularDynamics, SamplingResult, Thresholds
from maxvolt.selection import read_active_set

TIMESTEP_FS = 2.0
PICOSECONDS = 100
TEMPERATURE = 900


def main() -> None:
    """Run, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaign", type=Path, help="folder of the campaign on aluminium")
    parser.add_argument("--output", type=Path, help="folder for nve.json and nve.png")
    options = parser.parse_args()
    folder = CampaignFolder.find(options.campaign)
    (potential,) = folder.potential_files(folder.iterations()[-1].settings().potential)
    result = run(potential)
    record = summary(result) | {"reliability": summarize(folder).reliability}
    print(json.dumps(record, indent=2))
    if options.output is not None:
        (options.output / "nve.json").write_text(json.dumps(record, indent=2) + "\n")
        draw(result, options.output / "nve.png")


def run(potential: Path) -> SamplingResult:
    """Run a crystal of 108 atoms at constant energy."""
    active_set = read_active_set(potential)
    crystal = bulk("Al", a=4.09, cubic=True) * 3
    scenario = MolecularDynamics(
        name="nve",
        structures=Dataset.from_atoms([crystal]),
        steps=round(1000 * PICOSECONDS / TIMESTEP_FS),
        temperature=2 * TEMPERATURE,  # half of it goes into the lattice
        ensemble="nve",
        timestep_fs=TIMESTEP_FS,
    )
    calculator = MaxvoltCalculator(active_set.potential, query=active_set)
    return scenario.run(calculator, Thresholds(2.0, 10.0), seed=0)


def summary(result: SamplingResult) -> dict[str, float | int | str]:
    """Drift and what went with it."""
    trace = result.trace
    assert trace is not None
    atoms = len(result.last)
    picoseconds = trace.steps * TIMESTEP_FS / 1000
    per_atom = 1000 * trace.total_energies / atoms
    slope, _ = np.polyfit(picoseconds, per_atom, 1)
    settled = picoseconds > 2
    return {
        "end": str(result.reason),
        "picoseconds": float(picoseconds[-1]),
        "drift_meV_per_atom": float(slope * picoseconds[-1]),
        "fluctuation_meV_per_atom": float(per_atom.std()),
        "mean_temperature_K": float(trace.temperatures[settled].mean()),
        "largest_grade": float(trace.grades.max()),
        "milliseconds_per_step": 1000 * result.seconds / max(result.steps, 1),
    }


def draw(result: SamplingResult, path: Path) -> None:
    """Draw energy, temperature and grade."""
    trace = result.trace
    assert trace is not None
    picoseconds = trace.steps * TIMESTEP_FS / 1000
    energy = 1000 * (trace.total_energies - trace.total_energies[0]) / len(result.last)
    figure, axes = plt.subplots(3, sharex=True, figsize=(6.4, 5.2), constrained_layout=True)
    for axis, values, label in zip(
        axes,
        (energy, trace.temperatures, trace.grades),
        ("total energy\n(meV/atom)", "temperature\n(K)", "grade"),
        strict=True,
    ):
        axis.plot(picoseconds, values, linewidth=0.4, color="tab:blue")
        axis.set_ylabel(label)
    axes[0].set_ylim(-1, 1)
    axes[2].axhline(2.0, color="tab:orange", linewidth=0.8, label="select")
    axes[2].legend(loc="upper right")
    axes[2].set_xlabel("time (ps)")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
