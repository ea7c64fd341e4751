"""Harmonic and anharmonic entropy of NbMoTaW against temperature.

    python run.py --data SHARED/data/nbmotaw --output nbmotaw_output             # half an hour
    python run.py --potential SHARED/reference/mlip3/trained/MoNbTaW.mtp --quick --output quick

A moment tensor potential is trained on calculations of the elements and of pairs of them (Li et
al., npj Comput. Mater. 6, 70, 2020); the four together are what it is asked for. The alloy is a
special quasi-random structure by icet. Its entropy comes from thermodynamic integration in LAMMPS,
that of the harmonic crystal at the same volume from its vibrations. Needs icet and LAMMPS with the
plugin. What is done is kept in the output folder: the same command goes on from there. --potential
takes a trained one, whose species are those of this file where it does not name them. --quick
takes few picoseconds, and gives numbers without worth, in a minute.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import LBFGS

import maxvolt
from maxvolt.properties.free_energy import FreeEnergySettings, Interaction, free_energies
from maxvolt.report.output import save_figure, write_json

SPECIES = ("Nb", "Mo", "Ta", "W")
CUTOFF = 5.0
CELLS = 4
"""Cubic cells of two atoms along each axis."""

TEMPERATURES, QUICK_TEMPERATURES = (300.0, 600.0, 900.0, 1200.0, 1600.0, 2000.0, 2400.0), (300.0,)
SEEDS = (1, 2, 3, 4, 5)
LEVEL = 12
STRUCTURES = 1500
"""Of the training set, by chance: its order is that of kinds, and every other one is relaxed."""

AVERAGING = {"averaging_time": 200.0}
"""ps: entropies of 0.003 k_B need mean energies that are as good."""

PAIRS = (3.0, 3.6, 4.7)
"""Angstrom: between the shells of neighbours whose pairs are as by chance."""


def trained(data: Path, output: Path) -> Path:
    """Train the potential, with an active set, and write its errors."""
    path = output / "nbmotaw.almtp"
    if path.exists():
        return path
    structures = read(data / "MoNbTaW_train.xyz", index=":")
    chosen = np.random.default_rng(0).permutation(len(structures))[:STRUCTURES]
    training = maxvolt.Dataset.from_atoms([structures[k] for k in chosen])
    test = maxvolt.read(data / "MoNbTaW_test.xyz")
    shortest = maxvolt.minimum_distances(training).overall
    start = maxvolt.MTP(LEVEL, list(SPECIES), CUTOFF, min_dist=round(0.95 * shortest, 2))
    found = maxvolt.fit(start, training, validation=test, threads=1)
    report = found.validation_errors
    assert report is not None
    errors = {
        "level": LEVEL,
        "structures": len(chosen),
        "test energies (meV/atom)": 1e3 * report.total.energy_per_atom.rmse,
        "test forces (meV/A)": 1e3 * report.total.force_components.rmse,
    }
    write_json(errors, output / "training.json")
    maxvolt.ActiveSet.from_dataset(found.potential, training).write(path)
    return path


def taken(potential: Path, output: Path) -> Path:
    """Take a potential that is trained, with the names of its species."""
    path = output / "taken.mtp"
    maxvolt.load(potential, species=SPECIES).write(path)
    write_json({"potential": potential.name}, output / "training.json")
    return path


def quasi_random(output: Path, potential: Path) -> Atoms:
    """Make the alloy with icet, and relax it with the potential."""
    path = output / "alloy.xyz"
    if not path.exists():
        from icet import ClusterSpace
        from icet.tools.structure_generation import generate_sqs_from_supercells

        space = ClusterSpace(bulk("W", "bcc", a=3.24), list(PAIRS[-1:]), list(SPECIES))
        cell = bulk("W", "bcc", a=3.24, cubic=True).repeat(CELLS)
        quarters = dict.fromkeys(SPECIES, 0.25)
        alloy = generate_sqs_from_supercells(space, [cell], quarters, random_seed=1)
        alloy.calc = maxvolt.Calculator(potential)
        moving: Any = FrechetCellFilter(alloy)
        LBFGS(moving, logfile=None).run(fmax=1e-3, steps=500)
        write(path, Atoms(alloy.symbols, alloy.positions, cell=alloy.cell, pbc=True))
    found = read(path)  # the digits of the file, whoever wrote it
    assert isinstance(found, Atoms)
    return found


def short_range_order(alloy: Atoms, species: Sequence[str] = SPECIES) -> dict[str, float]:
    """Largest parameter of Warren and Cowley in each shell: 0 for a random alloy."""
    from ase.neighborlist import neighbor_list

    first, second, distances = neighbor_list("ijd", alloy, PAIRS[-1])
    symbols = np.array(alloy.get_chemical_symbols())
    largest = {}
    for shell, (inner, outer) in enumerate(zip((0.0, *PAIRS), PAIRS, strict=False), start=1):
        inside = (distances > inner) & (distances < outer)
        if not inside.any():
            continue
        order = [
            1
            - np.mean(symbols[second[inside & (symbols[first] == a)]] == b) / np.mean(symbols == b)
            for a in species
            for b in species
            if a != b
        ]
        largest[f"shell {shell}"] = float(max(order, key=abs))
    return largest


def entropies(
    output: Path, potential: Path, alloy: Atoms, temperatures: tuple[float, ...], *, quick: bool
) -> list[dict[str, Any]]:
    """Compute free energies, and take entropies from them, k_B/atom."""
    times = AVERAGING
    if quick:
        times = {f"{one}_time": 0.5 for one in ("equilibration", "averaging", "switching")}
    settings = FreeEnergySettings(
        temperatures=temperatures, atoms=len(alloy), seeds=SEEDS[: 2 if quick else None], **times
    )
    interaction = Interaction.of_potential(potential, " ".join(SPECIES))
    found = free_energies(interaction, alloy, settings, output / "stages")
    for failure in found.failures:
        print(failure)
    rows = []
    for one in found.states:
        assert one.harmonic is not None
        harmonic = one.harmonic.entropy / units.kB
        rows.append(
            {
                "temperature": one.temperature,
                "volume": one.volume,
                "entropy": one.entropy / units.kB,
                "error": one.entropy_error / units.kB,
                "harmonic": harmonic,
                "anharmonic": one.entropy / units.kB - harmonic,
                "dissipation (meV/atom)": 1e3 * one.dissipation,
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Write the entropies as a table."""
    lines = [
        "| T, K | volume, Å³/atom | entropy, k_B/atom | harmonic | harmonic, volume of the "
        "first row | anharmonic |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['temperature']:g} | {row['volume']:.3f} | {row['entropy']:.3f} ± "
            f"{row['error']:.3f} | {row['harmonic']:.3f} | {at_first_volume(row, rows[0]):.3f} | "
            f"{row['anharmonic']:+.3f} |"
        )
    return "\n".join(lines) + "\n"


