"""Low-rank potentials of Ag-Pd beside icet's cluster expansions: errors, parameters, speed.

    python benchmarks/lattice_alloys.py SHARED --output docs/lattice

SHARED is the folder of shared data; data/agpd_mixing has 625 fcc structures with mixing energies by
density-functional theory. Both are cross-validated on the same ten folds. Swaps are timed in one
process, one after the other, in the same supercell of 4,000 sites. Needs icet.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from ase.db import connect
from numpy.typing import NDArray

from maxvolt.fitting.lattice.arrangements import Arrangement
from maxvolt.fitting.lattice.low_rank_fit import LowRankSettings, fit_low_rank
from maxvolt.fitting.lattice.scan import cross_validated
from maxvolt.potentials.lattice.chain import Chain
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.mapping import on_lattice
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.annealing import random_occupation
from maxvolt.report.output import write_json

__all__ = ["main"]

LATTICE_CONSTANT = 4.09
FOLDS, SEED = 10, 0
CHOICES = (
    LowRankSettings(shells=1, rank=2, ridge=1e-3),
    LowRankSettings(shells=1, rank=4, ridge=1e-3),
    LowRankSettings(shells=2, rank=2, ridge=1e-3),
    LowRankSettings(shells=2, rank=3, ridge=1e-3),
    LowRankSettings(shells=2, rank=4, ridge=1e-3),
)
CUTOFFS = ((6.0,), (6.0, 4.5), (13.5, 6.0, 5.5))
"""Of pairs, triplets and quadruplets, Angstrom; the last are those of icet's tutorial."""

FITS = ("ridge", "ardr")
TEMPERATURE = 800.0
REPEATS = 10
ATTEMPTS = {"low-rank": 20_000_000, "mchammer": 20_000}


def structures(shared: Path) -> tuple[list[Any], NDArray[np.float64]]:
    """Structures and mixing energies, eV/atom."""
    rows = list(connect(shared / "data" / "agpd_mixing" / "reference_data.db").select())
    return [row.toatoms() for row in rows], np.array([row.mixing_energy for row in rows])


