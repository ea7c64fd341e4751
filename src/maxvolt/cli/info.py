"""`maxvolt info`: what a potential or a file of structures holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import print_json, print_pairs
from maxvolt.cli.options import add_json, add_species
from maxvolt.cli.potentials import potential_files

if TYPE_CHECKING:
    from maxvolt.cli.data_summary import DataSummary
    from maxvolt.dataset import Dataset

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "info"
SUMMARY = "what a potential or a file of structures holds"
DESCRIPTION = """\
Describe a file: for a potential its kind, species, cutoff and the details of its kind; for
structures their number, species, labels and the ranges of energies, forces and stresses, and what
a fit would refuse or doubt: other units, forces that no atom can have, energies of another
calculation, swapped elements. For this labels are compared with a small potential, fitted in
seconds."""
EXAMPLES = """\
  maxvolt info pot.mtp
  maxvolt info Al.eam.alloy
  maxvolt info agpd.lattice.npz
  maxvolt info train.xyz --json
  maxvolt info train.xyz --no-check
  maxvolt info train.cfg --species Ti,Al"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="potential, ensemble or structures")
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="only describe structures; do not look for labels that cannot be right",
    )
    add_species(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Tell potentials from structures, summarise, print."""
    facts, lines = _summary(options.file, options.species, options.check)
    if options.json:
        print_json({"file": str(options.file), **facts})
    else:
        print_pairs(str(options.file), lines)


def _summary(
    path: Path, species: tuple[str, ...] | None, check: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts for JSON and lines for people."""
    from maxvolt.potentials.families import family_of_file
    from maxvolt.potentials.lattice.files import is_lattice_potential

    if is_lattice_potential(path):
        return _on_lattice(path)
    files = potential_files(path)
    family = family_of_file(files[0])
    if family is None:
        from maxvolt.cli.data_summary import DataSummary
        from maxvolt.cli.structures import read_with_names

        dataset, names = read_with_names(path, species)
        of_data = DataSummary.of(dataset, names)
        return _with_problems(of_data, dataset) if check else (of_data.to_dict(), of_data.to_text())
    found = family.describe(files[0], species)
    if len(files) == 1:
        return {"kind": "potential", **found.facts}, dict(found.lines)
    members = {"members": [str(file) for file in files]}
    ensemble = f"{len(files)} potentials, {files[0]} to {files[-1]}; below, the first"
    return {"kind": "ensemble", **members, **found.facts}, {"ensemble": ensemble, **found.lines}


def _on_lattice(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts of a potential on a lattice."""
    from maxvolt.potentials.lattice.files import read_low_rank_ensemble

    ensemble = read_low_rank_ensemble(path)
    first, parent = ensemble.members[0], ensemble.parent
    facts: dict[str, Any] = {
        "kind": "potential on a lattice",
        "species": parent.species,
        "cell_A": parent.cell,
        "places": parent.places,
        "allowed": parent.allowed,
        "shells": first.shells,
        "environment": [one.length for one in first.environments],
        "ranks": [train.ranks for train in first.trains],
        "symmetric": first.symmetric,
        "members": len(ensemble.members),
        "parameters": first.n_parameters,
    }
    lengths = ", ".join(f"{one.length} sites" for one in first.environments)
    return facts, {
        "kind": "low-rank potential on a lattice",
        "species": ", ".join(parent.species),
        "sites": "; ".join(", ".join(one) for one in parent.allowed) + " (primitive cell)",
        "environment": f"{first.shells} shells, {lengths}",
        "rank": str(max(rank for train in first.trains for rank in train.ranks)),
        "parameters": str(first.n_parameters),
        "members": str(len(ensemble.members)),
    }


def _with_problems(of_data: DataSummary, dataset: Dataset) -> tuple[dict[str, Any], dict[str, str]]:
    """Add what a fit would refuse or doubt."""
    from maxvolt.fitting.data_check import check_data

    found = check_data(dataset)
    lines = of_data.to_text()
    for number, message in enumerate(found.messages(dataset), 1):
        lines[f"problem {number}"] = message
    return {**of_data.to_dict(), "problems": found.to_dict(dataset)}, lines
