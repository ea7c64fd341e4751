"""A potential to which types are enough, as they are to MLIP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError, SpeciesError
from maxvolt.io.cfg_dataset import dataset_from_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.configurations import SPECIES, symbols_of_types
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.conversion import model_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file
from maxvolt.selection import ActiveSet, read_active_set
from maxvolt.selection.grades import Grades
from maxvolt.units import stress_to_plus_stress

__all__ = ["EFS_BY", "TypedPotential", "read_typed_potential"]

EFS_BY = "MultiMTP3"
"""What MLIP notes with energies, forces and stresses of a moment tensor potential."""


@dataclass(frozen=True, slots=True, eq=False)
class TypedPotential:
    """A potential and the types of its species in files of configurations.

    Attributes
    ----------
    path
        Its file.
    potential
        Elements stand in for the types where the file names none.
    types
        Of each species, in configurations: 0, 1, ... or the ids that the file has for them.
    named
        Whether the file names the elements.
    active_set
        That of the file, by which it grades; None where there is none.
    """

    path: Path
    potential: MTP
    types: tuple[int, ...]
    named: bool
    active_set: ActiveSet | None = None

    def dataset(
        self, configurations: Sequence[CfgConfiguration], path: str | Path
    ) -> Dataset:
        """Translate configurations to what the potential evaluates.

        Raises
        ------
        SpeciesError
            A type, or an element that the configuration names, is unknown to the potential.
        """
        known = [
            self._translated(configuration, f"{path}: configuration {number + 1}")
            for number, configuration in enumerate(configurations)
        ]
        return dataset_from_cfg(known, self.potential.species, path=path).with_origins(path)

    def _translated(self, configuration: CfgConfiguration, where: str) -> CfgConfiguration:
        """Return it with the numbers of the species of the potential as types."""
        features = dict(configuration.features)
        names = features.pop(SPECIES, None)
        if self.named and names is not None:
            ids: list[int | str] = list(names.split())
            known: Sequence[int | str] = self.potential.species
        else:
            ids, known = list(range(1 + int(configuration.types.max(initial=-1)))), self.types
        present = np.unique(configuration.types)
        table = np.full(int(present.max(initial=0)) + 1, -1, np.int32)
        for kind in present:
            if kind >= len(ids) or ids[kind] not in known:
                what = f"{ids[kind]}" if names and kind < len(ids) else f"type {kind}"
                raise SpeciesError(
                    f"{where} has atoms of {what}, which {self.path} does not know "
                    f"(it knows {', '.join(map(str, known))}); train it on such structures first"
                )
            table[kind] = known.index(ids[kind])
        return replace(configuration, types=table[configuration.types], features=features)

    def predicted(
        self,
        configurations: Sequence[CfgConfiguration],
        path: str | Path,
        threads: int | None = None,
    ) -> list[CfgConfiguration]:
        """Return configurations with energies, forces and stresses by this potential."""
        filled = [configuration for configuration in configurations if len(configuration)]
        dataset = self.dataset(filled, path)
        found = self.potential.evaluate_dataset(dataset, threads=threads)
        virials = stress_to_plus_stress(found.stresses, dataset.volumes)
        results = iter(range(len(filled)))
        predicted = []
        for configuration in configurations:
            if not len(configuration):
                predicted.append(configuration)
                continue
            s = next(results)
            virial = virials[s]
            predicted.append(
                replace(
                    configuration,
                    energy=float(found.energies[s]),
                    forces=found.forces[dataset.atoms_of(s)],
                    plus_stress=virial if np.isfinite(virial).all() else None,
                    features={**configuration.features, "EFS_by": EFS_BY},
                )
            )
        return predicted

    def grader(self) -> ActiveSet:
        """Return the active set of the file.

        Raises
        ------
        MaxvoltError
            There is none.
        """
        if self.active_set is None:
            raise MaxvoltError(
                f"{self.path}: holds no active set, without which nothing can be graded; make one "
                "with mlp select, mlp train (MLIP-3) or mlp calc-grade (MLIP-2)"
            )
        return self.active_set

    def grades(self, configurations: Sequence[CfgConfiguration], path: str | Path) -> Grades:
        """Grade configurations by the active set of the file."""
        return self.grader().grade_dataset(self.dataset(configurations, path))


def read_typed_potential(path: str | Path) -> TypedPotential:
    """Read a trained potential of MLIP-2, MLIP-3 or this package, with its active set if any.

    Raises
    ------
    FileFormatError
        The file is no moment tensor potential.
    MaxvoltError
        It is untrained.
    """
    file = read_potential_file(path)
    if not file.is_trained:
        raise MaxvoltError(f"{path}: this potential is untrained; train it first, with mlp train")
    named = file.species is not None
    symbols = file.species if file.species is not None else symbols_of_types(file.species_count)
    types = file.species_labels or tuple(range(len(symbols)))
    if file.active_set is None:
        potential = MTP.from_model(*model_of_file(path, file, symbols))
        return TypedPotential(Path(path), potential, tuple(types), named)
    active_set = read_active_set(path, symbols)
    assert isinstance(active_set.potential, MTP)
    return TypedPotential(Path(path), active_set.potential, tuple(types), named, active_set)
