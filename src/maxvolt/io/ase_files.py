"""Files that ASE reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ase.io
from ase import Atoms
from ase.db import connect
from ase.io.trajectory import TrajectoryWriter

from maxvolt.dataset import ARRAYS_KEY
from maxvolt.errors import DataError, FileFormatError
from maxvolt.files import reading, replacing_path

__all__ = ["read_ase", "read_database", "write_ase", "write_database", "write_trajectory"]

# ASE does not annotate them.
_connect: Callable[..., Any] = connect
_trajectory_writer: Callable[..., Any] = TrajectoryWriter


def read_ase(path: Path, file_format: str | None, **options: Any) -> list[Atoms]:
    """Read all structures of a file through ASE.

    Parameters
    ----------
    path
        The file.
    file_format
        Name that ASE has for the format; None to let ASE guess.
    options
        Passed on to ASE.

    Raises
    ------
    FileFormatError
        When the file is missing or ASE cannot read it, with ASE's reason.
    """
    with reading(path):
        pass  # a clear message for what is missing or must not be read
    try:
        found = ase.io.read(path, index=":", format=file_format, **options)
    except Exception as error:  # ASE's readers raise whatever went wrong inside
        shown = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise FileFormatError(
            path, f"ASE cannot read it as {file_format or 'any format it knows'} ({shown})"
        ) from error
    return list(found) if isinstance(found, list) else [found]


def write_ase(
    path: Path, structures: Sequence[Atoms], file_format: str | None, **options: Any
) -> None:
    """Write structures through ASE, under the final name only when complete."""
    with replacing_path(path) as temporary:
        content = structures[0] if len(structures) == 1 else list(structures)
        try:
            ase.io.write(temporary, content, format=file_format, **options)
        except OSError:
            raise
        except Exception as error:  # ASE's writers raise whatever went wrong inside
            shown = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise DataError(
                f"{path}: ASE cannot write {len(structures)} structure(s) as "
                f"{file_format or 'the format of that name'} ({shown})"
            ) from error


def write_trajectory(path: Path, structures: Sequence[Atoms], append: bool) -> None:
    """Write an ASE trajectory."""
    structures = [_with_arrays_in_info(atoms) for atoms in structures]
    if append and path.exists():
        _write_frames(path, structures, "a")
        return
    with replacing_path(path) as temporary:
        _write_frames(temporary, structures, "w")


def _write_frames(path: Path, structures: Sequence[Atoms], mode: str) -> None:
    with _trajectory_writer(path, mode) as writer:
        for atoms in structures:
            writer.write(atoms)


def read_database(path: Path, kind: str) -> list[Atoms]:
    """Read an ASE database, SQLite ("db") or JSON ("json").

    Key-value pairs and data of each row become ``atoms.info``.
    """
    with reading(path):
        pass
    structures = []
    try:
        with _connect(path, type=kind, serial=True) as database:
            for row in database.select():
                atoms = row.toatoms()
                atoms.info |= row.key_value_pairs
                atoms.info |= row.data
                structures.append(atoms)
    except Exception as error:  # SQLite, JSON and ASE each raise their own
        raise FileFormatError(
            path, f"ASE cannot read it as a database ({type(error).__name__}: {error})"
        ) from error
    return structures


def write_database(path: Path, structures: Sequence[Atoms], kind: str, append: bool) -> None:
    """Write an ASE database, SQLite ("db") or JSON ("json").

    ``atoms.info`` becomes the data of each row; ``config_type`` also a key, so that
    ``ase db FILE config_type=bulk`` finds it.
    """
    if append and path.exists():
        _write_rows(path, structures, kind)
        return
    with replacing_path(path) as temporary:
        _write_rows(temporary, structures, kind)


def _write_rows(path: Path, structures: Sequence[Atoms], kind: str) -> None:
    with _connect(path, type=kind, append=True, serial=True) as database:
        for atoms in structures:
            whole = _with_arrays_in_info(atoms)
            group = atoms.info.get("config_type")
            try:
                database.write(whole, {"config_type": group} if group else {}, data=whole.info)
            except ValueError:  # a group that looks like a number cannot be a key
                database.write(whole, data=whole.info)


def _with_arrays_in_info(atoms: Atoms) -> Atoms:
    """Return the atoms with arrays that these files have no place for inside the info."""
    arrays = {k: v for k, v in atoms.arrays.items() if k not in ("numbers", "positions")}
    if not arrays:
        return atoms
    whole = Atoms(atoms)
    whole.calc = atoms.calc
    whole.info[ARRAYS_KEY] = arrays
    return whole
