"""Campaigns that begin with nothing: the first candidates are labelled as they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms
from campaign_files import (
    RELAXATION,
    SMALL,
    InterruptedRunError,
    products,
    run,
    run_with_interruptions,
    write_campaign,
)

import maxvolt
from maxvolt.campaign import Campaign, CampaignFolder, Event, read_settings, summarize
from maxvolt.campaign.record.history import state_after
from maxvolt.campaign.steps.first_structures import FIRST, first_candidates
from maxvolt.campaign.steps.structures import Structures
from maxvolt.campaign.steps.training_set import opening_candidates
from maxvolt.errors import CampaignError, SettingsError
from maxvolt.sampling import strain
from maxvolt.sampling.repulsion import covalent_distances, push_apart


def without_training(scenario: str = "") -> str:
    begin, end = SMALL.index("[[training]]"), SMALL.index("[[validation]]")
    text = SMALL[:begin] + SMALL[end:]
    begin, end = text.index("[[scenario]]"), text.index("[reference]")
    return text[:begin] + (scenario or text[begin:end]) + text[end:]


def candidates(folder: Path, structures: list[Atoms], text: str = "", **replaced: str) -> Path:
    """Write a campaign that relaxes structures, which it finds in a file."""
    file = write_campaign(folder, text or without_training(RELAXATION), **replaced)
    maxvolt.write(folder / "candidates.xyz", maxvolt.Dataset.from_atoms(structures))
    return file


def strained(count: int) -> list[Atoms]:
    crystal = bulk("Al", cubic=True, a=4.05)
    return [strain(crystal, 0.05, seed=seed)[0] for seed in range(count)]


def found(file: Path) -> maxvolt.Dataset:
    settings = read_settings(file).stages[0]
    return first_candidates(settings, Structures.of(settings, file.parent))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nothing")
    file = candidates(folder, strained(14))
    assert run(file).status == "finished"
    return file


def test_it_begins_with_the_first_and_learns_the_others(undisturbed: Path) -> None:
    rows = summarize(CampaignFolder.find(undisturbed)).iterations
    assert (rows[0]["kind"], rows[0]["n_labelled"], rows[0]["n_training"]) == ("opening", 20, 20)
    training = maxvolt.read(undisturbed.parent / "small/training.xyz")
    given = maxvolt.read(undisturbed.parent / "candidates.xyz")
    assert len(training) == 20 + sum(row["n_labelled"] for row in rows[1:])
    np.testing.assert_allclose(training.cells[:10], given.cells[:10], atol=1e-7)
    assert rows[-1]["steps"] == 14


def test_interrupted_after_every_step(undisturbed: Path, tmp_path: Path) -> None:
    file = candidates(tmp_path, strained(14))
    result, runs = run_with_interruptions(file)
    assert result.status == "finished"
    assert runs > 9
    assert products(tmp_path) == products(undisturbed.parent)


def test_another_scenario_makes_other_candidates(tmp_path: Path) -> None:
    """What an iteration was begun with does not count where scenarios start from others."""
    file = candidates(tmp_path, strained(3))

    def interrupt(event: Event) -> None:
        if event.content.get("step") == "labels":
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        run(file, interrupt)
    file.write_text(file.read_text().replace('structure = "candidates"', 'structure = "fcc"'))
    run(file)
    first = CampaignFolder.find(file).iteration(0)
    assert first.outcome()["n_labelled"] == 2  # the crystal, and its displaced copy


def test_molecular_dynamics_begins_with_its_crystal(tmp_path: Path) -> None:
    file = write_campaign(tmp_path, without_training())
    crystal, displaced = found(file)
    assert len(crystal) == len(displaced) == 32
    np.testing.assert_array_equal(crystal.cell.array, displaced.cell.array)
    moves = displaced.positions - crystal.positions
    assert 0.05 < moves.std() < 0.09
    assert found(file).digest == found(file).digest  # the same whenever it is made
    assert run(file).status == "finished"


def test_tables_are_taken_from_in_turn_until_every_element_is_there(tmp_path: Path) -> None:
    copper = [bulk("Cu", a=3.6 + 0.01 * index) for index in range(20)]
    copper[17].symbols[:] = "Al"
    other = RELAXATION + RELAXATION.replace("candidates", "others").replace('"relax"', '"again"')
    text = without_training(other)
    file = candidates(tmp_path, copper, text, species='["Cu", "Al"]')
    maxvolt.write(tmp_path / "others.xyz", maxvolt.Dataset.from_atoms([bulk("Cu", a=4.0)] * 2))
    text = file.read_text()
    file.write_text(
        text.replace('crystal = "fcc"\nspecies = ["Cu", "Al"]', 'crystal = "fcc"\nspecies = "Al"')
    )
    first = found(file).to_atoms()
    names = ["".join(atoms.symbols) for atoms in first]
    assert names == ["Cu"] * FIRST + ["Al"] + ["Cu" * 8] * FIRST + ["Al" * 8]
    edges = [round(float(atoms.cell.lengths()[0] * 2**0.5), 2) for atoms in first[: FIRST + 1]]
    assert edges == [3.6, 4.0, 3.61, 4.0, 3.62, 3.63, 3.64, 3.65, 3.66, 3.67, 3.77]


def test_short_distances_are_relaxed_by_the_repulsion(tmp_path: Path) -> None:
    close = bulk("Al", cubic=True, a=4.05)
    close.positions[1] = close.positions[0] + [0.5, 0.2, 0.1]
    narrow = Atoms("Al", cell=[1.0, 8.0, 8.0], pbc=True)
    file = candidates(tmp_path, [close, narrow, bulk("Al")])
    first = found(file)
    assert [len(atoms) for atoms in first] == [4, 1, 8, 8]  # nobody can push an atom from its image
    least = covalent_distances()[13, 13]
    assert least == pytest.approx(2 * 0.75 * 1.21)
    distances = first[0].get_all_distances(mic=True)[np.triu_indices(4, 1)]
    assert distances.min() >= least
    np.testing.assert_array_equal(first[0].cell.array, close.cell.array)


def test_held_atoms_are_not_pushed(tmp_path: Path) -> None:
    close = bulk("Al", cubic=True, a=4.05)
    close.positions[1] = close.positions[0] + [0.5, 0.2, 0.1]
    close.set_constraint(FixAtoms([0, 2, 3]))
    pushed, copy = found(candidates(tmp_path, [close]))
    np.testing.assert_allclose(pushed.positions[[0, 2, 3]], close.positions[[0, 2, 3]])
    assert np.abs(pushed.positions[1] - close.positions[1]).max() > 0.1
    assert pushed.constraints[0].index.tolist() == [0, 2, 3]
    free = np.array([False, True, False, False] * 2)
    moves = np.abs(copy.positions - pushed.repeat((2, 1, 1)).positions).max(axis=1)
    np.testing.assert_array_equal(moves > 1e-9, free)


def test_each_pair_has_its_own_distance() -> None:
    positions = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.5, 0.0]])
    least = np.array([[0.0, 1.2, 1.4], [1.2, 0.0, 1.0], [1.4, 1.0, 0.0]])
    pushed, succeeded = push_apart(positions, np.zeros((3, 3)), np.zeros(3, np.bool_), least)
    assert succeeded
    assert np.linalg.norm(pushed[0] - pushed[1]) >= 1.2
    assert np.linalg.norm(pushed[1] - pushed[2]) >= 1.0
    np.testing.assert_allclose(pushed[2], positions[2])
    same, succeeded = push_apart(pushed, np.zeros((3, 3)), np.zeros(3, np.bool_), least)
    assert succeeded
    assert same is pushed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("", "\n[[stage]]\nname = 'idle'\nscenarios = []\n"), "stage 'idle' runs no scenario"),
        (("repeat = [2, 2, 2]", "repeat = [1, 1, 1]\ncubic = false"), ""),
    ],
)
def test_what_cannot_begin_is_told_before(
    change: tuple[str, str], words: str, tmp_path: Path
) -> None:
    text = without_training(RELAXATION)
    text = text.replace(*change) if change[0] else text + change[1]
    file = candidates(tmp_path, strained(1), text)
    if not words:
        Campaign(file).check()
        return
    with pytest.raises(SettingsError, match=words):
        Campaign(file).check()


def test_no_room_in_any_of_them(tmp_path: Path) -> None:
    file = candidates(tmp_path, [Atoms("Al", cell=[1.0, 8.0, 8.0], pbc=True)] * 2)
    with pytest.raises(SettingsError, match="no room to push them apart"):
        Campaign(file).check()


def test_sources_that_hold_nothing(tmp_path: Path) -> None:
    source = '[[training]]\nkind = "file"\nfile = "candidates.xyz"\nindex = "5:3"\n\n'
    text = without_training(RELAXATION).replace("[[validation]]", source + "[[validation]]")
    file = candidates(tmp_path, strained(2), text)
    settings = read_settings(file).stages[0]
    state = state_after(CampaignFolder(tmp_path / "small"), [])
    with pytest.raises(CampaignError, match="hold no structure to start with"):
        opening_candidates(settings, state, tmp_path, threads=1)