def rmse(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Root mean square difference, meV."""
    return float(1000 * np.sqrt(np.mean((left - right) ** 2)))


def low_rank(
    parent: ParentLattice, atoms: list[Any], energies: NDArray[np.float64], folds: NDArray[Any]
) -> list[dict[str, Any]]:
    """Fit and cross-validate each choice."""
    mapped = [on_lattice(one, parent) for one in atoms]
    data = [
        Arrangement(one.supercell, one.occupation, energy * len(one.occupation))
        for one, energy in zip(mapped, energies, strict=True)
    ]
    found = []
    for chosen in CHOICES:
        began = time.process_time()
        fitted = fit_low_rank(parent, data, chosen)
        seconds = time.process_time() - began
        predicted = cross_validated(parent, data, chosen, folds)
        found.append(
            {
                "shells": chosen.shells, "rank": chosen.rank, "ridge": chosen.ridge,
                "parameters": fitted.potential.n_parameters, "fit (s)": seconds,
                "training (meV/atom)": 1000 * fitted.rmse,
                "cross-validation (meV/atom)": rmse(predicted, energies),
            }
        )  # fmt: skip
        print(found[-1], flush=True)
    return found


def cluster_expansions(
    atoms: list[Any], energies: NDArray[np.float64], folds: NDArray[Any]
) -> list[dict[str, Any]]:
    """The same by icet."""
    from icet import ClusterSpace
    from trainstation import Optimizer

    found = []
    for cutoffs in CUTOFFS:
        space = ClusterSpace(bulk("Ag", "fcc", LATTICE_CONSTANT), list(cutoffs), ["Ag", "Pd"])
        rows = np.array([space.get_cluster_vector(ideal(one)) for one in atoms])
        for method in FITS:

            def fitted(chosen: NDArray[Any], method: str = method, rows: Any = rows) -> Any:
                optimizer = Optimizer((rows[chosen], energies[chosen]), method, train_size=1.0)
                optimizer.train()
                return optimizer

            began = time.process_time()
            every = fitted(np.ones(len(rows), bool))
            seconds = time.process_time() - began
            predicted = np.empty(len(rows))
            for fold in range(FOLDS):
                predicted[folds == fold] = rows[folds == fold] @ fitted(folds != fold).parameters
            found.append(
                {
                    "cutoffs": list(cutoffs), "method": method, "parameters": len(space),
                    "nonzero": int(np.count_nonzero(every.parameters)), "fit (s)": seconds,
                    "training (meV/atom)": rmse(rows @ every.parameters, energies),
                    "cross-validation (meV/atom)": rmse(predicted, energies),
                }
            )  # fmt: skip
            print(found[-1], flush=True)
    return found


def ideal(atoms: Any) -> Any:
    """The structure on the lattice without relaxation, as icet wants it."""
    parent = ParentLattice.of(bulk("Ag", "fcc", LATTICE_CONSTANT), ["Ag", "Pd"])
    mapped = on_lattice(atoms, parent)
    return parent.atoms(mapped.supercell, mapped.occupation)


def speeds(
    parent: ParentLattice, atoms: list[Any], energies: NDArray[np.float64]
) -> dict[str, float]:
    """Swaps a second, canonical, half silver, half palladium."""
    from icet import ClusterExpansion, ClusterSpace
    from mchammer.calculators import ClusterExpansionCalculator
    from mchammer.ensembles import CanonicalEnsemble
    from trainstation import Optimizer

    mapped = [on_lattice(one, parent) for one in atoms]
    data = [
        Arrangement(one.supercell, one.occupation, energy * len(one.occupation))
        for one, energy in zip(mapped, energies, strict=True)
    ]
    found: dict[str, float] = {}

    def timed(name: str, attempts: int, run: Callable[[], object]) -> None:
        began = time.perf_counter()
        run()
        found[name] = attempts / (time.perf_counter() - began)
        print(name, found[name], flush=True)

    space = ClusterSpace(bulk("Ag", "fcc", LATTICE_CONSTANT), [6.0, 4.5], ["Ag", "Pd"])
    rows = np.array([space.get_cluster_vector(ideal(one)) for one in atoms])
    optimizer = Optimizer((rows, energies), "ridge", train_size=1.0)
    optimizer.train()
    supercell = Supercell.of(REPEATS * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))
    occupation = random_occupation(parent, supercell, {"Ag": 1, "Pd": 1}, SEED)
    cubic = parent.atoms(supercell, occupation)
    calculator = ClusterExpansionCalculator(cubic, ClusterExpansion(space, optimizer.parameters))
    ensemble = CanonicalEnsemble(cubic, calculator, TEMPERATURE, random_seed=SEED)
    timed("mchammer", ATTEMPTS["mchammer"], lambda: ensemble.run(ATTEMPTS["mchammer"]))
    for chosen in (CHOICES[1], CHOICES[3]):
        potential = fit_low_rank(parent, data, chosen).potential
        chain = Chain(Hamiltonian.of(potential, supercell), occupation, SEED)
        name = f"low-rank, {chosen.shells} shells, rank {chosen.rank}"
        timed(name, ATTEMPTS["low-rank"], lambda: chain.run(TEMPERATURE, ATTEMPTS["low-rank"]))  # noqa: B023
        large = Supercell.of(63 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))
        many = random_occupation(parent, large, {"Ag": 1, "Pd": 1}, SEED)
        chain = Chain(Hamiltonian.of(potential, large), many, SEED)
        name += f", {len(many)} sites"
        timed(name, ATTEMPTS["low-rank"], lambda: chain.run(TEMPERATURE, ATTEMPTS["low-rank"]))  # noqa: B023
    return found


def main(arguments: list[str] | None = None) -> None:
    """Fit, time, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--output", type=Path, default=Path("lattice_output"))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    atoms, energies = structures(options.shared)
    parent = ParentLattice.of(bulk("Ag", "fcc", LATTICE_CONSTANT), ["Ag", "Pd"])
    folds = np.random.default_rng(SEED).permutation(len(atoms)) % FOLDS
    document = {
        "structures": len(atoms),
        "cluster expansions": cluster_expansions(atoms, energies, folds),
        "low-rank": low_rank(parent, atoms, energies, folds),
        "swaps a second": speeds(parent, atoms, energies),
    }
    write_json(document, options.output / "agpd.json")


if __name__ == "__main__":
    main()
