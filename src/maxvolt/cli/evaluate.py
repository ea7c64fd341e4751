"""`maxvolt evaluate`: energies, forces and stresses of structures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.inputs import check_order, check_species
from maxvolt.cli.lattice_options import add_mapping, refuse_mapping
from maxvolt.cli.on_lattice import evaluate_on_lattice
from maxvolt.cli.options import add_json, add_species, add_threads
from maxvolt.cli.outputs import check_structures
from maxvolt.cli.potentials import load, potential_files

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.parallel.ranks import Ranks
    from maxvolt.potentials import Potential

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "evaluate"
SUMMARY = "energies, forces and stresses of structures"
DESCRIPTION = """\
Evaluate a potential on every structure of IN. With -o, the structures are written with the
potential's energies, forces and stresses as labels; without, or with --json, a table is printed.
Potentials on a lattice have energies alone: atoms, relaxed or not, are taken to their sites, and
structures that are on no lattice are named; of an ensemble, the spread is there, too."""
EXAMPLES = """\
  maxvolt evaluate pot.mtp relaxed.xyz
  maxvolt evaluate pot.mtp in.cfg -o out.cfg
  maxvolt evaluate mlip.mtp in.xyz -o out.xyz --species Ti,Al --threads 4
  maxvolt evaluate agpd.lattice.npz relaxed.xyz --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument("input", type=Path, metavar="IN", help="structures to evaluate")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="file to write")
    add_mapping(parser.add_argument_group("potentials on a lattice"))
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, evaluate, write or print."""
    from maxvolt.cli.structures import naming_of_potential
    from maxvolt.potentials.lattice.files import is_lattice_potential

    if is_lattice_potential(options.potential):
        evaluate_on_lattice(options)
        return
    refuse_mapping(options)
    check_order(options.potential, options.input)
    naming = naming_of_potential(options.potential, options.species, [options.input])
    if options.output is not None:
        inputs = [options.input, *potential_files(options.potential)]
        kind = check_structures(options.output, None, inputs, labels=True)
        naming.check_output(options.output, kind)
    potential = load(options.potential, naming.species)
    dataset = naming.read(options.input, potential.species)
    check_species(options.input, dataset, potential.species)
    labelled = _evaluated(potential, dataset, options.ranks, options.threads)
    if options.output is not None:
        naming.write(options.output, kind, labelled, naming.species or potential.species)
        note(f"{options.output}: {counted(len(labelled), 'structure')} as {kind}")
    if options.json:
        print_json([_row(labelled, index) for index in range(len(labelled))])
    elif options.output is None:
        _print(labelled)


def _evaluated(
    potential: Potential, dataset: Dataset, ranks: Ranks, threads: int | None
) -> Dataset:
    """Return the structures with the potential's results as labels."""
    from dataclasses import replace

    import numpy as np

    from maxvolt.cli.prediction import note_work
    from maxvolt.potentials.stepped import SteppedPotential

    note_work(dataset, ranks, threads)
    with progress_bar("evaluating", len(dataset)) as advance:
        predictions = SteppedPotential(potential, advance, ranks).evaluate_dataset(
            dataset, threads=threads
        )
    present = np.ones(len(dataset), dtype=bool)
    return replace(
        dataset,
        energies=predictions.energies,
        forces=predictions.forces,
        stresses=predictions.stresses,
        has_energy=present,
        has_forces=present,
        has_stress=np.asarray(np.isfinite(predictions.stresses).all(axis=1)),
    )


def _row(dataset: Dataset, index: int) -> dict[str, Any]:
    import numpy as np

    atoms = dataset.atoms_of(index)
    return {
        "structure": index,
        "atoms": int(dataset.counts[index]),
        "energy_eV": dataset.energies[index],
        "largest_force_eV_per_A": np.linalg.norm(dataset.forces[atoms], axis=1).max(),
        "stress_eV_per_A3": dataset.stresses[index] if dataset.has_stress[index] else None,
    }


def _print(dataset: Dataset) -> None:
    from maxvolt.units import GPA_PER_EV_A3

    rows = []
    for index in range(len(dataset)):
        row = _row(dataset, index)
        stress = row["stress_eV_per_A3"]
        pressure = "-" if stress is None else f"{-stress[:3].mean() * GPA_PER_EV_A3:.4f}"
        rows.append(
            (
                str(index),
                str(row["atoms"]),
                f"{row['energy_eV']:.6f}",
                f"{row['energy_eV'] / row['atoms']:.6f}",
                f"{row['largest_force_eV_per_A']:.6f}",
                pressure,
            )
        )
    print_table(
        (
            "structure",
            "atoms",
            "energy\neV",
            "energy\neV/atom",
            "largest force\neV/A",
            "pressure\nGPa",
        ),
        rows,
        text_columns=0,
    )
