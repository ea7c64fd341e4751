"""Structures from and to the files of other programs, with types in the place of elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms

from maxvolt.cli.console import counted, note
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.files import replacing
from maxvolt.io.ase_files import write_ase
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.lammps import DATA, read_dump_types
from maxvolt.io.outcar import outcar_run
from maxvolt.io.poscar import read_poscar
from maxvolt.io.read_report import UNCONVERGED
from maxvolt.mlp.geometry import (
    as_configurations,
    dataset_by_type,
    symbols_of_types,
)

__all__ = ["read_dump", "read_outcar", "read_poscars", "write_data_files", "write_poscars"]

_ABSOLUTE = symbols_of_types(118)


def read_outcar(
    path: str | Path, *, nonconverged: bool = False, absolute_types: bool = False
) -> list[CfgConfiguration]:
    """Read the ionic steps of an OUTCAR, with the free energy TOTEN.

    Parameters
    ----------
    path
        The file.
    nonconverged
        Whether steps are kept whose electronic steps did not converge.
    absolute_types
        Whether types are atomic numbers instead of 0, 1, ... in the order of the file.

    Raises
    ------
    FileFormatError
        It is no OUTCAR, or not from its beginning.
    """
    run = outcar_run(path)
    dataset, dropped = run.dataset(keep_unconverged=nonconverged)
    for reason, number in dropped.items():
        hint = "; --save_nonconverged keeps them" if reason == UNCONVERGED else ""
        note(f"mlp: warning: {path}: {counted(number, 'step')} left out: {reason}{hint}")
    return _typed(dataset, run.species, absolute_types)


def read_poscars(path: str | Path, *, absolute_types: bool = False) -> list[CfgConfiguration]:
    """Read the structures of a POSCAR or XDATCAR; types in the order of the file."""
    structures = read_poscar(Path(path), _ABSOLUTE)
    dataset = Dataset.from_atoms(structures)
    order = dict.fromkeys(symbol for atoms in structures for symbol in atoms.symbols)
    return _typed(dataset, tuple(order), absolute_types)


def read_dump(path: str | Path) -> list[CfgConfiguration]:
    """Read lattice, positions and types of a dump of LAMMPS; type 1 becomes type 0.

    Raises
    ------
    FileFormatError
        A line is not what belongs there, or there are no types.
    """
    dataset = Dataset.from_atoms(read_dump_types(Path(path)))
    found = as_configurations(dataset, symbols_of_types(int(dataset.numbers.max(initial=0))))
    return [replace(configuration, forces=None) for configuration in found]


def _typed(dataset: Dataset, order: Sequence[str], absolute_types: bool) -> list[CfgConfiguration]:
    found = as_configurations(dataset, order)
    if not absolute_types:
        return found
    numbers = [dataset.numbers[dataset.atoms_of(s)] for s in range(len(dataset))]
    return [replace(c, types=z.astype(np.int32)) for c, z in zip(found, numbers, strict=True)]


# ------------------------------------------------------------------ writing


def write_poscars(
    path: Path, configurations: Sequence[CfgConfiguration], order: Sequence[int] | None = None
) -> list[Path]:
    """Write each configuration to a POSCAR without names of elements, as VASP 4 had them.

    Parameters
    ----------
    path
        The file of one configuration; of several, numbers from 0 follow the name.
    configurations
        Periodic in three directions.
    order
        Types in the order of POTCAR; None: ascending. All of them are counted in each file, so that
        the place of a number says its type.

    Raises
    ------
    DataError
        A configuration without a full cell, or with a type that the order leaves out.
    """
    types = sorted({int(t) for c in configurations for t in c.types})
    if order is None:
        relative = types and max(types) < len(types) + 1
        order = range(max(types) + 1) if relative else types
    if missing := [t for t in types if t not in order]:
        raise DataError(
            f"--type_order: does not name the types {', '.join(map(str, missing))}; name all that "
            "the configurations hold, in the order of POTCAR"
        )

    def write(target: Path, configuration: CfgConfiguration) -> None:
        text = _poscar(configuration, order)
        with replacing(target) as stream:
            stream.write(text.encode())

    return _numbered(path, configurations, write)


def write_data_files(path: Path, configurations: Sequence[CfgConfiguration]) -> list[Path]:
    """Write each configuration to a data file of LAMMPS; type 0 becomes type 1.

    Cells are turned to what LAMMPS asks for: the first vector along x, the second in the plane xy.

    Raises
    ------
    DataError
        A configuration without a full cell.
    """
    dataset = dataset_by_type(configurations)
    symbols = symbols_of_types(int(dataset.numbers.max(initial=0)))
    atoms: Mapping[int, Atoms] = {id(c): dataset[s] for s, c in enumerate(configurations)}

    def write(target: Path, configuration: CfgConfiguration) -> None:
        structure = atoms[id(configuration)]
        write_ase(target, [structure], DATA, specorder=list(symbols), masses=False)

    return _numbered(path, configurations, write)


def _numbered(
    path: Path,
    configurations: Sequence[CfgConfiguration],
    write: Callable[[Path, CfgConfiguration], None],
) -> list[Path]:
    """Write one configuration to the path, several to paths with numbers behind the name."""
    for number, configuration in enumerate(configurations):
        if not configuration.volume > 0:
            raise DataError(
                f"configuration {number + 1} has no Supercell of three vectors, without which "
                "VASP and LAMMPS have no periodic cell; give it one"
            )
    if len(configurations) == 1:
        paths = [path]
    else:
        paths = [Path(f"{path}{number}") for number in range(len(configurations))]
    for target, configuration in zip(paths, configurations, strict=True):
        write(target, configuration)
    return paths


def _poscar(configuration: CfgConfiguration, order: Sequence[int]) -> str:
    counts = [int((configuration.types == kind).sum()) for kind in order]
    rank = {kind: place for place, kind in enumerate(order)}
    sequence = np.argsort([rank[int(kind)] for kind in configuration.types], kind="stable")
    lines = ["MLIP output to POSCAR", "1.0"]
    lines += [_row(vector) for vector in configuration.cell]
    lines += [" " + " ".join(map(str, counts)), "cart"]
    lines += [_row(position) for position in configuration.positions[sequence]]
    return "\n".join(lines) + "\n"


def _row(numbers: Sequence[float] | np.ndarray) -> str:
    return " ".join(f"{number:21.16f}" for number in numbers)


def parsed_order(text: str) -> list[int]:
    """Read ``--type_order=18,22,46``.

    Raises
    ------
    MaxvoltError
        It is no list of whole numbers, or names one twice.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isdigit() and len(word) < 4 for word in words):
        raise MaxvoltError(f"--type_order: expected types such as 18,22,46, got '{text}'")
    order = [int(word) for word in words]
    if len(set(order)) != len(order):
        raise MaxvoltError(f"--type_order: a type is named twice in '{text}'")
    return order
