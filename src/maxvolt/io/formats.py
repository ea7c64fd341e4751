"""Which reader and writer belong to which file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ase import Atoms
from ase.data import chemical_symbols
from ase.io.formats import UnknownFileTypeError, filetype, ioformats
from ase.utils import string2index

from maxvolt.appending import append_lines
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.files import COMPRESSED, replacing
from maxvolt.io import ase_files, lammps
from maxvolt.io.cfg import Encoding, read_cfg, write_cfg
from maxvolt.io.cfg_dataset import cfg_from_dataset, check_named, dataset_from_cfg
from maxvolt.io.extxyz import extxyz_bytes
from maxvolt.io.extxyz_reader import read_extxyz
from maxvolt.io.held_constraints import as_extxyz, unheld_constraints, with_held_constraints
from maxvolt.io.outcar import outcar_run
from maxvolt.io.poscar import read_poscar
from maxvolt.io.read_report import ReadReport
from maxvolt.io.recognition import guess_format, recognized_format
from maxvolt.io.vasp_steps import VaspRun
from maxvolt.io.vasprun import vasprun_run
from maxvolt.labels import has_stress_key, unrecognized_labels
from maxvolt.sources import holding

__all__ = [
    "check_grows",
    "check_holds",
    "holds_labels",
    "output_format",
    "read",
    "read_with_report",
    "write",
]

_logger = logging.getLogger(__name__)

_Species = Sequence[str] | None

_CFG: Mapping[str, Encoding] = {"cfg": "full", "cfg-ordinary": "ordinary", "cfg-binary": "binary"}
_VASP_OUTPUT: Mapping[str, Callable[[Path], VaspRun]] = {
    "vasp-out": outcar_run,
    "vasp-xml": vasprun_run,
}
_VASP_STRUCTURES = ("vasp", "vasp-xdatcar")
_LAMMPS = {lammps.DUMP: lammps.read_dump, lammps.DATA: lammps.read_data}
_DATABASES = ("db", "json")
_WITH_LABELS = (*_CFG, "extxyz", "traj", *_DATABASES)
_FOLDERS = ("bundletrajectory",)

# What MLIP's programs call formats.
_OTHER_NAMES = {
    "txt": "cfg",
    "bin": "cfg-binary",
    "outcar": "vasp-out",
    "vasp-outcar": "vasp-out",
    "vasprun": "vasp-xml",
    "poscar": "vasp",
    "vasp-poscar": "vasp",
    "xyz": "extxyz",
    "lammps-dump": lammps.DUMP,
    "lammps-datafile": lammps.DATA,
}


def output_format(path: str | Path, format: str | None = None) -> str:
    """Return the name of the format that `write` would write.

    Parameters
    ----------
    path
        The file, which need not exist.
    format
        As in `write`; None: as the name of the file says.

    Raises
    ------
    DataError
        When the name says nothing, or the format cannot be written.
    """
    path = Path(path)
    if str(path) == "-":
        raise DataError("structures are not written to standard output; give the name of a file")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; give the name of a file")
    if path.suffix.lower() in COMPRESSED:
        raise DataError(f"{path}: compressed files are read but not written; leave out the ending")
    kind = _known(format) if format is not None else guess_format(path) or _guessed_by_ase(path)
    if kind in _FOLDERS:
        raise DataError(f"{path}: the format {kind} is a folder, not a file; write .traj")
    if kind not in _CFG and not ioformats[kind].can_write:
        raise DataError(f"{path}: the format {kind} is read but not written; choose another one")
    return kind


def holds_labels(kind: str) -> bool:
    """Whether a format keeps energies, forces and stresses."""
    return kind in _WITH_LABELS


def check_holds(
    path: str | Path, kind: str, structures: int | None, *, labels: bool = False
) -> None:
    """Refuse a format that has no place for what is to be written.

    Parameters
    ----------
    path
        The file, for the message.
    kind
        Name of the format, as `output_format` returns it.
    structures
        How many there are; None while that is not known, for as many as there may be.
    labels
        Whether energies, forces and stresses must be kept.

    Raises
    ------
    DataError
        Says what the format cannot hold.
    """
    if kind not in _CFG and ioformats[kind].single and structures != 1:
        number = "may be several" if structures is None else f"are {structures}"
        raise DataError(
            f"{path}: the format {kind} holds one structure, there {number}; choose one with an "
            "index, or write another format, such as .xyz or .cfg"
        )
    if labels and not holds_labels(kind):
        raise DataError(
            f"{path}: the format {kind} does not hold energies, forces and stresses; write "
            "another one, such as .xyz or .cfg"
        )


def check_grows(path: str | Path, kind: str) -> None:
    """Refuse a format to whose files nothing can be appended.

    Raises
    ------
    DataError
        Says which formats there are.
    """
    if kind not in _WITH_LABELS:
        raise DataError(
            f"{path}: cannot append: a file of the format {kind} cannot grow; write .xyz, .cfg, "
            ".traj or .db"
        )


def _guessed_by_ase(path: Path) -> str:
    try:
        kind = str(filetype(path.name, read=False))
    except UnknownFileTypeError:
        kind = ""
    if kind not in ioformats:
        raise DataError(
            f"{path}: the name does not tell the format to write; end it with .xyz, .cfg, .vasp, "
            ".data, .db or .traj, or name the format"
        )
    return kind


def read(
    path: str | Path,
    *,
    format: str | None = None,
    species: _Species = None,
    index: str | int | slice = ":",
    keep_unconverged: bool = False,
) -> Dataset:
    """Read labelled structures.

    What was dropped, such as unconverged steps of VASP, is logged as a warning; `read_with_report`
    returns it.

    Parameters
    ----------
    path
        The file, which may be compressed (.gz, .bz2, .xz) or a pipe; "-" for standard input.
    format
        "cfg" (MLIP, text or binary), "extxyz", "vasp-out" (OUTCAR), "vasp-xml", "vasp" (POSCAR),
        "lammps-dump-text", "lammps-data", "db", "json", "traj" or another format of ASE. None:
        as the name of the file or, where that says nothing certain, its content says.
    species
        Symbols of the elements by type, first type first, for formats without element names.
    index
        Which structures, as in ASE: ``":"``, ``-1``, ``"::10"``, a slice.
    keep_unconverged
        True to keep steps of VASP whose electronic steps did not converge.

    Returns
    -------
    dataset
        Energies are force-consistent; units and signs as in `Dataset`.

    Raises
    ------
    FileFormatError
        When the file is not understood.
    SpeciesError
        When elements are needed and not given.
    DataError
        When structures or labels cannot be used.
    """
    dataset, report = read_with_report(
        path, format=format, species=species, index=index, keep_unconverged=keep_unconverged
    )
    if report.dropped:
        _logger.warning("%s", report)
    return dataset


def read_with_report(
    path: str | Path,
    *,
    format: str | None = None,
    species: _Species = None,
    index: str | int | slice = ":",
    keep_unconverged: bool = False,
) -> tuple[Dataset, ReadReport]:
    """Read labelled structures and say how many were dropped; see `read`.

    The counts of the report are for the whole file, before `index` is applied.
    """
    path = Path(path)
    chosen = _parsed_index(index)
    with holding(path):
        kind = _known(format) if format is not None else recognized_format(path)
        dropped: Mapping[str, int] = {}
        order: tuple[str, ...] | None = None
        if kind in _CFG:
            dataset = dataset_from_cfg(read_cfg(path), species, path=path)
        elif kind is not None and kind in _VASP_OUTPUT:
            with _naming(path):
                run = _VASP_OUTPUT[kind](path)
                dataset, dropped = run.dataset(keep_unconverged=keep_unconverged)
                order = run.species
        else:
            dataset = _dataset_of_atoms(path, _structures(path, kind, species))
    if kind in _VASP_STRUCTURES:
        order = tuple(chemical_symbols[z] for z in dict.fromkeys(dataset.numbers.tolist()))
    report = ReadReport(
        path=path, format=kind or "ASE", kept=len(dataset), dropped=dropped, species=order
    )
    dataset = dataset.with_origins(path)
    with _naming(path):
        return dataset if chosen == slice(None) else dataset.select(chosen), report


def write(
    path: str | Path,
    dataset: Dataset | Atoms | Iterable[Atoms],
    *,
    format: str | None = None,
    species: _Species = None,
    append: bool = False,
) -> None:
    """Write structures and their labels.

    A new file takes its name only when it is complete, and what is appended is there whole or not
    at all: when writing fails, the file is as it was (see `maxvolt.appending`). The formats "cfg",
    "cfg-binary", "extxyz", "db", "json" and "traj" keep every label to the last digit.

    Parameters
    ----------
    path
        The file.
    dataset
        What to write; one structure or several do as well.
    format
        "cfg" (MLIP text with all digits), "cfg-ordinary" (MLIP's fewer digits), "cfg-binary",
        "extxyz", "db", "json", "traj", "vasp" (POSCAR), "lammps-data" or another format of
        ASE. None: as the name of the file says (``.bin.cfg`` for binary).
    species
        Symbols of the elements by type, first type first, in .cfg and LAMMPS files; formats that
        name elements hold no other ones. None: the elements of the dataset by atomic number.
    append
        Add to the end of an existing file ("cfg", "extxyz", "db", "json", "traj").

    Raises
    ------
    DataError
        When these are no structures, or the format cannot hold them.
    SpeciesError
        When the dataset has an element that is not among the species.
    """
    path, dataset = Path(path), Dataset.of(dataset)
    kind = output_format(path, format)
    if species is not None:
        check_named(dataset, species)
    if unheld := unheld_constraints(dataset, kind):
        _logger.warning(
            "%s: the format %s does not keep the constraints %s; not written",
            path,
            kind,
            ", ".join(unheld),
        )
    if kind in _CFG:
        configurations = cfg_from_dataset(dataset, species)
        write_cfg(path, configurations, encoding=_CFG[kind], append=append)
    elif kind == "extxyz":
        _write_extxyz(path, dataset, append)
    elif kind == "traj":
        ase_files.write_trajectory(path, dataset.to_atoms(), append)
    elif kind in _DATABASES:
        ase_files.write_database(path, dataset.to_atoms(), kind, append)
    else:
        _write_through_ase(path, dataset, kind, species, append)


def _structures(path: Path, kind: str | None, species: _Species) -> list[Atoms]:
    """Read a format whose structures come as `ase.Atoms`."""
    if kind == "extxyz":
        return read_extxyz(path)
    if kind in _LAMMPS:
        return _LAMMPS[kind](path, species)
    if kind in _VASP_STRUCTURES:
        return read_poscar(path, species)
    if kind in _DATABASES:
        return ase_files.read_database(path, kind)
    return ase_files.read_ase(path, kind)


def _dataset_of_atoms(path: Path, structures: Sequence[Atoms]) -> Dataset:
    """Make a dataset, and say what looks like a label and is not one."""
    with _naming(path):
        dataset = Dataset.from_atoms(structures)
    looks_like: dict[str, int] = {}
    meaningless = 0
    for atoms, energy, forces, stress in zip(
        structures, dataset.has_energy, dataset.has_forces, dataset.has_stress, strict=True
    ):
        absent = [kind for kind, has in (("energy", energy), ("forces", forces)) if not has]
        absent += ["stress"] if not stress and atoms.pbc.all() else []
        for key in unrecognized_labels(atoms, absent):
            looks_like[key] = looks_like.get(key, 0) + 1
        meaningless += not atoms.pbc.all() and has_stress_key(atoms)
    if looks_like:
        _logger.warning(
            "%s: not recognised as labels: %s; expected energy, forces, stress or virial, alone or "
            "after REF_ or DFT_: rename them if they are labels",
            path,
            ", ".join(
                f"{key} ({count} of {len(structures)} structures)"
                for key, count in looks_like.items()
            ),
        )
    if meaningless:
        _logger.warning(
            "%s: a stress is not defined for structures that are not periodic in three directions; "
            "left out of %d of %d",
            path,
            meaningless,
            len(structures),
        )
    return dataset


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the name of the file before what is wrong with its structures."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _write_extxyz(path: Path, dataset: Dataset, append: bool) -> None:
    data = extxyz_bytes(map(as_extxyz, dataset))
    if append and path.exists():
        append_lines(path, data)
        return
    with replacing(path) as stream:
        stream.write(data)


def _write_through_ase(
    path: Path, dataset: Dataset, kind: str, species: _Species, append: bool
) -> None:
    if append:
        check_grows(path, kind)
    check_holds(path, kind, len(dataset))
    options = {}
    if kind == lammps.DATA:
        symbols = dataset.species if species is None else tuple(species)
        options = {"specorder": list(symbols), "masses": True}
    ase_files.write_ase(path, with_held_constraints(dataset, kind), kind, **options)


def _known(name: str) -> str:
    """Return the one name of a format that may go by several."""
    kind = _OTHER_NAMES.get(name.replace("_", "-"), name)
    if kind not in _CFG and kind not in ioformats:
        raise DataError(
            f"unknown format {name!r}; use cfg, cfg-binary, extxyz, vasp-out, vasp-xml, vasp, "
            "lammps-dump-text, lammps-data, db, json, traj or a format that ASE lists "
            "(ase info --formats)"
        )
    return kind


def _parsed_index(index: str | int | slice) -> slice | int:
    if not isinstance(index, str):
        return index
    try:
        parsed = string2index(index)
    except ValueError:
        parsed = index
    if isinstance(parsed, str):
        raise DataError(f"index {index!r}; expected a number or a range such as 0:100 or ::10")
    return parsed
