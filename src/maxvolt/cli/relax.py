"""`maxvolt relax`: relax many structures under the two-threshold rule."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.inputs import check_order, check_species, read_structures
from maxvolt.cli.options import add_json, add_species, positive_float, positive_int
from maxvolt.cli.outputs import check_structures
from maxvolt.cli.potentials import potential_files
from maxvolt.cli.sampling_options import (
    add_pressure,
    add_rule,
    committee_files,
    limits_of,
    load_calculator,
    pressure_of,
    thresholds_of,
    write_extrapolative,
)

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.sampling import Relaxation, RelaxationOutcome, SamplingResult

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "relax"
SUMMARY = "relax atoms and cells of many structures, stop where they extrapolate"
DESCRIPTION = """\
Relax every structure of IN, cell and atoms. Each ends relaxed, stopped (its grade or a limit was
exceeded, or its steps used up) or failed. OUT gets the relaxed ones with the potential's energies,
forces and stresses; 'candidate' in their info is their number in IN, counted from 0."""
EXAMPLES = """\
  maxvolt relax pot.almtp candidates.xyz -o relaxed.xyz --save-extrapolative new.cfg --workers 8
  maxvolt relax pot.mtp in.cfg -o out.cfg --species Ti,Al --pressure 10 --max-steps 1000
  maxvolt relax pot.mtp slab.xyz -o relaxed.xyz --fixed-cell --min-distance Al-Al=2.2,Al-Cu=2.0"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument("input", type=Path, metavar="IN", help="structures to relax")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="relaxed structures"
    )
    parser.add_argument(
        "--save-unrelaxed", type=Path, metavar="FILE", help="write the others as they ended"
    )
    add_pressure(parser)
    parser.add_argument("--fixed-cell", action="store_true", help="relax the atoms only")
    _add_numbers(parser)
    add_rule(parser)
    parser.add_argument(
        "--workers", type=positive_int, metavar="N", help="processes (default: one per core)"
    )
    add_species(parser)
    add_json(parser)


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    for names, kind, default, unit, text in (
        (("--force-tolerance",), positive_float, 1e-3, "F", "largest force left, eV/A"),
        (("--stress-tolerance",), positive_float, 0.01, "S", "largest stress left, GPa"),
        (("--max-steps", "--iteration-limit"), positive_int, 500, "N", "steps of a structure"),
        (("--max-step",), positive_float, 0.1, "A", "longest move of an atom in a step, A"),
        (("--min-step",), positive_float, 1e-8, "A", "give up where steps become shorter, A"),
        (("--record-every",), positive_int, 10, "N", "keep structures every N steps"),
    ):
        parser.add_argument(
            *names, type=kind, default=default, metavar=unit, help=f"{text} (default: %(default)g)"
        )


def run(options: argparse.Namespace) -> None:
    """Read, relax, write, print."""
    from maxvolt.cli.relaxing import relax_all
    from maxvolt.errors import MaxvoltError

    ranks = options.ranks
    if ranks.size > 1 and options.workers is not None:
        raise MaxvoltError(
            f"--workers: the {ranks.size} processes that MPI has started are the workers; leave "
            "the option out"
        )
    check_order(options.potential, options.input)
    inputs = [options.input, *potential_files(options.potential)]
    inputs += committee_files(options)
    for path in (options.output, options.save_unrelaxed):
        if path is not None:
            check_structures(path, None, inputs, labels=True)
    if options.save_extrapolative is not None:
        check_structures(options.save_extrapolative, None, inputs, several=True)
    thresholds = thresholds_of(options)
    potential, query = load_calculator(options.potential, options.species, options)
    dataset = read_structures(options.input, options.species or potential.species)
    check_species(options.input, dataset, potential.species)
    scenario = _scenario(options, dataset)
    results = relax_all(
        scenario, potential, query, thresholds, workers=options.workers, ranks=ranks
    )
    _finish(options, results, options.species or potential.species)


def _scenario(options: argparse.Namespace, dataset: Dataset) -> Relaxation:
    from maxvolt.sampling import Relaxation
    from maxvolt.units import GPA_PER_EV_A3

    return Relaxation(
        "relaxation",
        dataset,
        pressure=pressure_of(options),
        force_tolerance=options.force_tolerance,
        stress_tolerance=options.stress_tolerance / GPA_PER_EV_A3,
        cell=not options.fixed_cell,
        max_steps=options.max_steps,
        max_step=options.max_step,
        min_step=options.min_step,
        record_every=options.record_every,
        limits=limits_of(options),
    )


def _finish(
    options: argparse.Namespace, results: list[SamplingResult], species: tuple[str, ...]
) -> None:
    from collections import Counter

    ends = [end for result in results for end in result.candidates]
    relaxed = [end for end in ends if end.status == "relaxed"]
    _write(options.output, relaxed, species)
    if options.save_unrelaxed is not None:
        others = [end for end in ends if end.status != "relaxed"]
        _write(options.save_unrelaxed, others, species)
    kept = write_extrapolative(
        options.save_extrapolative, [result.extrapolative for result in results], species
    )
    if options.json:
        print_json({"kept_for_selection": kept, "candidates": [_row(end) for end in ends]})
        return
    counts = Counter((end.status, str(end.reason)) for end in ends)
    rows = [(*key, str(number)) for key, number in sorted(counts.items())]
    print_table(("end", "reason", "structures"), rows, text_columns=2)


def _write(path: Path, ends: list[RelaxationOutcome], species: tuple[str, ...]) -> None:
    from maxvolt import io
    from maxvolt.dataset import Dataset

    structures = []
    for end in ends:
        end.structure.info.update(candidate=end.index, steps=end.steps, reason=str(end.reason))
        structures.append(end.structure)
    io.write(path, Dataset.from_atoms(structures), species=species)
    note(f"{path}: {counted(len(structures), 'structure')}")


def _row(end: RelaxationOutcome) -> dict[str, Any]:
    calculator = end.structure.calc
    energy = None if calculator is None else calculator.results["energy"]
    return {
        "candidate": end.index,
        "status": end.status,
        "reason": str(end.reason),
        "message": end.message,
        "steps": end.steps,
        "atoms": len(end.structure),
        "energy_eV": energy,
        "grade": end.grade,
    }