def at_first_volume(row: dict[str, Any], first: dict[str, Any]) -> float:
    """Harmonic entropy without thermal expansion: classical, it grows by 3 ln T."""
    return float(first["harmonic"] + 3 * np.log(row["temperature"] / first["temperature"]))


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw what is added to the harmonic entropy."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    x = [row["temperature"] for row in rows]
    errors = [row["error"] for row in rows]
    fixed = [at_first_volume(row, rows[0]) for row in rows]
    axes[0].errorbar(x, [row["entropy"] for row in rows], errors, fmt="o", label="all")
    axes[0].plot(x, [row["harmonic"] for row in rows], "-", label="harmonic")
    axes[0].plot(x, fixed, "--", label=f"harmonic, volume of {x[0]:g} K")
    axes[0].set(ylabel="entropy ($k_B$/atom)")
    expansion = [row["harmonic"] - one for row, one in zip(rows, fixed, strict=True)]
    axes[1].plot(x, expansion, "-", label="thermal expansion")
    axes[1].errorbar(x, [row["anharmonic"] for row in rows], errors, fmt="o-", label="anharmonic")
    axes[1].axhline(0, color="0.8", zorder=0)
    axes[1].set(ylabel="added to the harmonic entropy ($k_B$/atom)")
    for one in axes:
        one.set(xlabel="temperature (K)")
        one.legend()
    save_figure(figure, path)


def main(arguments: list[str] | None = None) -> None:
    """Train, make the alloy, integrate, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="folder with MoNbTaW_train.xyz: train")
    which.add_argument("--potential", type=Path, help="take this one")
    parser.add_argument("--output", type=Path, default=Path("nbmotaw_output"))
    parser.add_argument("--quick", action="store_true", help="a minute; no number to rely on")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    temperatures = QUICK_TEMPERATURES if options.quick else TEMPERATURES
    if options.potential is None:
        potential = trained(options.data, options.output)
    else:
        potential = taken(options.potential, options.output)
    alloy = quasi_random(options.output, potential)
    rows = entropies(options.output, potential, alloy, temperatures, quick=options.quick)
    document = {
        "training": json.loads((options.output / "training.json").read_text()),
        "alloy": re.sub(r"\s", "", alloy.get_chemical_formula()),
        "short-range order": short_range_order(alloy),
        "entropies": rows,
    }
    write_json(document, options.output / "entropies.json")
    (options.output / "entropies.txt").write_text(text := table(rows))
    picture(rows, options.output / "entropies.png")
    print(text)


if __name__ == "__main__":
    main()
