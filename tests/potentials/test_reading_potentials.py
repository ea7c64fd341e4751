"""Potentials from and to files: nothing lost, nothing guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from make_potentials import random_potential

import maxvolt
from maxvolt.errors import FileFormatError, MaxvoltError, SpeciesError
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.conversion import file_of_model
from maxvolt.potentials.mtp.files.access import read_potential_file, write_potential_file
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.model import Model
from maxvolt.selection import has_active_set

ALLOY = bulk("MoW", "cesiumchloride", a=3.1) * (2, 1, 1)
ALLOY.rattle(0.1, seed=3)


def assert_same_model(found: Model, expected: Model) -> None:
    assert found.radial == expected.radial
    assert found.scaling == expected.scaling
    assert found.repulsion == expected.repulsion
    assert found.table.n_moments == expected.table.n_moments
    for part in ("radial_coeffs", "species_coeffs", "moment_coeffs", "numbers"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part), err_msg=part)
    for part in ("basic", "products", "scalars"):
        np.testing.assert_array_equal(getattr(found.table, part), getattr(expected.table, part))


def assert_same_evaluation(one: MTP, other: MTP, atoms: Atoms) -> None:
    """Bit for bit."""
    found, expected = one.evaluate(atoms), other.evaluate(atoms)
    assert found.energy == expected.energy
    np.testing.assert_array_equal(found.forces, expected.forces)
    np.testing.assert_array_equal(found.stress, expected.stress)


@pytest.mark.parametrize("kind", RADIAL_BASIS_TYPES)
@pytest.mark.parametrize("repulsion", [None, ZBL(0.75, 1.9), ZBL(0.1 + 0.2, 1.0 / 0.7)])
@pytest.mark.parametrize("suffix", ["mtp", "almtp"])
def test_round_trip(kind: str, repulsion: ZBL | None, suffix: str, tmp_path: Path) -> None:
    potential = random_potential(
        8, ["Mo", "W"], kind=kind, repulsion=repulsion, scaling=0.1 + 0.2, cutoff=1.0 / 0.21
    )
    path = tmp_path / f"pot.{suffix}"
    potential.write(path)
    again = maxvolt.read_potential(path)
    assert again.species == ("Mo", "W")
    assert again.is_trained
    assert_same_model(again.model, potential.model)
    assert_same_evaluation(again, potential, ALLOY)
    again.write(tmp_path / "again.mtp")
    assert (tmp_path / "again.mtp").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("level", range(2, 22, 2))
def test_round_trip_of_every_level(level: int, tmp_path: Path) -> None:
    potential = random_potential(level, ["Mo"])
    potential.write(tmp_path / "pot.mtp")
    assert_same_model(maxvolt.read_potential(tmp_path / "pot.mtp").model, potential.model)


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    potential = random_potential(4, ["Mo"])
    potential.write(tmp_path / "pot.mtp")
    potential.write(tmp_path / "pot.mtp")  # over an old one
    assert [path.name for path in tmp_path.iterdir()] == ["pot.mtp"]


def test_untrained_potentials_stay_untrained(tmp_path: Path) -> None:
    MTP(8, ["Mo", "W"], 5.0, 2.0).write(tmp_path / "pot.mtp")
    again = maxvolt.read_potential(tmp_path / "pot.mtp")
    assert not again.is_trained
    assert again.species == ("Mo", "W")
    assert again.model.radial_coeffs.shape == (2, 2, 2, 8)
    with pytest.raises(MaxvoltError, match="untrained"):
        again.evaluate(ALLOY)


def template(tmp_path: Path) -> Path:
    """An untrained potential as MLIP ships them: one species, no names."""
    file = tmp_path / "own.mtp"
    MTP(8, ["Mo"], 5.0, 2.0).write(file)
    path = tmp_path / "08.mtp"
    write_potential_file(path, replace(read_potential_file(file), species=None))
    return path


@pytest.mark.parametrize("species", [["Mo"], ["Mo", "W"], ["H", "C", "O", "N"]])
def test_an_untrained_template_serves_any_number_of_species(
    species: Sequence[str], tmp_path: Path
) -> None:
    potential = maxvolt.read_potential(template(tmp_path), species=species)
    assert potential.species == tuple(species)
    c = len(species)
    assert potential.n_parameters == c * c * 2 * 8 + c + 9
    potential.write(tmp_path / "named.mtp")
    again = maxvolt.read_potential(tmp_path / "named.mtp")
    assert again.species == tuple(species)
    assert not again.is_trained


def without_names(potential: MTP, path: Path) -> Path:
    potential.write(path)
    write_potential_file(path, replace(read_potential_file(path), species=None))
    return path


def test_a_file_without_names_asks_for_them(tmp_path: Path) -> None:
    path = without_names(random_potential(4, ["Mo", "W"]), tmp_path / "pot.mtp")
    with pytest.raises(SpeciesError, match=r"does not name its 2 species.*--species"):
        maxvolt.read_potential(path)
    assert maxvolt.read_potential(path, species=["Mo", "W"]).species == ("Mo", "W")


@pytest.mark.parametrize("species", [["Mo"], ["Mo", "W", "O"]])
def test_a_wrong_number_of_species_is_refused(species: list[str], tmp_path: Path) -> None:
    path = without_names(random_potential(4, ["Mo", "W"]), tmp_path / "pot.mtp")
    with pytest.raises(SpeciesError, match=f"has 2 species, but {len(species)} were given"):
        maxvolt.read_potential(path, species=species)


def test_names_that_differ_from_those_in_the_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo", "W"]).write(path)
    assert maxvolt.read_potential(path, species=["Mo", "W"]).species == ("Mo", "W")
    for wrong in (["W", "Mo"], ["Mo"], ["Mo", "O"]):
        with pytest.raises(SpeciesError, match="names the species Mo, W, but"):
            maxvolt.read_potential(path, species=wrong)
    with pytest.raises(SpeciesError, match="not a chemical symbol"):
        maxvolt.read_potential(path, species=["Mo", "Zz"])


def test_labels_of_the_radial_blocks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo", "W"]).write(path)
    labelled = replace(read_potential_file(path), species_labels=(42, 74))
    write_potential_file(path, labelled)
    potential = maxvolt.read_potential(path)
    assert potential.about.species_labels == (42, 74)
    potential.write(tmp_path / "again.mtp")
    assert read_potential_file(tmp_path / "again.mtp").species_labels == (42, 74)


def test_names_and_tags_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo"], repulsion=ZBL(0.5, 1.5)).write(path)
    write_potential_file(
        path, replace(read_potential_file(path), name="mine", tag="zbl: 0.5 1.5 made in May")
    )
    potential = maxvolt.read_potential(path)
    assert (potential.about.name, potential.about.tag.strip()) == ("mine", "made in May")
    assert potential.model.repulsion == ZBL(0.5, 1.5)
    potential.write(tmp_path / "again.mtp")
    again = maxvolt.read_potential(tmp_path / "again.mtp")
    assert (again.about.name, again.about.tag.strip()) == ("mine", "made in May")
    assert again.model.repulsion == ZBL(0.5, 1.5)


@pytest.mark.parametrize("note", ["zbl: 1.5 0.5", "zbl: one two", "zbl: nan 1.0", "zbl: 0.1 inf"])
def test_a_damaged_note_of_the_repulsion_is_refused(note: str, tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo"]).write(path)
    write_potential_file(path, replace(read_potential_file(path), tag=note))
    with pytest.raises(FileFormatError, match=r"pot\.mtp.*two distances after 'zbl:'"):
        maxvolt.read_potential(path)


def test_a_repulsion_beyond_the_cutoff_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo"]).write(path)
    write_potential_file(path, replace(read_potential_file(path), tag="zbl: 1.0 4.6"))
    with pytest.raises(FileFormatError, match=r"pot\.mtp.*reaches to 4\.6 A, beyond max_dist"):
        maxvolt.read_potential(path)


def test_an_active_set_is_read_apart_from_its_potential(
    tmp_path: Path, random_record: Callable[..., ActiveSetRecord]
) -> None:
    path = tmp_path / "pot.almtp"
    potential = random_potential(4, ["Mo"])
    record = random_record(potential.n_parameters)
    write_potential_file(
        path, file_of_model(potential.model, potential.species, potential.about, record)
    )
    assert has_active_set(path)
    again = maxvolt.read_potential(path)
    assert again.digest == potential.digest
    again.write(path)
    assert not has_active_set(path)


def test_products_that_do_not_stand_together_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(8, ["Mo"]).write(path)
    file = read_potential_file(path)
    rows = file.alpha_index_times
    of_basic = (rows[:, :2] < len(file.alpha_index_basic)).all(axis=1)
    turned = np.concatenate([rows[of_basic][::-1], rows[~of_basic]])
    write_potential_file(path, replace(file, alpha_index_times=turned))
    with pytest.raises(FileFormatError, match=r"pot\.mtp: contraction table: targets out of order"):
        maxvolt.read_potential(path)


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises((FileFormatError, FileNotFoundError), match=r"nothing\.mtp"):
        maxvolt.read_potential(tmp_path / "nothing.mtp")
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo"]).write(path)
    text = path.read_text()
    path.write_text(text.replace("RBChebyshev", "RBUnknown"))
    with pytest.raises(FileFormatError, match=r"pot\.mtp, line 7.*RBUnknown"):
        maxvolt.read_potential(path)
    path.write_text(text[: len(text) // 2])
    with pytest.raises(FileFormatError, match=r"pot\.mtp, line"):
        maxvolt.read_potential(path)


def test_magnetic_potentials_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    random_potential(4, ["Mo"]).write(path)
    text = path.read_text().replace(
        "\tradial_funcs_count", "\tmagnetic_basis_type = BChebyshev\n\tradial_funcs_count", 1
    )
    path.write_text(text)
    with pytest.raises(FileFormatError, match=r"[Mm]agnetic"):
        maxvolt.read_potential(path)
