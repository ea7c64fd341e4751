"""`maxvolt label`: energies, forces and stresses from a reference calculator."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.inputs import read_structures
from maxvolt.cli.options import (
    add_json,
    add_species,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.labelling import Collected, LabelLimits, LabelResult, LabelStore, Reference

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "label"
SUMMARY = "energies, forces and stresses from a reference calculator (DFT)"
DESCRIPTION = """\
Label every structure of IN with a reference calculator of ASE and write those with labels to OUT.
Labels are kept in a database, and what is there is not calculated again: after an interruption, the
same command goes on where it stopped. Calculations that fail, hang, do not converge or give absurd
numbers are quarantined, with the reason, and do not appear in OUT.

With --manual, nothing is calculated: input for each structure is written into folders, to be run
on a cluster. --collect reads the results that are there; repeat it when more have finished."""
EXAMPLES = """\
  maxvolt label new.xyz -o train.xyz --calculator gpaw --settings al.toml --timeout 3600
  maxvolt label molecules.xyz -o train.xyz --code pyscf
  maxvolt label new.xyz -o train.xyz --settings al.toml --manual jobs/
  maxvolt label new.xyz -o train.xyz --settings al.toml --collect jobs/

  al.toml:   calculator = "gpaw"
             [settings]
             mode = {name = "pw", ecut = 400}
             kpts = {density = 4.0, gamma = true}
             [machine]
             environment = {OMP_NUM_THREADS = 2}"""

_A_DAY = 86400.0
"""Default of ``--timeout``, as `LabelLimits` has it: to import that takes longer than help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "input", type=Path, nargs="?", metavar="IN", help="structures (not needed for --collect)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="file for the labelled structures"
    )
    parser.add_argument(
        "--calculator",
        "--code",
        metavar="NAME",
        help="emt, gpaw, espresso, vasp, abinit, cp2k, gaussian, dftpy, pyscf, tblite, potential "
        "or the class of an ASE calculator as module:Class",
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="TOML",
        help="file with 'calculator', [settings], [machine] (default: the calculator's defaults)",
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DB",
        help="database of labels (default: labels.db in the folder of OUT, else in this one)",
    )
    _add_limits(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--manual", type=Path, metavar="DIR", help="only write input, into folders")
    mode.add_argument("--collect", type=Path, metavar="DIR", help="read results from these folders")
    add_species(parser)
    add_json(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=_seconds_or_none,
        default=_A_DAY,
        metavar="S",
        help="seconds that one attempt may take, or none (default: %(default)g, a day)",
    )
    parser.add_argument(
        "--retries",
        type=non_negative_int,
        default=1,
        metavar="N",
        help="further attempts for a calculation that failed or hung (default: %(default)s)",
    )
    parser.add_argument(
        "--max-force",
        type=positive_float,
        default=50.0,
        metavar="F",
        help="quarantine labels with a larger force, eV/A (default: %(default)g)",
    )
    parser.add_argument(
        "--max-energy",
        type=positive_float,
        metavar="E",
        help="quarantine labels with a larger energy, eV/atom (default: a bound on the energy "
        "of all electrons of the element)",
    )
    parser.add_argument(
        "--workers",
        type=positive_int,
        metavar="N",
        help="calculations at once (default: one per core, or 1 for a command such as mpirun)",
    )
    parser.add_argument(
        "--retry-quarantined", action="store_true", help="calculate quarantined structures again"
    )
    parser.add_argument(
        "--keep-files", action="store_true", help="keep the calculators' files of all structures"
    )


def _seconds_or_none(text: str) -> float | None:
    return None if text == "none" else positive_float(text)


def run(options: argparse.Namespace) -> None:
    """Read, label or write input or collect, write and print."""
    from maxvolt.labelling import LabelLimits, LabelStore

    if options.input is None and options.collect is None:
        options.parser.error("the following arguments are required: IN")
    if options.output is not None:
        inputs = [path for path in (options.input, options.settings) if path is not None]
        check_structures(options.output, None, inputs, labels=True)
    elif options.manual is None and options.collect is None:
        options.parser.error("the following arguments are required: -o/--output")
    store = LabelStore(options.store or _default_store(options.output))
    limits = LabelLimits(
        max_force=options.max_force,
        timeout=options.timeout,
        retries=options.retries,
        max_energy=options.max_energy,
    )
    if options.collect is not None:
        _collect(options, store, limits)
        return
    reference = _reference(options)
    dataset = read_structures(options.input, options.species)
    if options.manual is not None:
        _write_jobs(options, dataset, reference, store)
    else:
        result = _label(options, dataset, reference, store, limits)
        _report(options, result, len(dataset))


def _default_store(output: Path | None) -> Path:
    return Path("labels.db") if output is None else output.parent / "labels.db"


def _reference(options: argparse.Namespace) -> Reference:
    from maxvolt.labelling import Reference

    if options.settings is not None:
        return Reference.from_file(options.settings, options.calculator)
    if options.calculator is None:
        raise MaxvoltError("which calculator? Give --calculator NAME or --settings FILE")
    return Reference(options.calculator)


def _label(
    options: argparse.Namespace,
    dataset: Dataset,
    reference: Reference,
    store: LabelStore,
    limits: LabelLimits,
) -> LabelResult:
    from maxvolt.labelling import LabelProgress, default_workers, known_labels, label

    known = known_labels(dataset, reference, store)
    todo = len(known.missing)
    if options.retry_quarantined:
        todo += len(known.quarantined)
    workers = default_workers(reference) if options.workers is None else options.workers
    note(
        f"labelling {counted(len(dataset), 'structure')} with {reference.calculator}: "
        f"{len(dataset) - todo} known, {todo} to calculate, {workers} at once"
    )
    with progress_bar("labelling", todo) as advance:

        def show(progress: LabelProgress) -> None:
            advance(1)

        return label(
            dataset,
            reference,
            store,
            limits=limits,
            workers=workers,
            retry_quarantined=options.retry_quarantined,
            keep_files=options.keep_files,
            progress=show,
        )


def _write_jobs(
    options: argparse.Namespace, dataset: Dataset, reference: Reference, store: LabelStore
) -> None:
    from maxvolt.labelling import write_jobs

    written = write_jobs(dataset, reference, options.manual, store=store)
    if options.json:
        print_json(
            {
                "folders": [str(path) for path in written.folders],
                "known": written.known,
                "waiting": written.waiting,
            }
        )
        return
    note(
        f"{options.manual}: {counted(len(written.folders), 'new folder')}, each with a run.sh; "
        f"{written.known} known already, {written.waiting} with a folder already"
    )


def _collect(options: argparse.Namespace, store: LabelStore, limits: LabelLimits) -> None:
    from maxvolt.labelling import collect_jobs, known_labels

    collected = collect_jobs(options.collect, store, limits=limits)
    if options.output is None:
        _say_collected(options, collected)
        return
    labelled: Dataset = collected.structures
    quarantined: Sequence[tuple[object, str]] = collected.quarantined
    if options.input is not None:
        dataset = read_structures(options.input, options.species)
        result = known_labels(dataset, _reference(options), store)
        labelled, quarantined = result.dataset, result.quarantined
    written = _written(options, labelled)  # first: who reads what is printed may go away
    _say_collected(options, collected)
    _say_written(options, written, quarantined)


def _say_collected(options: argparse.Namespace, collected: Collected) -> None:
    note(
        f"{options.collect}: {len(collected.labelled)} new labels, {len(collected.known)} known, "
        f"{len(collected.quarantined)} quarantined, {len(collected.unfinished)} not finished"
    )
    if options.json:
        print_json(
            {
                "labelled": [str(path) for path in collected.labelled],
                "known": [str(path) for path in collected.known],
                "quarantined": {str(path): reason for path, reason in collected.quarantined},
                "unfinished": {str(path): reason for path, reason in collected.unfinished},
            }
        )
        return
    rows = [
        (path.name, state, reason)
        for state, entries in (
            ("quarantined", collected.quarantined),
            ("not finished", collected.unfinished),
        )
        for path, reason in entries
    ]
    if rows:
        print_table(("folder", "state", "reason"), rows, text_columns=3)


def _report(options: argparse.Namespace, result: LabelResult, total: int) -> None:
    """Write the labelled structures and say what became of the others."""
    written = _written(options, result.dataset)  # first: who reads what is printed may go away
    if options.json:
        print_json(
            {
                "labelled": len(result.dataset),
                "calculated": result.calculated,
                "known": result.reused,
                "quarantined": [
                    {"structure": entry.structure, "reason": entry.reason}
                    for entry in result.quarantined
                ],
                "seconds": result.seconds,
            }
        )
    elif result.quarantined:
        rows = [(str(entry.structure), entry.reason) for entry in result.quarantined]
        print_table(("quarantined structure", "reason"), rows, text_columns=2)
    note(f"{len(result.dataset)} of {counted(total, 'structure')} labelled")
    _say_written(options, written, result.quarantined)


def _written(options: argparse.Namespace, labelled: Dataset) -> int:
    """Write the structures that have labels, if there are any; return how many."""
    from maxvolt import io

    if len(labelled):
        io.write(options.output, labelled, species=options.species)
    return len(labelled)


def _say_written(
    options: argparse.Namespace, written: int, quarantined: Sequence[tuple[object, str]]
) -> None:
    if not written:
        reason = f": {quarantined[0][1]}" if quarantined else ""
        raise MaxvoltError(f"no structure has labels, {options.output} is not written{reason}")
    note(f"{options.output}: {counted(written, 'labelled structure')}")
