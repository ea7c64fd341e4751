"""Files that ASE reads and writes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ase.io
from ase import Atoms
from ase.db import connect
from ase.io.trajectory import TrajectoryWriter

from maxvolt.appending import appending
from maxvolt.errors import DataError, FileFormatError
from maxvolt.files import replacing_path
from maxvolt.labels import ARRAYS_KEY, other_results
from maxvolt.sources import plain_file, reading

__all__ = ["read_ase", "read_database", "write_ase", "write_database", "write_trajectory"]

# ASE does not annotate them.
_connect: Callable[..., Any] = connect
_trajectory_writer: Callable[..., Any] = TrajectoryWriter

_TRAJECTORY = b"- of UlmASE-Trajectory"
"""How a trajectory begins."""


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
    with plain_file(path) as plain:
        try:
            found = ase.io.read(plain, index=":", format=file_format, **options)
        except Exception as error:  # ASE's readers raise whatever went wrong inside
            raise FileFormatError(
                path,
                f"ASE cannot read it as {file_format or 'any format it knows'} "
                f"({_shown(error, plain, path)})",
            ) from error
    return list(found) if isinstance(found, list) else [found]


def write_ase(
    path: Path, structures: Sequence[Atoms], file_format: str | None, **options: Any
) -> None:
    """Write structures through ASE, under the final name only when complete."""
    with replacing_path(path) as temporary:
        content = structures[0] if len(structures) == 1 else list(structures)
        with _explained(path, temporary, structures, file_format):
            ase.io.write(temporary, content, format=file_format, **options)


@contextmanager
def _explained(
    path: Path, file: Path, structures: Sequence[Atoms], file_format: str | None
) -> Iterator[None]:
    """Turn what ASE raises into messages; errors of the system pass."""
    try:
        yield
    except (OSError, DataError):
        raise
    except sqlite3.Error as error:
        raise DataError(f"{path}: cannot be written: {error}") from error
    except Exception as error:  # ASE's writers raise whatever went wrong inside
        raise DataError(
            f"{path}: ASE cannot write {len(structures)} structure(s) as "
            f"{file_format or 'the format of that name'} ({_shown(error, file, path)})"
        ) from error


def _shown(error: Exception, file: Path, path: Path) -> str:
    """Say what ASE raised, with the name that the user knows the file by."""
    text = str(error).replace(str(file), str(path))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def write_trajectory(path: Path, structures: Sequence[Atoms], append: bool) -> None:
    """Write an ASE trajectory; what is added to one is added whole or not at all."""
    structures = [_with_arrays_in_info(atoms) for atoms in structures]
    if append and path.exists() and path.stat().st_size > 0:
        with reading(path) as stream:
            if not stream.read(len(_TRAJECTORY)) == _TRAJECTORY:
                raise DataError(f"{path}: cannot append: the file is not a trajectory of ASE")
        with appending(path) as target:
            _write_frames(path, target, structures, "a")
        return
    with replacing_path(path) as temporary:
        _write_frames(path, temporary, structures, "w")


def _write_frames(path: Path, file: Path, structures: Sequence[Atoms], mode: str) -> None:
    writer = _trajectory_writer(file, mode)
    try:
        with _explained(path, file, structures, "traj"):
            for atoms in structures:
                writer.write(atoms)
            writer.close()
    except BaseException:
        # What is still buffered must not reach the file later, when that has been restored.
        writer.backend.fd.raw.close()
        raise


def read_database(path: Path, kind: str) -> list[Atoms]:
    """Read an ASE database, SQLite ("db") or JSON ("json").

    Key-value pairs and data of each row become ``atoms.info``.
    """
    structures = []
    with plain_file(path) as plain:
        try:
            with _connect(plain, type=kind, serial=True) as database:
                for row in database.select():
                    atoms = row.toatoms()
                    atoms.info |= row.key_value_pairs
                    atoms.info |= row.data
                    if atoms.calc is not None:
                        atoms.calc.parameters.update(row.get("calculator_parameters", {}))
                    structures.append(atoms)
        except Exception as error:  # SQLite, JSON and ASE each raise their own
            raise FileFormatError(
                path, f"ASE cannot read it as a database ({_shown(error, plain, path)})"
            ) from error
    return structures


def write_database(path: Path, structures: Sequence[Atoms], kind: str, append: bool) -> None:
    """Write an ASE database, SQLite ("db") or JSON ("json").

    ``atoms.info`` becomes the data of each row; ``config_type`` also a key, so that
    ``ase db FILE config_type=bulk`` finds it. Rows are added all or none: by a transaction of
    SQLite, or by a new JSON file that takes the place of the old one, which ASE writes anew anyway.
    """
    grows = append and path.exists() and path.stat().st_size > 0
    if grows:
        _check_is_database(path, kind)
    if grows and kind == "db":
        _write_rows(path, path, structures, kind)
        return
    with replacing_path(path) as temporary:
        if grows:
            shutil.copyfile(path, temporary)
        _write_rows(path, temporary, structures, kind)


def _check_is_database(path: Path, kind: str) -> None:
    """Refuse to add to a file that is something else: ASE would replace it."""
    try:
        with _connect(path, type=kind, use_lock_file=False, serial=True) as database:
            database.count()
    except Exception as error:  # SQLite, JSON and ASE each raise their own
        raise DataError(
            f"{path}: cannot append: the file is not a database of ASE "
            f"({_shown(error, path, path)})"
        ) from error


def _write_rows(path: Path, file: Path, structures: Sequence[Atoms], kind: str) -> None:
    # Without ASE's lock file, for which it would wait for ever after a kill: SQLite has locks.
    with (
        _explained(path, file, structures, kind),
        _connect(file, type=kind, append=True, use_lock_file=False, serial=True) as database,
    ):
        for atoms in structures:
            database.change_count = 0  # ASE would commit every 5000 rows
            _write_row(database, _with_results_in_info(_with_arrays_in_info(atoms)))


def _write_row(database: Any, atoms: Atoms) -> None:
    group = atoms.info.get("config_type")
    try:
        database.write(atoms, {"config_type": group} if group else {}, data=atoms.info)
    except ValueError:  # a group that looks like a number cannot be a key
        database.write(atoms, data=atoms.info)


def _with_arrays_in_info(atoms: Atoms) -> Atoms:
    """Return the atoms with arrays that these files have no place for inside the info."""
    arrays = {k: v for k, v in atoms.arrays.items() if k not in ("numbers", "positions")}
    if not arrays:
        return atoms
    whole = Atoms(atoms)
    whole.calc = atoms.calc
    whole.info[ARRAYS_KEY] = arrays
    return whole


def _with_results_in_info(atoms: Atoms) -> Atoms:
    """Return the atoms with results that a database has no columns for inside the info."""
    others = other_results(atoms)
    if not others:
        return atoms
    whole = Atoms(atoms)
    whole.calc = atoms.calc
    arrays = {**others.pop(ARRAYS_KEY, {}), **whole.info.get(ARRAYS_KEY, {})}
    whole.info.update({**others, ARRAYS_KEY: arrays} if arrays else others)
    return whole
