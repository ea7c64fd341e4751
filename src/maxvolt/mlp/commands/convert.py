"""`convert-cfg`, `convert` and their undocumented relatives: configurations between formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Call, Command, Option

if TYPE_CHECKING:
    from maxvolt.io.cfg import Encoding
    from maxvolt.io.cfg_record import CfgConfiguration

__all__ = ["COMMANDS"]

_FORMATS = {
    "txt": "txt",
    "bin": "bin",
    "vasp-outcar": "outcar",
    "outcar": "outcar",
    "vasp-poscar": "poscar",
    "poscar": "poscar",
    "lammps-dump": "dump",
    "lammps-datafile": "datafile",
}
"""By the names of both versions, with hyphens."""

_READ_ONLY, _WRITTEN_ONLY = ("outcar", "dump"), ("datafile",)


def _format(name: str, option: str) -> str:
    found = _FORMATS.get(name.lower().replace("_", "-"))
    if found is None:
        raise MaxvoltError(
            f"--{option}: unknown format '{name}'; expected txt, bin, vasp-outcar (outcar), "
            "vasp-poscar (poscar), lammps_dump or lammps-datafile (lammps_datafile)"
        )
    reads = option.startswith("input")
    if found in (_WRITTEN_ONLY if reads else _READ_ONLY):
        way = "read" if reads else "written"
        raise MaxvoltError(f"--{option}: files of the format {name} are not {way}")
    return found


def _convert(call: Call) -> None:
    source, target = map(Path, call.files)
    reads = _format(call.value("input_format"), "input_format")
    writes = _format(call.value("output_format"), "output_format")
    append = call.value("append")
    if append and writes not in ("txt", "bin"):
        raise MaxvoltError(f"--append: a file of the format {writes} holds one structure")
    check_output(target, [source])
    order = call.value("type_order")
    if order is not None and writes != "poscar":
        raise MaxvoltError("--type_order: is for --output_format=poscar")
    found = _read(call, source, reads)
    count = len(found)
    if call.value("last"):
        found = found[-1:]
    if call.value("fix_lattice"):
        from maxvolt.mlp.lattice import with_fixed_lattice

        found = list(map(with_fixed_lattice, found))
    if call.value("no_forces_stresses"):
        found = [replace(c, forces=None, plus_stress=None) for c in found]
    _write(target, found, writes, append=append, order=order)
    print(f"Processed {count} configurations")


def _read(call: Call, source: Path, kind: str) -> list[CfgConfiguration]:
    from maxvolt.mlp import structure_files
    from maxvolt.mlp.configurations import read_configurations

    absolute = bool(call.value("absolute_types"))
    if absolute and kind not in ("outcar", "poscar"):
        raise MaxvoltError(
            "--absolute_types: only VASP's files name elements; expected --input_format=outcar"
        )
    if kind == "outcar":
        kept = bool(call.value("save_nonconverged"))
        return structure_files.read_outcar(source, nonconverged=kept, absolute_types=absolute)
    if kind == "poscar":
        return structure_files.read_poscars(source, absolute_types=absolute)
    if kind == "dump":
        return structure_files.read_dump(source)
    return read_configurations(source, empty=True)


def _write(
    target: Path,
    found: list[CfgConfiguration],
    kind: str,
    *,
    append: bool = False,
    order: str | None = None,
) -> None:
    from maxvolt.mlp import structure_files
    from maxvolt.mlp.configurations import write_configurations

    if kind == "poscar":
        types = None if order is None else structure_files.parsed_order(order)
        structure_files.write_poscars(target, found, types)
    elif kind == "datafile":
        structure_files.write_data_files(target, found)
    else:
        encoding: Encoding = "ordinary" if kind == "txt" else "binary"
        write_configurations(target, found, encoding=encoding, append=append)


def _convert_to(kind: str, call: Call) -> None:
    """Read a ``.cfg`` of either kind, write the other."""
    from maxvolt.mlp.configurations import read_configurations

    source, target = map(Path, call.files)
    check_output(target, [source])
    found = read_configurations(source, empty=True)
    _write(target, found, kind)
    print(f"{len(found)} configurations processed.")


def _add_from_outcar(
    which: Callable[[list[CfgConfiguration]], list[CfgConfiguration]], call: Call
) -> None:
    """Append steps of each OUTCAR to a database."""
    from maxvolt.mlp.configurations import write_configurations
    from maxvolt.mlp.structure_files import read_outcar

    database, *outcars = map(Path, call.files)
    check_output(database, outcars)
    found: list[CfgConfiguration] = []
    for path in outcars:
        steps = read_outcar(
            path,
            nonconverged=bool(call.options["save_nonconverged"]),
            absolute_types=bool(call.options["absolute_types"]),
        )
        found += which(steps)
    write_configurations(database, found, append=True)
    print(f"{len(found)} configurations added to {database}")


def _first(steps: list[CfgConfiguration]) -> list[CfgConfiguration]:
    return steps[:1]


def _last(steps: list[CfgConfiguration]) -> list[CfgConfiguration]:
    return steps[-1:]


_OUTCAR_OPTIONS = (
    Option("save_nonconverged", False, "keep steps of VASP that did not converge", (2, 3)),
    Option("absolute_types", False, "types are atomic numbers", (2, 3)),
)

_OPTIONS = (
    Option("input-format", "txt", "of in: txt, bin, vasp-outcar, vasp-poscar", (2,)),
    Option("output-format", "txt", "of out: txt, bin, vasp-poscar, lammps-datafile", (2,)),
    Option("input_format", "txt", "of in: txt, bin, outcar, poscar, lammps_dump", (3,)),
    Option("output_format", "txt", "of out: txt, bin, poscar, lammps_datafile", (3,)),
    Option("append", False, "add to the end of out", (2, 3)),
    Option("last", False, "only the last configuration of in", (2, 3)),
    Option("fix-lattice", False, "atoms into the cell, lattice orthogonal, lower triangular", (2,)),
    Option("fix_lattice", False, "atoms into the cell, lattice orthogonal, lower triangular", (3,)),
    Option("save_nonconverged", False, "keep steps of VASP that did not converge", (3,)),
    Option("absolute_types", False, "types are atomic numbers; from an OUTCAR", (3,)),
    Option("type_order", None, "types in the order of POTCAR: 18,22,46; to a POSCAR", (3,)),
    Option("no_forces_stresses", False, "leave forces and stresses out", (3,)),
)

COMMANDS = (
    Command(
        names={2: "convert-cfg", 3: "convert"},
        files={2: "in out", 3: "in out"},
        summary="convert configurations from one format to another",
        options=_OPTIONS,
        run=_convert,
    ),
    Command(
        names={2: "to-bin", 3: "to_bin"},
        files={2: "in.cfg out.cfg", 3: "in.cfg out.cfg"},
        summary="write configurations in MLIP's binary format",
        options=(),
        run=partial(_convert_to, "bin"),
    ),
    Command(
        names={2: "from-bin", 3: "from_bin"},
        files={2: "in.cfg out.cfg", 3: "in.cfg out.cfg"},
        summary="write binary configurations as text",
        options=(),
        run=partial(_convert_to, "txt"),
    ),
    Command(
        names={2: "to-poscar"},
        files={2: "in.cfg POSCAR"},
        summary="write configurations as POSCAR, or as POSCAR0, POSCAR1, ...",
        options=(),
        run=partial(_convert_to, "poscar"),
    ),
    Command(
        names={2: "add-from-outcar", 3: "add_from_outcar"},
        files={2: "db.cfg OUTCAR ...", 3: "db.cfg OUTCAR ..."},
        summary="append one configuration of each OUTCAR, its first",
        options=_OUTCAR_OPTIONS,
        run=partial(_add_from_outcar, _first),
    ),
    Command(
        names={2: "add-from-outcar-dyn", 3: "add_from_outcar_dyn"},
        files={2: "db.cfg OUTCAR ...", 3: "db.cfg OUTCAR ..."},
        summary="append all steps of each OUTCAR",
        options=_OUTCAR_OPTIONS,
        run=partial(_add_from_outcar, list),
    ),
    Command(
        names={2: "add-from-outcar-last", 3: "add_from_outcar_last"},
        files={2: "db.cfg OUTCAR ...", 3: "db.cfg OUTCAR ..."},
        summary="append the last step of each OUTCAR",
        options=_OUTCAR_OPTIONS,
        run=partial(_add_from_outcar, _last),
    ),
)
