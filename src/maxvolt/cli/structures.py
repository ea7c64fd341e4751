"""Structures for commands to which the names of the elements do not matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from maxvolt.cli.inputs import check_is_structures, read_structures
from maxvolt.cli.potentials import potential_files
from maxvolt.dataset import Dataset
from maxvolt.errors import SpeciesError
from maxvolt.io.cfg import Encoding, read_cfg, write_cfg
from maxvolt.io.cfg_dataset import cfg_from_dataset, dataset_from_cfg
from maxvolt.io.cfg_types import SPECIES, with_indices, with_labels
from maxvolt.io.formats import write
from maxvolt.io.recognition import recognized_format
from maxvolt.sources import holding
from maxvolt.unnamed_types import stand_ins

__all__ = ["Naming", "naming_of", "naming_of_potential", "read_with_names"]

_CFG: Mapping[str, Encoding] = {"cfg": "full", "cfg-ordinary": "ordinary", "cfg-binary": "binary"}


@dataclass(frozen=True, slots=True)
class Naming:
    """What the species of a command's files are called.

    Attributes
    ----------
    species
        Symbols: those given, stand-ins for types without names, or None where the files say.
    labels
        Types in .cfg files that the stand-ins stand for; None where elements have names.
    """

    species: tuple[str, ...] | None
    labels: tuple[int, ...] | None = None

    def read(self, path: Path, otherwise: tuple[str, ...] | None = None) -> Dataset:
        """Read structures, of which there must be at least one.

        Parameters
        ----------
        path
            Their file.
        otherwise
            Symbols for a .cfg without names, where none are given.
        """
        if self.labels is None:
            return read_structures(path, self.species or otherwise)
        check_is_structures(path)
        records = with_indices(read_cfg(path), self.labels, path)
        if not records:
            return read_structures(path, self.species)  # which says that there is nothing
        return dataset_from_cfg(records, self.species, path=path).with_origins(path)

    def check_output(self, path: Path, kind: str) -> None:
        """Refuse to write elements that nobody has named.

        Raises
        ------
        SpeciesError
        """
        if self.labels is not None and kind not in _CFG:
            raise SpeciesError(
                f"{path}: the format {kind} names elements, and neither the potential nor the "
                "structures do; name them, type 0 first (--species Ti,Al), or write a .cfg"
            )

    def write(
        self, path: Path, kind: str, dataset: Dataset, species: tuple[str, ...] | None
    ) -> None:
        """Write structures in a format; `species` gives the types in a .cfg."""
        if self.labels is None:
            write(path, dataset, format=kind, species=species)
            return
        records = with_labels(cfg_from_dataset(dataset, species), self.labels)
        write_cfg(path, records, encoding=_CFG[kind])

    def shown(self, symbol: str) -> str:
        """How a symbol is printed: as it is, or ``type 0``."""
        if self.labels is None or self.species is None:
            return symbol
        return f"type {self.labels[self.species.index(symbol)]}"


def naming_of_potential(
    potential: Path, given: tuple[str, ...] | None, structures: Iterable[Path | None]
) -> Naming:
    """How species are called where a potential is used on structures.

    Elements are named by --species, or by the potential. A potential that names none can be used on
    .cfg files all the same, whose types are those of the potential.

    Parameters
    ----------
    potential
        File of a potential, or the name of an ensemble.
    given
        Symbols given on the command line.
    structures
        Files of structures; None for those that are not given.
    """
    from maxvolt.potentials.families import family_of_file
    from maxvolt.potentials.mtp.files.access import read_potential_file

    first = potential_files(potential)[0]
    if given is not None or not first.is_file():
        return Naming(given)
    family = family_of_file(first)
    if family is None or family.name != "mtp":
        return Naming(None)
    # Pipes are read once, by whoever needs their structures.
    if not all(map(_is_cfg_file, (path for path in structures if path is not None))):
        return Naming(None)
    file = read_potential_file(first)
    if file.species is not None:
        return Naming(None)
    labels = file.species_labels or tuple(range(file.species_count))
    return Naming(stand_ins(len(labels)), labels)


def naming_of(path: Path, given: tuple[str, ...] | None) -> Naming:
    """How species are called in a file of structures, with no potential to name them.

    The file is read twice: a pipe must be held (`maxvolt.sources.holding`).
    """
    if given is not None or recognized_format(path) not in _CFG:
        return Naming(given)
    records = read_cfg(path)
    if all(SPECIES in record.features for record in records):
        return Naming(None)
    labels = sorted({int(label) for record in records for label in set(record.types.tolist())})
    return Naming(stand_ins(len(labels)), tuple(labels))


def read_with_names(
    path: Path, species: tuple[str, ...] | None
) -> tuple[Dataset, Mapping[str, str]]:
    """Read structures, and say how each of the dataset's symbols is to be printed.

    Symbols stand for themselves. A .cfg that names no elements is read all the same: its types are
    printed as ``type 0``, ``type 1``, ...
    """
    with holding(path):
        naming = naming_of(path, species)
        dataset = naming.read(path)
    return dataset, {symbol: naming.shown(symbol) for symbol in dataset.species}


def _is_cfg_file(path: Path) -> bool:
    return path.is_file() and recognized_format(path) in _CFG
