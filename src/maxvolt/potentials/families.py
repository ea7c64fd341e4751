"""Families of potentials: which of them a file or a setting belongs to.

The one place that knows which families there are. A family is a package whose module ``family`` has
four functions, and a fifth where a file of it may hold several potentials:

- ``looks_like(beginning: bytes) -> bool``, whether a file that begins so is of the family;
- ``read(path, species) -> Potential``, which reads a file of it;
- ``describe(path, species) -> Description``, what `maxvolt info` says of a file;
- ``lammps_suffix(potential) -> str | None``, the ending of the file in which LAMMPS reads it;
- ``read_members(path, species) -> tuple[Potential, ...]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.errors import FileFormatError, MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials.protocol import Potential

__all__ = [
    "FAMILIES",
    "Description",
    "Family",
    "family_of",
    "family_of_file",
    "file_suffix",
    "member_paths",
    "suffix_family",
    "title_of",
    "trainable_family",
]

_COMPILED = b"MAXVOLT\n"
"""How a compiled model begins."""

_BEGINNING = 4096
"""Bytes that tell what a file is."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a file of a potential holds.

    Attributes
    ----------
    facts
        For JSON, units in the names.
    lines
        For people: names and values.
    """

    facts: Mapping[str, Any]
    lines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of potentials.

    Attributes
    ----------
    name
        As settings have it.
    title
        What people call it.
    suffixes
        Endings of file names that no other kind of file has.
    module
        Where it is read, imported when it is needed.
    training
        The module that trains it (see `maxvolt.fitting.families`); None: it comes from files only.
    in_folders
        Patterns of files in it by which a folder is a potential.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    module: str
    training: str | None = None
    in_folders: tuple[str, ...] = ()

    @property
    def one_of_it(self) -> str:
        """What people call one potential of it, with the article."""
        return f"{'an' if self.title[0].lower() in 'aeiou' else 'a'} {self.title}"

    def looks_like(self, beginning: bytes) -> bool:
        """Whether a file that begins so is of this family."""
        return bool(self._code.looks_like(beginning))

    def read(self, path: str | Path, species: Sequence[str] | None = None) -> Potential:
        """Read a file of this family."""
        potential: Potential = self._code.read(path, species)
        return potential

    def read_members(
        self, path: str | Path, species: Sequence[str] | None = None
    ) -> tuple[Potential, ...]:
        """Read all potentials that a file of this family holds, mostly one."""
        of_several = getattr(self._code, "read_members", None)
        if of_several is None:
            return (self.read(path, species),)
        members: tuple[Potential, ...] = of_several(path, species)
        return members

    def describe(self, path: str | Path, species: Sequence[str] | None = None) -> Description:
        """Describe a file of this family."""
        description: Description = self._code.describe(path, species)
        return description

    def lammps_suffix(self, potential: Potential) -> str | None:
        """Give the ending of the file in which LAMMPS reads a potential; None: it cannot."""
        suffix: str | None = self._code.lammps_suffix(potential)
        return suffix

    @property
    def _code(self) -> Any:
        return import_module(self.module)


FAMILIES = (
    Family(
        name="mtp",
        title="moment tensor potential",
        suffixes=(".mtp", ".almtp", ".als"),
        module="maxvolt.potentials.mtp.family",
        training="maxvolt.fitting.variable_projection.training",
    ),
    Family(
        name="eam",
        title="embedded-atom potential",
        suffixes=(".eam.alloy", ".eam.fs"),
        module="maxvolt.potentials.eam.family",
    ),
    Family(
        name="ani",
        title="ANI neural network potential",
        suffixes=(".ani.safetensors",),
        module="maxvolt.potentials.ani.family",
        training="maxvolt.fitting.neural_networks.training",
        in_folders=("train0/networks/ANN-*.nnf", "networks/ANN-*.nnf"),
    ),
)


def trainable_family(name: str) -> Family:
    """Give the family of a name in settings of a fit.

    Raises
    ------
    MaxvoltError
        There is none, or it comes from files only; the message names those that can be trained.
    """
    trainable = [family for family in FAMILIES if family.training is not None]
    known = ", ".join(f"{family.name!r} ({family.title})" for family in trainable)
    for family in FAMILIES:
        if family.name == name and family.training is None:
            raise MaxvoltError(
                f"{name!r} ({family.title}) is read from files and cannot be trained; expected one "
                f"of {known}"
            )
    for family in trainable:
        if family.name == name:
            return family
    raise MaxvoltError(
        f"{name!r} is no family of potentials that can be trained; expected one of {known}"
    )


def family_of(potential: Potential) -> Family | None:
    """Give the family of a potential; None of those that are not known."""
    homes = [kind.__module__ for kind in type(potential).__mro__]
    for family in FAMILIES:
        package = family.module.rpartition(".")[0] + "."
        if any(home.startswith(package) for home in homes):
            return family
    return None


def title_of(potential: Potential) -> str:
    """Tell what people call the family of a potential; of none that is known, its class."""
    family = family_of(potential)
    return type(potential).__name__ if family is None else family.title


def family_of_file(path: str | Path) -> Family | None:
    """Tell by the name of a file or, for other names, by how it begins; None: it is no potential.

    Raises
    ------
    FileFormatError
        The file cannot be read, or is a compiled model, which only programs without Python take.
    """
    path = Path(path)
    by_name = suffix_family(path)
    if path.is_dir():
        return next((one for one in FAMILIES if _has_any(path, one.in_folders)), by_name)
    if by_name is not None or not path.is_file():
        return by_name
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror}") from error
    if beginning.startswith(_COMPILED):
        raise FileFormatError(
            path,
            "is a compiled model, for LAMMPS and other programs; give the potential that it was "
            "made from (.mtp, .almtp)",
        )
    return next((family for family in FAMILIES if family.looks_like(beginning)), None)


def file_suffix(path: str | Path) -> str:
    """Give the ending of the name of a potential's file, ``.mtp`` or ``.eam.alloy``."""
    path = Path(path)
    family = suffix_family(path)
    if family is None:
        return path.suffix
    return path.name[-max(len(s) for s in family.suffixes if path.name.endswith(s)) :]


def member_paths(path: str | Path, members: int) -> list[Path]:
    """Files of an ensemble, ``pot.0.mtp`` and so on; a single potential keeps the path itself."""
    path = Path(path)
    if members == 1:
        return [path]
    suffix = file_suffix(path)
    stem = path.name[: len(path.name) - len(suffix)]
    return [path.with_name(f"{stem}.{m}{suffix}") for m in range(members)]


def _has_any(folder: Path, patterns: tuple[str, ...]) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in patterns)


def suffix_family(path: Path) -> Family | None:
    """Give the family that a name is of, by its ending."""
    return next((family for family in FAMILIES if path.name.endswith(family.suffixes)), None)
