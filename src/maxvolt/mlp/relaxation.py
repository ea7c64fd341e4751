"""Relaxation of configurations as MLIP does it: what is prepared, relaxed, and noted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms

from maxvolt.cli.relaxing import relax_all
from maxvolt.constraints import CONSTRAINTS_KEY
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.configurations import with_features
from maxvolt.mlp.evaluation import predicted
from maxvolt.mlp.geometry import moved
from maxvolt.mlp.ini import Settings
from maxvolt.mlp.lattice import with_fixed_lattice
from maxvolt.mlp.potentials import TypedPotential
from maxvolt.mlp.repulsion import pushed_apart
from maxvolt.mlp.type_distances import listed, shortest_by_types
from maxvolt.parallel.ranks import Ranks
from maxvolt.sampling import Limits, Relaxation, SamplingResult, Thresholds
from maxvolt.selection import ActiveSet
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["End", "Ends", "Relaxing"]

_FIXED = "relax:fixed_atoms"
"""Feature of MLIP-3 that lists atoms, from 0, that do not move."""

_NO_TOLERANCE = 1e30
"""Stands for a tolerance that nothing is to be compared with: what it belongs to does not move."""


@dataclass(frozen=True, slots=True)
class End:
    """How the relaxation of one configuration ended.

    Attributes
    ----------
    message
        Why it failed; empty where it did not.
    steps
        Steps done.
    configuration
        As it ended, with energy, forces and stress; None where it failed.
    """

    message: str
    steps: int
    configuration: CfgConfiguration | None


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends by the number of the configuration, and what extrapolated on the way.

    Attributes
    ----------
    each
        Of all configurations that have atoms.
    extrapolative
        With predicted energies, forces and stresses, and their grade as MV_grade.
    """

    each: dict[int, End]
    extrapolative: list[CfgConfiguration]


