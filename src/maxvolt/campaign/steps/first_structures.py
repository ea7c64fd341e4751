"""What a campaign without a training set begins with: the first candidates, as they come."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.settings.scenario_sections import DynamicsSection
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures, bare
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError
from maxvolt.sampling.repulsion import covalent_distances, push_apart
from maxvolt.search import StructureSearch

__all__ = ["FIRST", "first_candidates", "named_by_scenarios", "random_starts"]

FIRST = 10
"""So many are labelled before the first fit, and more only where an element is still missing."""

_DISPLACEMENT = 0.07
"""Angstrom; standard deviation of what the atoms of the copies are moved by in each direction."""

_ATOMS_OF_A_COPY = 8
"""Fewest atoms of a copy where the structure is periodic: with fewer, symmetry hides too much."""


def named_by_scenarios(settings: Settings) -> list[str]:
    """Tables of [structures] that the scenarios of a stage start from, each once."""
    names = [scenario.structure for scenario in settings.active_scenarios]
    return list(dict.fromkeys(name for name in names if name is not None))


def random_starts(settings: Settings) -> list[DynamicsSection]:
    """Scenarios of a stage whose runs begin with random structures."""
    return [
        scenario
        for scenario in settings.active_scenarios
        if isinstance(scenario, DynamicsSection) and scenario.start is not None
    ]


def first_candidates(settings: Settings, made: Structures) -> Dataset:
    """Take the first structures that the scenarios start from, of each table in turn.

    Those of a search are its first random ones; so are those of a scenario with random starts,
    drawn for the purpose.

    They are taken in their order until there are `FIRST` of them and each element of the potential
    occurs in one, as far as any has it. Atoms that are closer to each other than 0.75 times the sum
    of their covalent radii are pushed apart first, see `push_apart`. A structure whose cell has no
    room for that is left out. In small crystals symmetry takes all forces away, and a fit to them
    alone would leave the forces of displaced atoms undetermined: behind the candidates comes a copy
    of each, a supercell if it is small, whose atoms are moved at random. Random starts need none.

    Parameters
    ----------
    settings
        Of the stage.
    made
        Makes the structures.

    Raises
    ------
    CampaignError
        There is no structure, or none that can be used.
    """
    tables = [made.named(name) for name in named_by_scenarios(settings)]
    searches = scenario_parts(Settings.searches(settings.active_scenarios), made)
    tables += [one.first_candidates() for one in searches if isinstance(one, StructureSearch)]
    ordered = len(tables)
    tables += [_boxes(section, made) for section in random_starts(settings)]
    if not any(len(table) for table in tables):
        raise CampaignError(
            "there is neither a first training set nor a candidate: give structures in "
            '[[training]], for example kind = "perturbation" of a table of [structures], or a '
            "scenario whose structures can be labelled first"
        )
    missing = {atomic_numbers[symbol] for symbol in settings.potential.species}
    found: list[Dataset] = []
    to_displace: list[Dataset] = []
    for table, index in _in_turn(tables):
        elements = set(table.numbers[table.offsets[index] : table.offsets[index + 1]].tolist())
        if len(found) >= FIRST and not missing & elements:
            continue
        pushed = _pushed(table.select([index]))
        if pushed is None:
            continue
        found.append(pushed)
        if any(table is one for one in tables[:ordered]):
            to_displace.append(pushed)
        missing -= elements
        if len(found) >= FIRST and not missing:
            break
    if not found:
        raise CampaignError(
            "there is no [[training]], and no structure of the scenarios can be labelled first: in "
            "each, atoms are closer than 0.75 times the sum of their covalent radii and the cell "
            "has no room to push them apart; give larger cells, or structures in [[training]]"
        )
    seed = derived_seed(settings.campaign.seed, "first candidates")
    generator = np.random.default_rng(seed)
    copies = Dataset.from_atoms([_displaced(one[0], generator) for one in to_displace])
    return Dataset.concatenate([*found, bare(copies)])


def _boxes(section: DynamicsSection, made: Structures) -> Dataset:
    """Random starts of a scenario that none of its runs has."""
    assert section.start is not None
    seed = derived_seed(made.seed, "first candidates", section.name)
    return section.start.boxes().draw(FIRST, seed=seed)


def _displaced(atoms: Atoms, generator: np.random.Generator) -> Atoms:
    """Copy of a structure, repeated where it is small, with its free atoms moved at random."""
    free = _movable(atoms)
    while len(atoms) < _ATOMS_OF_A_COPY and atoms.pbc.any():
        lengths = np.where(atoms.pbc, atoms.cell.lengths(), np.inf)
        repeat = np.where(np.arange(3) == lengths.argmin(), 2, 1)
        free = np.tile(free, 2)
        atoms = atoms.repeat(tuple(repeat))
    moves = generator.normal(scale=_DISPLACEMENT, size=(len(atoms), 3))
    atoms.positions += np.where(free[:, None], moves, 0.0)
    return atoms


def _in_turn(tables: list[Dataset]) -> Iterator[tuple[Dataset, int]]:
    """Each structure: the first of every table, then the second of every table, and so on."""
    for index in range(max(map(len, tables))):
        yield from ((table, index) for table in tables if index < len(table))


def _pushed(structure: Dataset) -> Dataset | None:
    """One structure without labels, its atoms pushed apart; None where there is no room."""
    numbers = structure.numbers
    positions, succeeded = push_apart(
        structure.positions,
        structure.cells[0],
        structure.pbc[0],
        covalent_distances()[numbers[:, None], numbers],
        _movable(structure[0]),
    )
    return bare(structure, positions) if succeeded else None


def _movable(atoms: Atoms) -> NDArray[np.bool_]:
    """Atoms that no constraint of any kind holds."""
    free = np.ones(len(atoms), np.bool_)
    for constraint in atoms.constraints:
        free[np.ravel(getattr(constraint, "index", []))] = False
    return free
