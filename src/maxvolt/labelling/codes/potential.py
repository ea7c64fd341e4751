"""A potential of any family, or an ensemble, as the reference: for tests and distillation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.calculators import MaxvoltCalculator
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.labelling.codes.in_process import InProcess
from maxvolt.labelling.codes.protocol import MisconfiguredError
from maxvolt.labelling.codes.python import results_of
from maxvolt.potentials import Potential
from maxvolt.potentials.loading import load, potential_files

__all__ = ["POTENTIAL", "PotentialCode"]

_SETTINGS = ("file", "species", "digest")


class PotentialCode(InProcess):
    """A potential from its file.

    Users give the settings ``file`` and, where the file names no species, ``species``. What decides
    the result is the content of the file, so the settings are complete with its ``digest`` in place
    of both, and where the file lies here belongs to the machine.
    """

    name = "potential"

    @property
    def machine_keys(self) -> frozenset[str]:
        """Where the file lies, and the species of one that names none."""
        return frozenset({"file", "species"})

    def located(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read the file, whose name is relative to a folder.

        Raises
        ------
        MaxvoltError
            There is no such potential, or a setting that does not exist.
        """
        unknown = sorted(set(settings) - set(_SETTINGS))
        if unknown:
            raise DataError(
                f"a potential as the reference has no setting {', '.join(unknown)}; it takes file "
                "and species"
            )
        if "file" not in settings:
            if "digest" not in settings:
                raise DataError(
                    'a potential as the reference needs its file; add file = "Al.eam.alloy", or '
                    "what it is called, to the settings of the reference"
                )
            return dict(settings), dict(machine)
        if not isinstance(settings["file"], str):
            raise DataError(f"file: expected the name of a file, not {settings['file']!r}")
        path = (folder / Path(settings["file"]).expanduser()).absolute()
        where = {"file": str(path)}
        if "species" in settings:
            where["species"] = settings["species"]
        digest = _potential(where).digest
        if settings.get("digest", digest) != digest:
            raise DataError(f"{path}: is not the potential with the digest {settings['digest']}")
        return {"digest": digest}, {**machine, **where}

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """There are no defaults."""
        return dict(settings)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse a file that is another one by now, and elements that the potential lacks."""
        potential = self._loaded(settings, machine)
        foreign = [symbol for symbol in symbols if symbol not in potential.species]
        if foreign:
            raise MisconfiguredError(
                f"the potential knows {', '.join(potential.species)} but not {', '.join(foreign)}"
            )

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Nothing is needed but the file, which `check` reads."""

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Calculate in this process."""
        atoms = atoms.copy()
        atoms.calc = MaxvoltCalculator(self._loaded(settings, machine), threads=1)
        return results_of(atoms)

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``run.sh`` and the potential."""
        self._loaded(settings, machine).write(folder / Path(machine["file"]).name)
        super().write_input(atoms, settings, machine, folder)

    def _loaded(self, settings: Mapping[str, Any], machine: Mapping[str, Any]) -> Potential:
        """Read the file where it lies or, elsewhere, that in the folder of the calculation."""
        if "file" not in machine:
            raise MisconfiguredError("machine of the reference: name the file of the potential")
        given = Path(machine["file"])
        beside = Path(given.name).absolute()
        path = beside if _stamps(beside) and not _stamps(given) else given
        try:
            potential = _potential({**machine, "file": str(path)})
        except MaxvoltError as error:
            raise MisconfiguredError(str(error)) from error
        if potential.digest != settings["digest"]:
            raise MisconfiguredError(
                f"{path}: has changed: its digest is {potential.digest}, that of the reference "
                f"{settings['digest']}"
            )
        return potential


POTENTIAL = PotentialCode()
"""An interatomic potential in place of a quantum-mechanical code."""


def _potential(where: Mapping[str, Any]) -> Potential:
    path, species = Path(where["file"]), where.get("species")
    chosen = None if species is None else tuple(species)
    potential = _read(str(path), chosen, _stamps(path))
    if getattr(potential, "is_trained", True) is False:
        raise DataError(f"{path}: this potential is untrained; fit it first, with maxvolt train")
    return potential


def _stamps(path: Path) -> tuple[tuple[int, int], ...]:
    """Tell the files of a potential from others of the same name; empty where there is none."""
    found = [one.stat() for one in potential_files(path) if one.exists()]
    return tuple((one.st_mtime_ns, one.st_size) for one in found)


@lru_cache(maxsize=4)
def _read(
    path: str, species: tuple[str, ...] | None, stamps: tuple[tuple[int, int], ...]
) -> Potential:
    return load(path, species)