@dataclass(frozen=True, slots=True)
class Relaxing:
    """A potential, and how configurations are relaxed by it.

    Attributes
    ----------
    typed
        The potential.
    query
        Active set that grades; None: nothing is graded.
    thresholds
        Grades from which a configuration is kept and stopped.
    keys
        Values of `RELAXATION_KEYS`.
    version
        Of MLIP, which the feature EFS_by of predictions names.
    """

    typed: TypedPotential
    query: ActiveSet | None
    thresholds: Thresholds
    keys: Settings
    version: int

    def check(self, configurations: Sequence[CfgConfiguration], path: str) -> None:
        """Refuse, before anything is relaxed, what cannot be, such as types that are not known.

        Raises
        ------
        MaxvoltError
            Names the configuration.
        """
        filled = {number: one for number, one in enumerate(configurations) if len(one)}
        self._dataset(filled, path)

    def relax(
        self, configurations: Mapping[int, CfgConfiguration], path: str, ranks: Ranks
    ) -> Ends:
        """Relax all that have atoms.

        Parameters
        ----------
        configurations, path
            As they stand in a file, by their numbers in it.
        ranks
            Processes that share the work.
        """
        ends: dict[int, End] = {}
        starts: dict[int, CfgConfiguration] = {}
        for number, one in configurations.items():
            if not len(one):
                continue
            try:
                starts[number] = self._prepared(one)
            except DataError as error:
                ends[number] = End(str(error), 0, None)
        if not self.keys["iteration_limit"]:
            ends |= {number: End("", 0, _pushed(one)) for number, one in starts.items()}
            return Ends(dict(sorted(ends.items())), [])
        if not starts:
            return Ends(ends, [])
        found, frames = self._relaxed(starts, path, ranks)
        return Ends(dict(sorted((ends | found).items())), frames)

    def _prepared(self, one: CfgConfiguration) -> CfgConfiguration:
        start = with_fixed_lattice(one) if self.keys["correct_cell"] else one
        least = self.keys["init_mindist"]
        return pushed_apart(start, least) if least > 0 else start

    def _relaxed(
        self, starts: dict[int, CfgConfiguration], path: str, ranks: Ranks
    ) -> tuple[dict[int, End], list[CfgConfiguration]]:
        numbers = np.array(list(starts))
        dataset = self._dataset(starts, path)
        with_cell = dataset.pbc.all(axis=1) & (self.keys["stress_tolerance"] > 0)
        ends: dict[int, End] = {}
        frames: list[tuple[int, CfgConfiguration]] = []
        for cell in (True, False):
            chosen = np.flatnonzero(with_cell == cell)
            if not len(chosen):
                continue
            results = relax_all(
                self._scenario(dataset.select(chosen), cell),
                self.typed.potential,
                self.query,
                self.thresholds,
                ranks=ranks,
            )
            of = numbers[chosen].tolist()
            ends |= self._ends(starts, of, results, path, ranks)
            for atoms in (atoms for result in results for atoms in result.extrapolative):
                number = of[int(atoms.info["candidate"])]
                graded = {"MV_grade": f"{atoms.info['grade']:.6f}"}
                frames.append((number, with_features(_at(starts[number], atoms), graded)))
        frames.sort(key=lambda item: item[0])
        return ends, self._evaluated([one for _, one in frames], path, ranks)

    def _ends(
        self,
        starts: Mapping[int, CfgConfiguration],
        of: Sequence[int],
        results: Sequence[SamplingResult],
        path: str,
        ranks: Ranks,
    ) -> dict[int, End]:
        """How each relaxation ended; `of` tells which configuration a candidate is."""
        ends: dict[int, End] = {}
        done: dict[int, CfgConfiguration] = {}
        for end in (end for result in results for end in result.candidates):
            number = of[end.index]
            message = "" if end.status == "relaxed" else f"{end.reason}: {end.message}"
            ends[number] = End(message, end.steps, None)
            if not message:
                done[number] = _at(starts[number], end.structure)
        known = self._evaluated(list(done.values()), path, ranks)
        for number, one in zip(done, known, strict=True):
            ends[number] = replace(ends[number], configuration=self._noted(one))
        return ends

    def _dataset(self, starts: Mapping[int, CfgConfiguration], path: str) -> Dataset:
        """Structures for the potential, with the atoms that do not move."""
        dataset = self.typed.dataset(list(starts.values()), path)
        all_of_them = self.keys["force_tolerance"] <= 0
        infos = [
            {**info, **_held(one, all_of_them, f"{path}: configuration {number}")}
            for (number, one), info in zip(starts.items(), dataset.infos, strict=True)
        ]
        return replace(dataset, infos=tuple(infos))

    def _scenario(self, structures: Dataset, cell: bool) -> Relaxation:
        keys = self.keys
        tolerance, stress = keys["force_tolerance"], keys["stress_tolerance"] / GPA_PER_EV_A3
        return Relaxation(
            "relaxation",
            structures,
            pressure=keys["pressure"] / GPA_PER_EV_A3 if cell else 0.0,
            force_tolerance=tolerance if tolerance > 0 else _NO_TOLERANCE,
            stress_tolerance=stress if stress > 0 else _NO_TOLERANCE,
            cell=cell,
            max_steps=keys["iteration_limit"],
            max_step=keys["max_step"],
            min_step=keys["min_step"],
            record_every=1,
            limits=Limits(keys["mindist"], float("inf")),
        )

    def _evaluated(
        self, configurations: Sequence[CfgConfiguration], path: str, ranks: Ranks
    ) -> list[CfgConfiguration]:
        if not configurations:
            return []
        return predicted(self.typed, configurations, path, ranks, self.version)

    def _noted(self, one: CfgConfiguration) -> CfgConfiguration:
        """Add the features of a relaxed configuration, turned as it was asked for."""
        if self.keys["correct_cell"]:
            one = with_fixed_lattice(one)
        features = {"from": "relaxation_OK", "mindists": listed(shortest_by_types(one))}
        if self.keys["pressure"]:
            work = self.keys["pressure"] / GPA_PER_EV_A3 * one.volume
            features |= {"PV": f"{work:f}", "enthalpy": f"{(one.energy or 0.0) + work:f}"}
        return with_features(one, features)


def _pushed(one: CfgConfiguration) -> CfgConfiguration:
    return with_features(one, {"from": "fix_mindist_OK"})


def _at(start: CfgConfiguration, atoms: Atoms) -> CfgConfiguration:
    """A configuration elsewhere, without what was known of it where it was."""
    cell = np.where(np.asarray(atoms.pbc)[:, None], atoms.cell.array, 0.0)
    return moved(start, np.array(atoms.positions), cell)


def _held(one: CfgConfiguration, all_of_them: bool, where: str) -> dict[str, object]:
    """Constraints that hold the atoms that are not to move, or all of them."""
    if all_of_them:
        indices = list(range(len(one)))
    else:
        words = [word.strip() for word in one.features.get(_FIXED, "").split(",") if word.strip()]
        if not all(word.isdigit() and int(word) < len(one) for word in words):
            raise DataError(
                f"{where}: feature {_FIXED}: expected numbers of atoms from 0 to {len(one) - 1}, "
                f"got '{one.features[_FIXED]}'"
            )
        indices = [int(word) for word in words]
    if not indices:
        return {}
    return {CONSTRAINTS_KEY: [{"name": "FixAtoms", "kwargs": {"indices": indices}}]}
