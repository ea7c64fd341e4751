"""Properties of several potentials, computed side by side and kept as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt import __version__
from maxvolt.errors import MaxvoltError
from maxvolt.files import make_folder
from maxvolt.potentials.loading import load, potential_files
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.evaluation import PropertyResult, compute_property
from maxvolt.properties.reference_calculator import names_code, reference_calculator
from maxvolt.report.card.states import property_of
from maxvolt.report.card.telling import Told, hearing, now_and_then, worker_tells
from maxvolt.report.output import write_json
from maxvolt.sampling.processes import local_pool
from maxvolt.selection import has_active_set

__all__ = ["Card", "CardSource", "Progress", "count_results", "make_card"]

REFERENCE = "reference"

_SIMULATIONS = "simulations"
"""Folder of what properties from dynamics keep while they run."""

Progress = Callable[[str, int, int], None]
"""Called with what has just ended, how much has ended, and how much there is."""


@dataclass(frozen=True, slots=True)
class CardSource:
    """Where numbers of a card come from.

    Parameters
    ----------
    label
        Its name in the card.
    given
        What a command line calls it: the path of a potential, the name of a code that labels, a
        TOML file with its settings, or a class as ``module:Class``.
    species
        Elements of type 0, 1, ... for a potential that names none.
    is_reference
        Whether others are compared with it.
    """

    label: str
    given: str
    species: tuple[str, ...] | None = None
    is_reference: bool = False

    def calculating(self) -> tuple[Any, str | None]:
        """Return what computes, and the file of its active set where it has one."""
        if self.is_reference or names_code(self.given):
            return reference_calculator(self.given, self.species), None
        graded = has_active_set(self.given) if Path(self.given).is_file() else False
        return load(self.given, self.species), self.given if graded else None

    def fingerprint(self) -> str:
        """Changes when the files of a potential, or the name of a code, change."""
        digest = sha256(self.given.encode())
        for file in potential_files(Path(self.given)):
            if file.is_file():
                digest.update(file.read_bytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """What is known of each potential.

    Attributes
    ----------
    structure
        What the crystal is called: "fcc Al".
    sources
        The potentials, in their order, without the reference.
    reference
        What the others are compared with; None where nothing is.
    properties
        Names, in their order.
    results
        By the label of the potential (or "reference") and the name of the property.
    failures
        Why there is no result, by the same.
    """

    structure: str
    sources: tuple[CardSource, ...]
    reference: CardSource | None
    properties: tuple[str, ...]
    results: Mapping[tuple[str, str], PropertyResult]
    failures: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        labels = [one.label for one in self.sources]
        labels += [] if self.reference is None else [self.reference.label]
        return {
            "structure": self.structure,
            "potentials": {one.label: one.given for one in self.sources},
            "reference": None if self.reference is None else self.reference.given,
            "properties": {
                name: {
                    label: self.results[label, name].to_dict()
                    if (label, name) in self.results
                    else {"failed": self.failures[label, name]}
                    for label in labels
                    if (label, name) in self.results or (label, name) in self.failures
                }
                for name in self.properties
            },
        }


@dataclass(frozen=True, slots=True)
class _Task:
    source: CardSource
    name: str
    atoms: Atoms
    settings: Mapping[str, Any]
    reference: PropertyResult | CardSource | None
    file: Path
    fingerprint: str

    @property
    def what(self) -> str:
        """Potential and property, in words."""
        return f"{self.source.label}: {self.name}"

    def run(self, told: Told | None) -> PropertyResult:
        """Compute the property and keep it."""
        calculator, query = self.source.calculating()
        reference = self.reference
        result = compute_property(
            property_of(self.name).name,
            calculator,
            self.atoms,
            self.settings,
            query=query,
            reference=reference.calculating()[0]
            if isinstance(reference, CardSource)
            else reference,
            keeping=Keeping(
                self.file.parent / _SIMULATIONS,
                None if told is None else now_and_then(told, self.what),
            ),
        )
        write_json({"fingerprint": self.fingerprint, "result": result.to_dict()}, self.file)
        return result

    def kept(self) -> PropertyResult | None:
        """Return what an earlier run has kept, if nothing that it depends on has changed."""
        if not self.file.is_file():
            return None
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
            if document["fingerprint"] != self.fingerprint:
                return None
            return PropertyResult.from_dict(document["result"])
        except (ValueError, KeyError, TypeError):
            return None  # a file of another version, or damaged: it is computed again


def make_card(
    sources: Sequence[CardSource],
    atoms: Atoms,
    properties: Sequence[str],
    folder: Path,
    *,
    structure: str,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    reference: CardSource | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    told: Told | None = None,
) -> Card:
    """Compute properties of potentials, and of a reference first.

    What is computed is kept in a folder, one file for a property of a potential, and is not
    computed again by the same version of this package. A property that checks frames against a
    reference is not computed with it, but asks it for the frames.

    Parameters
    ----------
    sources
        The potentials; their labels differ.
    atoms
        Crystal near equilibrium.
    properties
        Names of properties; one in several states has names such as ``density:melt``.
    folder
        Where results are kept; it is made.
    structure
        What the crystal is called.
    settings
        Settings by these names, as plain values.
    reference
        What the others are compared with.
    workers
        Processes that compute side by side.
    progress
        Called when a property of a potential is there.
    told
        Called now and then with what is being simulated, perhaps from another thread.
    """
    make_folder(folder)
    given = settings or {}
    results: dict[tuple[str, str], PropertyResult] = {}
    failures: dict[tuple[str, str], str] = {}
    total = count_results(properties, sources, reference)
    rounds = ([] if reference is None else [[reference]]) + [list(sources)]
    for these in rounds:
        tasks = []
        for source in these:
            digest = source.fingerprint()
            for name in _computed_with(source, properties):
                compared: PropertyResult | CardSource | None = None
                if not source.is_reference:
                    frames = property_of(name).checks_frames
                    compared = reference if frames else results.get((REFERENCE, name))
                tasks.append(_task(source, digest, name, atoms, given, compared, folder))
        for task, outcome in _outcomes(tasks, workers, told):
            key = (task.source.label, task.name)
            if isinstance(outcome, PropertyResult):
                results[key] = outcome
            else:
                failures[key] = str(outcome)
            if progress is not None:
                progress(task.what, len(results) + len(failures), total)
    return Card(structure, tuple(sources), reference, tuple(properties), results, failures)


def count_results(
    properties: Sequence[str], sources: Sequence[CardSource], reference: CardSource | None
) -> int:
    """Count what a card computes: properties of all potentials, and of the reference."""
    of_reference = 0 if reference is None else len(_computed_with(reference, properties))
    return len(properties) * len(sources) + of_reference


def _computed_with(source: CardSource, properties: Sequence[str]) -> list[str]:
    """Names of the properties that are computed with a source."""
    return [
        name for name in properties if not (source.is_reference and property_of(name).checks_frames)
    ]


def _task(
    source: CardSource,
    digest: str,
    name: str,
    atoms: Atoms,
    settings: Mapping[str, Mapping[str, Any]],
    reference: PropertyResult | CardSource | None,
    folder: Path,
) -> _Task:
    own = dict(settings.get(name, {}))
    compared: Any = None
    if isinstance(reference, CardSource):
        compared = reference.fingerprint()
    elif reference is not None:
        compared = replace(reference, seconds=0.0).to_dict()
    what = [__version__, digest, name, own, atoms.get_chemical_symbols(), compared]
    what += [np.round(atoms.cell.array, 8).tolist(), np.round(atoms.positions, 8).tolist()]
    fingerprint = sha256(json.dumps(what, default=str).encode()).hexdigest()[:32]
    file = folder / f"{_file_name(source.label)}.{_file_name(name)}.json"
    return _Task(source, name, atoms, own, reference, file, fingerprint)


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text)


def _outcomes(
    tasks: Sequence[_Task], workers: int, told: Told | None
) -> Iterator[tuple[_Task, PropertyResult | MaxvoltError]]:
    missing = []
    for task in tasks:
        known = task.kept()
        if known is None:
            missing.append(task)
        else:
            yield task, known
    if min(workers, len(missing)) <= 1:
        for task in missing:
            yield task, _outcome(task, told)
        return
    with hearing(told) as prepare, local_pool(min(workers, len(missing)), prepare) as pool:
        begun = {pool.submit(_outcome, task, worker_tells): task for task in missing}
        for future in as_completed(begun):
            yield begun[future], future.result()


def _outcome(task: _Task, told: Told | None) -> PropertyResult | MaxvoltError:
    """Compute; a potential that cannot do one thing may do others."""
    try:
        return task.run(told)
    except MaxvoltError as error:
        return MaxvoltError(str(error))  # some errors cannot be sent between processes
