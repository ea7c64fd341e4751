"""Critical temperatures of the Ising model on square and simple cubic lattices.

    python benchmarks/lattice_ising.py --output docs/lattice

The model is a low-rank potential. Binder's cumulants of pairs of sizes, reweighted from one
simulation each near the transition, cross at the critical temperature; the crossings of eight seeds
give its error. Exact are 2.2692 (L. Onsager) and, from simulations of others, 4.5115 J/k_B. Writes
ising.json and ising.png. Takes a quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ising_model import ising_model
from maxvolt.potentials.lattice import Chain, Hamiltonian, LowRankPotential, Supercell
from maxvolt.properties.lattice import binder_cumulant, cumulant_crossing
from maxvolt.report.output import save_figure, write_json

__all__ = ["main"]

EXACT = {2: 2.0 / np.log(1.0 + np.sqrt(2.0)), 3: 4.5115}
SIMULATED = {2: 2.27, 3: 4.51}
"""Temperatures of the simulations."""

RANGE = {2: (2.24, 2.30), 3: (4.46, 4.56)}
"""In which crossings are looked for."""

SIZES = {2: (12, 24, 48), 3: (6, 10, 16)}
SEEDS = range(8)
EQUILIBRATION, PRODUCTION, EVERY = 5_000, 100_000, 2
"""Sweeps; sweeps between samples."""


def sampled(
    potential: LowRankPotential, dimensions: int, size: int, seed: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Moments per site and energies of one simulation."""
    supercell = Supercell.of([size, size, size if dimensions == 3 else 1])
    n = supercell.n_cells
    chain = Chain(Hamiltonian.of(potential, supercell), np.zeros(n, int), seed)
    beta = 1.0 / SIMULATED[dimensions]
    chain.run_at(beta, EQUILIBRATION * n, chemical_potentials=(0.0, 0.0))
    samples = chain.run_at(beta, PRODUCTION * n, EVERY * n, (0.0, 0.0))
    return (samples.counts[:, 0] - samples.counts[:, 1]) / n, samples.energies


def cumulant(
    found: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], beta: float, other: float
) -> float:
    """Of one simulation at another inverse temperature."""
    return binder_cumulant(*found, beta, other)


def critical(dimensions: int) -> dict[str, Any]:
    """Crossings of neighbouring sizes, and the curves of one seed."""
    potential, beta = ising_model(dimensions), 1.0 / SIMULATED[dimensions]
    low, high = RANGE[dimensions]
    curves = {
        size: [
            partial(cumulant, sampled(potential, dimensions, size, seed), beta) for seed in SEEDS
        ]
        for size in SIZES[dimensions]
    }
    pairs = {}
    for small, large in zip(SIZES[dimensions][:-1], SIZES[dimensions][1:], strict=True):
        crossings = [
            1.0 / cumulant_crossing(curves[small][seed], curves[large][seed], (1 / high, 1 / low))
            for seed in SEEDS
        ]
        mean = float(np.mean(crossings))
        pairs[f"{small}, {large}"] = {
            "critical temperature": mean,
            "error": float(np.std(crossings, ddof=1) / np.sqrt(len(crossings))),
            "per cent off": 100 * (mean / EXACT[dimensions] - 1),
        }
        print(dimensions, small, large, pairs[f"{small}, {large}"], flush=True)
    temperatures = np.linspace(low, high, 13)
    drawn = {
        str(size): [float(np.mean([one(1 / t) for one in curves[size]])) for t in temperatures]
        for size in curves
    }
    return {
        "exact": EXACT[dimensions],
        "crossings": pairs,
        "temperatures": temperatures.tolist(),
        "cumulants": drawn,
    }


def main(arguments: list[str] | None = None) -> None:
    """Simulate, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("ising_output"))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    found = {f"{dimensions} dimensions": critical(dimensions) for dimensions in (2, 3)}
    write_json(found, options.output / "ising.json")
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    for axes, (name, one) in zip(figure.subplots(1, 2), found.items(), strict=True):
        for size, values in one["cumulants"].items():
            axes.plot(one["temperatures"], values, ".-", label=f"{size} sites along each edge")
        axes.axvline(one["exact"], color="0.5", linestyle="--", label="known")
        axes.set(xlabel="temperature (J/k_B)", ylabel="cumulant", title=name)
        axes.legend(fontsize="small")
    save_figure(figure, options.output / "ising.png")


if __name__ == "__main__":
    main()
