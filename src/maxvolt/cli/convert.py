"""`maxvolt convert`: structures from one file format to another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json
from maxvolt.cli.inputs import check_is_structures
from maxvolt.cli.options import add_json, add_species
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    from maxvolt.io.cfg import Encoding

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "convert"
SUMMARY = "convert structures, or a potential, from one format to another"
DESCRIPTION = """\
Convert labelled structures. Formats follow from the file names: .cfg (MLIP, text or binary) and
every format that ASE knows (extended XYZ, OUTCAR, vasprun.xml, POSCAR, LAMMPS, ASE databases).
Where the name of IN says nothing, its content does; - is standard input. Units, order and sign of
stresses are converted; unconverged steps of VASP are left out. Constraints are kept where the
format of OUT has a place for them, and named where it has none. Types of a .cfg made from VASP's
files are numbered in their order, as MLIP numbers them.
An ANI potential in the files of NeuroChem (.info, or its folder) becomes .ani.safetensors, one file
for each member of an ensemble."""
EXAMPLES = """\
  maxvolt convert OUTCAR train.cfg
  maxvolt convert train.cfg train.xyz --species Ti,Al
  maxvolt convert OUTCAR train.cfg --append --index -1
  maxvolt convert train.cfg train.bin.cfg
  zcat train.xyz.gz | maxvolt convert - train.cfg
  maxvolt convert ani-al/model/model-Al-75.info Al.ani.safetensors
  maxvolt convert relax.dump relax.xyz --input-format lammps-dump-text --species Mo"""

_ENCODINGS: dict[str | None, Encoding] = {
    "cfg": "full",
    "cfg-ordinary": "ordinary",
    "cfg-binary": "binary",
}
"""How each format of .cfg is written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("input", type=Path, metavar="IN", help="file to read")
    parser.add_argument("output", type=Path, metavar="OUT", help="file to write")
    add_species(parser)
    parser.add_argument("--input-format", metavar="NAME", help="instead of guessing from IN")
    parser.add_argument("--output-format", metavar="NAME", help="instead of guessing from OUT")
    parser.add_argument(
        "--index", default=":", metavar="I", help="which structures, as in ASE: 0, -1, ::10 (all)"
    )
    parser.add_argument("--append", action="store_true", help="add to OUT instead of replacing it")
    parser.add_argument(
        "--keep-unconverged", action="store_true", help="keep unconverged steps of VASP"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, convert, write and say what was written and what was left out."""
    from maxvolt.io.formats import check_grows
    from maxvolt.sources import holding

    if _is_potential_to_potential(options):
        _convert_potential(options)
        return
    check_is_structures(options.input)
    kind = check_structures(options.output, options.output_format, [options.input])
    if options.append:
        check_grows(options.output, kind)
    index = _parsed_index(options.index)
    with holding(options.input):
        convert = _convert_records if _is_cfg_to_cfg(options, kind) else _convert
        written = convert(options, kind, index)
    if options.json:
        print_json({"output": str(options.output), "format": kind, **written})
        return
    labels = "" if written["labels_written"] else "; labels not written"
    if "species" in written:
        numbered = ", ".join(
            f"{number} {symbol}" for number, symbol in enumerate(written["species"])
        )
        note(f"types in the order of {options.input}: {numbered} (--species for another order)")
    structures = counted(written["structures"], "structure")
    note(f"{options.output}: {structures} as {kind}{labels}")


def _is_potential_to_potential(options: argparse.Namespace) -> bool:
    from maxvolt.cli.inputs import is_potential
    from maxvolt.potentials.families import suffix_family

    # What has a name of ours is converted already; .almtp may hold more than a potential.
    return (
        suffix_family(options.output) is not None
        and suffix_family(options.input) is None
        and is_potential(options.input)
    )


def _convert_potential(options: argparse.Namespace) -> None:
    """Write a potential, or the members of an ensemble, in a format of its family."""
    from maxvolt.cli.potentials import check_potential_output, load
    from maxvolt.potentials.ensemble import members_of
    from maxvolt.potentials.families import family_of_file, member_paths, suffix_family

    given = {
        "--append": options.append,
        "--index": options.index != ":",
        "--input-format": options.input_format,
        "--output-format": options.output_format,
        "--keep-unconverged": options.keep_unconverged,
    }
    if unfitting := [name for name, value in given.items() if value]:
        raise MaxvoltError(f"{unfitting[0]} is for structures, and {options.input} is a potential")
    family = family_of_file(options.input)
    assert family is not None
    if suffix_family(options.output) is not family:
        raise MaxvoltError(
            f"{options.output}: {options.input} is {family.one_of_it}; expected a name that ends "
            f"with {' or '.join(family.suffixes)}"
        )
    potential = load(options.input, options.species)
    members = len(members_of(potential))
    check_potential_output(options.output, members, [options.input])
    potential.write(options.output)
    files = [str(path) for path in member_paths(options.output, members)]
    if options.json:
        print_json({"output": str(options.output), "files": files})
        return
    note(f"{files[0]}{f' to {files[-1]}' if members > 1 else ''}: {family.title}")


def _convert(options: argparse.Namespace, kind: str, index: slice | int) -> dict[str, Any]:
    """Convert through a dataset."""
    from maxvolt import io
    from maxvolt.io.formats import holds_labels
    from maxvolt.io.held_constraints import unheld_constraints
    from maxvolt.io.read_report import UNCONVERGED

    dataset, report = io.read_with_report(
        options.input,
        format=options.input_format,
        species=options.species,
        keep_unconverged=options.keep_unconverged,
    )
    _check_index(options, index, len(dataset))
    dataset = dataset.select(index)
    if not len(dataset):
        hint = "; --keep-unconverged keeps them" if UNCONVERGED in report.dropped else ""
        raise DataError(f"no structure to write; {report}{hint}")
    order = _order_of_types(options, kind, report.species)
    io.write(
        options.output,
        dataset,
        format=kind,
        species=options.species if order is None else order,
        append=options.append,
    )
    if report.dropped and not options.json:
        note(str(report))
    labelled = bool((dataset.has_energy | dataset.has_forces | dataset.has_stress).any())
    written: dict[str, Any] = {
        "structures": len(dataset),
        "atoms": dataset.n_atoms,
        "dropped": dict(report.dropped),
        "labels_written": holds_labels(kind) or not labelled,
    }
    if order is not None:
        written["species"] = list(order)
    if unheld := unheld_constraints(dataset, kind):
        written["constraints_not_written"] = list(unheld)
    return written


def _order_of_types(
    options: argparse.Namespace, kind: str, in_file: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Return the elements in the order of VASP's file, for types as MLIP numbers them.

    A file that is added to keeps the order it begins with. None where --species says the order, or
    neither file has one.
    """
    if options.species is not None or in_file is None or kind not in _ENCODINGS:
        return None
    begun: tuple[str, ...] = ()
    if options.append and options.output.exists():
        from maxvolt.io.cfg import iterate_cfg

        first = next(iterate_cfg(options.output), None)
        begun = () if first is None else tuple(first.features.get("species", "").split())
    return tuple(dict.fromkeys([*begun, *in_file]))


def _is_cfg_to_cfg(options: argparse.Namespace, kind: str) -> bool:
    """Whether both files are .cfg and no elements are named: then none are needed."""
    from maxvolt.io.recognition import recognized_format

    if options.species is not None or kind not in _ENCODINGS:
        return False
    return (options.input_format or recognized_format(options.input)) in _ENCODINGS


def _convert_records(options: argparse.Namespace, kind: str, index: slice | int) -> dict[str, Any]:
    """Copy configurations from .cfg to .cfg with all that they hold."""
    from maxvolt.io.cfg import read_cfg, write_cfg

    records = read_cfg(options.input)
    _check_index(options, index, len(records))
    records = records[index] if isinstance(index, slice) else [records[index]]
    if not records:
        raise DataError(f"{options.input}: no structure to write")
    write_cfg(options.output, records, encoding=_ENCODINGS[kind], append=options.append)
    return {
        "structures": len(records),
        "atoms": sum(len(record) for record in records),
        "dropped": {},
        "labels_written": True,
    }


def _parsed_index(index: str) -> slice | int:
    """Read an index as ASE writes them."""
    from ase.utils import string2index

    try:
        which: str | int | slice = string2index(index)
    except ValueError:
        which = index
    if isinstance(which, str):
        raise DataError(f"--index {index}: expected a number or a range such as 0:100 or ::10")
    return which


def _check_index(options: argparse.Namespace, index: slice | int, structures: int) -> None:
    if isinstance(index, int) and not -structures <= index < structures:
        raise DataError(
            f"--index {options.index}: {options.input} holds {counted(structures, 'structure')}"
        )
