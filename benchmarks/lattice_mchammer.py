"""Semi-grand-canonical Monte Carlo beside icet's mchammer, with the same energies.

    python benchmarks/lattice_mchammer.py SHARED --output docs/lattice

SHARED is the folder of shared data; data/agpd_mixing has 625 fcc structures with mixing energies by
density-functional theory. A cluster expansion of pairs up to the second shell is fitted to them by
icet and written as a low-rank potential of rank 2, which is the same: energies of random
arrangements agree to rounding. Both programs then change species one by one in the same supercell
of 256 sites, at the same temperatures and chemical potentials. Writes mchammer.json. Needs icet,
which takes most of the three minutes of one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from numpy.typing import NDArray

from ising_model import pairs_of_spins
from lattice_alloys import LATTICE_CONSTANT, ideal, structures
from maxvolt.potentials.lattice import Chain, Hamiltonian, LowRankPotential, Supercell
from maxvolt.properties.lattice import random_occupation
from maxvolt.properties.statistics import series_mean
from maxvolt.report.output import write_json

__all__ = ["SPECIES", "compared", "low_rank_of", "main", "mchammer_chain", "our_chain"]

SPECIES = ("Ag", "Pd")
CUTOFF = 4.2
"""Of pairs, Angstrom: two shells."""

CUBES = 4
"""Repeats of the cube of four sites."""

PLACES = tuple(
    (temperature, difference)
    for temperature in (800.0, 400.0, 250.0)
    for difference in (-0.15, -0.05, 0.05, 0.15)
)
"""Temperature (K) and chemical potential of Pd less that of Ag (eV)."""

SWEEPS = {"mchammer": 4_000, "maxvolt": 20_000}
EQUILIBRATION = 0.2
"""Of the sweeps, before those that count."""


def cluster_expansion(shared: Path) -> Any:
    """Pairs of two shells, fitted by icet."""
    from icet import ClusterExpansion, ClusterSpace
    from trainstation import Optimizer

    atoms, energies = structures(shared)
    space = ClusterSpace(bulk("Ag", "fcc", LATTICE_CONSTANT), [CUTOFF], list(SPECIES))
    rows = np.array([space.get_cluster_vector(ideal(one)) for one in atoms])
    optimizer = Optimizer((rows, energies), "ridge", train_size=1.0)
    optimizer.train()
    return ClusterExpansion(space, optimizer.parameters)


def low_rank_of(expansion: Any) -> LowRankPotential:
    """The low-rank potential that has the energies of a cluster expansion of two shells of pairs.

    Its four numbers follow from energies of arrangements, which are linear in them.
    """
    primitive = bulk("Ag", "fcc", LATTICE_CONSTANT)
    unit = [pairs_of_spins(primitive, one, SPECIES) for one in ((1.0, 0.0), (0.0, 1.0))]
    parent, cell = unit[0].parent, Supercell.of([3, 3, 4])
    rows, energies = [], []
    for seed in range(12):
        share = (seed + 0.5) / 12
        occupation = random_occupation(parent, cell, {"Ag": 1 - share, "Pd": share}, seed)
        counts = np.bincount(occupation, minlength=2) / len(occupation)
        pairs = [one.energy(cell, occupation) / len(occupation) for one in unit]
        rows.append([*counts, *pairs])
        energies.append(expansion.predict(parent.atoms(cell, occupation)))
    found, *_ = np.linalg.lstsq(np.array(rows), np.array(energies), rcond=None)
    both = pairs_of_spins(primitive, tuple(found[2:].tolist()), SPECIES)
    return replace(both, atomic=found[None, :2])


def supercell() -> Supercell:
    """Of both programs."""
    return Supercell.of(CUBES * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))


def mchammer_chain(
    expansion: Any, atoms: Any, temperature: float, difference: float, sweeps: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of Pd and energy per site (eV) after each sweep."""
    from mchammer.calculators import ClusterExpansionCalculator
    from mchammer.ensembles import SemiGrandCanonicalEnsemble

    n = len(atoms)
    chain = SemiGrandCanonicalEnsemble(
        atoms, ClusterExpansionCalculator(atoms, expansion), temperature,
        dict(zip(SPECIES, (0.0, difference), strict=True)), random_seed=seed,
        ensemble_data_write_interval=n,
    )  # fmt: skip
    chain.run(sweeps * n)
    rows = chain.data_container.data[1:]  # the first is where it began
    return rows["Pd_count"].to_numpy(float) / n, rows["potential"].to_numpy(float) / n


def our_chain(
    potential: LowRankPotential, cell: Supercell, occupation: NDArray[np.int64],
    temperature: float, difference: float, sweeps: int, seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """The same by the compiled core."""
    n = len(occupation)
    chain = Chain(Hamiltonian.of(potential, cell), occupation, seed)
    samples = chain.run(temperature, sweeps * n, every=n, chemical_potentials=(0.0, difference))
    return samples.counts[:, 1] / n, samples.energies / n


def compared(
    theirs: tuple[NDArray[np.float64], NDArray[np.float64]],
    ours: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> dict[str, Any]:
    """Means with errors by blocks, and how many errors they are apart."""
    found: dict[str, Any] = {}
    for name, one, two in zip(("share of Pd", "energy (eV/atom)"), theirs, ours, strict=True):
        means = [
            series_mean(values[int(EQUILIBRATION * len(values)) :], 0) for values in (one, two)
        ]
        found[name] = {
            "mchammer": [means[0].mean, means[0].error],
            "maxvolt": [means[1].mean, means[1].error],
            "errors apart": float(
                (means[0].mean - means[1].mean) / np.hypot(means[0].error, means[1].error)
            ),
        }
    return found


def main(arguments: list[str] | None = None) -> None:
    """Fit, translate, simulate by both, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--output", type=Path, default=Path("lattice_output"))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    expansion = cluster_expansion(options.shared)
    potential, cell = low_rank_of(expansion), supercell()
    begin = random_occupation(potential.parent, cell, {"Ag": 1, "Pd": 1}, 0)
    apart = []
    for seed in range(20):
        occupation = np.random.default_rng(seed).integers(0, 2, len(begin))
        theirs = expansion.predict(potential.parent.atoms(cell, occupation))
        apart.append(theirs - potential.energy(cell, occupation) / len(occupation))
    atoms, rows, seconds = potential.parent.atoms(cell, begin), [], dict.fromkeys(SWEEPS, 0.0)
    for temperature, difference in PLACES:
        started = time.process_time()
        theirs = mchammer_chain(expansion, atoms, temperature, difference, SWEEPS["mchammer"])
        between = time.process_time()
        ours = our_chain(potential, cell, begin, temperature, difference, SWEEPS["maxvolt"])
        seconds["mchammer"] += between - started
        seconds["maxvolt"] += time.process_time() - between
        rows.append(
            {"temperature (K)": temperature, "mu(Pd) - mu(Ag) (eV)": difference,
             **compared(theirs, ours)}
        )  # fmt: skip
        print(rows[-1], flush=True)
    document = {
        "sites": len(begin), "sweeps": SWEEPS, "core seconds": seconds,
        "largest difference of energies of 20 arrangements (eV/atom)": float(np.abs(apart).max()),
        "root mean square of errors apart": {
            name: float(np.sqrt(np.mean([row[name]["errors apart"] ** 2 for row in rows])))
            for name in ("share of Pd", "energy (eV/atom)")
        },
        "places": rows,
    }  # fmt: skip
    write_json(document, options.output / "mchammer.json")


if __name__ == "__main__":
    main()
