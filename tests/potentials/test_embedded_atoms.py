"""Embedded-atom potentials: numbers of ASE and of the functions themselves, files at fault."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.eam import EAM
from hypothesis import given, settings
from hypothesis import strategies as st

import maxvolt
from embedded_atoms import Analytic
from maxvolt.errors import DataError, FileFormatError, MaxvoltError, SpeciesError
from maxvolt.potentials.eam.potential import EmbeddedAtom
from maxvolt.potentials.families import FAMILIES, family_of_file, title_of

FORMS = [("alloy", ("Al",)), ("alloy", ("Al", "Cu")), ("fs", ("Fe",)), ("fs", ("Al", "Cu"))]


def written(folder: Path, form: str, species: tuple[str, ...], points: int = 2001) -> Path:
    return Analytic(species, form).write(folder / f"pot.eam.{form}", points, points)


def crystal(species: tuple[str, ...], repeat: int = 2) -> Atoms:
    atoms: Atoms = bulk("Al", a=4.1, cubic=True) * (repeat, repeat, repeat)
    atoms.rattle(0.15, seed=1)
    atoms.symbols = [species[index % len(species)] for index in range(len(atoms))]
    return atoms


@pytest.mark.parametrize(("form", "species"), FORMS)
def test_numbers_are_those_of_ase(form: str, species: tuple[str, ...], tmp_path: Path) -> None:
    path = written(tmp_path, form, species)
    potential = maxvolt.load(path)
    assert isinstance(potential, EmbeddedAtom)
    for pbc in (True, False):
        atoms = crystal(species)
        atoms.pbc = pbc
        found = potential.evaluate(atoms)
        atoms.calc = EAM(potential=str(path))
        assert found.energy == pytest.approx(atoms.get_potential_energy(), rel=1e-13)
        np.testing.assert_allclose(found.forces, atoms.get_forces(), rtol=0, atol=1e-11)
        if pbc:
            np.testing.assert_allclose(found.stress, atoms.get_stress(), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("form", "species"), FORMS)
def test_tables_give_the_functions_with_the_fourth_power_of_their_spacing(
    form: str, species: tuple[str, ...], tmp_path: Path
) -> None:
    """Splines of smooth functions; for fs densities depend on the atom at which they are."""
    cluster = crystal(species)[:9]
    cluster.pbc = False
    types = [species.index(symbol) for symbol in cluster.symbols]
    exact = Analytic(species, form).energies(cluster.get_all_distances(), types)
    errors = []
    for points in (251, 501):
        potential = maxvolt.load(written(tmp_path, form, species, points))
        errors.append(abs(potential.evaluate(cluster).site_energies - exact).max())
    assert errors[1] < 2e-7
    assert errors[0] / errors[1] > 12


def test_beyond_its_table_an_embedding_energy_is_a_straight_line(tmp_path: Path) -> None:
    analytic, path = Analytic(("Al",)), tmp_path / "pot.eam.alloy"
    path.write_text(analytic.text(largest_density=6.0))
    short = maxvolt.load(path)
    path.write_text(analytic.text(largest_density=40.0))
    long = maxvolt.load(path)

    def dimer(length: float) -> Atoms:
        return Atoms("Al2", [[0, 0, 0], [length, 0, 0]])

    def density(length: float) -> float:
        return float(analytic.density(0, 0, np.array(length)))

    assert density(1.0) < 6.0 < density(0.5)
    assert short.evaluate(dimer(1.0)).energy == pytest.approx(long.evaluate(dimer(1.0)).energy)
    slope = -0.5 * (1.0 + 0.2 * analytic._number(5, 0)) / np.sqrt(6.3)
    at_end = float(analytic.embedding(0, np.array(6.0)))
    expected = 2 * (at_end + slope * (density(0.5) - 6.0))
    pair = float(analytic.pair(0, 0, np.array(0.5)))
    assert short.evaluate(dimer(0.5)).energy == pytest.approx(pair + expected, rel=1e-6)


def test_two_thousand_atoms_take_well_under_a_second(tmp_path: Path) -> None:
    potential = maxvolt.load(written(tmp_path, "fs", ("Al", "Cu")))
    atoms = crystal(("Al", "Cu"), 8)
    assert len(atoms) == 2048
    durations = []
    for _ in range(3):
        start = time.process_time()
        potential.evaluate(atoms, threads=1)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.5


def test_what_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "fs", ("Al", "Cu"), 101)
    potential = maxvolt.load(path)
    assert repr(potential) == "EmbeddedAtom(Al, Cu; eam/fs, cutoff 5.5 A)"
    assert title_of(potential) == "embedded-atom potential"
    assert title_of(maxvolt.Ensemble((potential,))) == "Ensemble"
    assert family_of_file(path) in FAMILIES
    assert family_of_file(path).name == "eam"
    with pytest.raises(MaxvoltError, match="embedded-atom potential; use"):
        potential.evaluate(crystal(("Al",)), precision="single")


def test_the_digest_is_of_numbers_and_not_of_comments(tmp_path: Path) -> None:
    path = written(tmp_path, "alloy", ("Al",), 101)
    before = maxvolt.load(path).digest
    text = path.read_text()
    path.write_text(text.replace("analytic functions", "the same functions"))
    assert maxvolt.load(path).digest == before
    lines = text.splitlines()
    lines[20] = str(float(lines[20]) + 1e-9)
    path.write_text("\n".join(lines))
    assert maxvolt.load(path).digest != before


def test_a_file_under_any_name_is_told_by_its_content(tmp_path: Path) -> None:
    path = written(tmp_path, "fs", ("Al", "Cu"), 101)
    other = path.rename(tmp_path / "aluminium_copper")
    assert maxvolt.load(other).species == ("Al", "Cu")


@pytest.mark.parametrize("name", ["pot.mtp", "pot.eam.alloy", "pot"])
def test_names_that_mean_something_else_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    potential = maxvolt.load(written(tmp_path / "in", "fs", ("Al",), 101))
    with pytest.raises(DataError, match=r"end the name of this potential with \.eam\.fs"):
        potential.write(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_species_must_agree(tmp_path: Path) -> None:
    path = written(tmp_path, "alloy", ("Al", "Cu"), 101)
    assert maxvolt.load(path, ["Al", "Cu"]).species == ("Al", "Cu")
    with pytest.raises(SpeciesError, match="names the species Al, Cu, but Cu, Al were given"):
        maxvolt.load(path, ["Cu", "Al"])


def test_an_ensemble_by_its_name(tmp_path: Path) -> None:
    for member in (0, 1):
        Analytic(("Al",), seed=member).write(tmp_path / f"Al.{member}.eam.alloy", 101, 101)
    ensemble = maxvolt.load(tmp_path / "Al.eam.alloy")
    assert isinstance(ensemble, maxvolt.Ensemble)
    assert len(ensemble.members) == 2
    ensemble.write(tmp_path / "again.eam.alloy")
    again = maxvolt.load(tmp_path / "again.eam.alloy")
    assert again.digest == ensemble.digest


# ------------------------------------------------------------------ files at fault


def damaged(folder: Path, line: int, text: str | None, form: str = "alloy") -> Path:
    """A file with one line (from 1) replaced, or without all that follow it."""
    path = written(folder, form, ("Al", "Cu"), 51)
    lines = path.read_text().splitlines()
    if text is None:
        del lines[line:]
    else:
        lines[line - 1] = text
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (100, None, r"holds 98 numbers in its tables; expected 365 \(eam/alloy\) or 467"),
        (5, None, "holds 0 numbers in its tables"),
        (4, None, "expected three lines of comments"),
        (0, None, "expected three lines of comments"),
        (100, "1.0 2.0", "holds 366 numbers"),
        (4, "3 Al Cu", "expected three lines of comments"),
        (4, "2 Al Xq", "line 4: 'Xq' is not a chemical symbol"),
        (4, "2 Al Al", "line 4: a species is named twice"),
        (5, "51 0.1 51 0.1", "expected three lines of comments"),
        (5, "51 0.1 51 0.1 many", "expected three lines of comments"),
        (5, "3 0.1 51 0.1 5.0", "line 5: Nrho is 3; expected 5 to"),
        (5, "51 0.1 -2 0.1 5.0", "line 5: Nr is -2; expected 5 to"),
        (5, f"{10**12} 0.1 51 0.1 5.0", "line 5: Nrho is 1000000000000"),
        (5, "90000000 0.1 51 0.1 5.0", "holds 365 numbers in its tables; expected 180000263"),
        (5, f"{'9' * 5000} 0.1 51 0.1 5.0", "expected three lines of comments"),
        (5, "51 0.0 51 0.1 5.0", "line 5: drho is 0; expected a positive number"),
        (5, "51 0.1 51 nan 5.0", "line 5: dr is nan"),
        (5, "51 0.1 51 inf 5.0", "line 5: dr is inf"),
        (5, "51 0.1 51 0.1 1e999", "line 5: the cutoff must lie between 0.5 and 30 A; got inf"),
        (5, "51 0.1 51 0.1 nan", "line 5: the cutoff must lie between"),
        (5, "51 0.1 51 0.1 5.5", r"line 5: the cutoff of 5\.5 A lies beyond the tables, .* 5 A"),
        (30, "nan", "a table holds a number that is not finite"),
        (200, "1e999", "a table holds a number that is not finite"),
        (30, "one", "a table holds what is not a number: could not convert string"),
        (6, "13.5 26.98 4.05 fcc", "a table holds what is not a number"),
    ],
)
def test_files_at_fault_are_refused(
    line: int, text: str | None, message: str, tmp_path: Path
) -> None:
    path = damaged(tmp_path, line, text)
    with pytest.raises(FileFormatError, match=message) as caught:
        maxvolt.load(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"none\.eam\.fs: cannot be read: No such file"):
        maxvolt.load(tmp_path / "none.eam.fs")
    (tmp_path / "folder.eam.fs").mkdir()
    with pytest.raises(FileFormatError, match="cannot be read: Is a directory"):
        maxvolt.load(tmp_path / "folder.eam.fs")


def test_a_file_that_is_far_too_long_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, "alloy", ("Al",), 51)
    with path.open("r+b") as stream:
        stream.truncate(300_000_000)  # takes no place on the disk
    with pytest.raises(FileFormatError, match="has more than 200,000,000 bytes"):
        maxvolt.load(path)


@pytest.mark.parametrize("name", ["Cu_u3.eam", "Cu_u3"])
def test_older_files_of_one_element_are_refused_with_a_remedy(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    numbers = "\n".join(["0.0"] * 30)
    path.write_text(f"Cu functions\n29 63.550 3.6150 FCC\n10 5e-4 10 1e-1 0.9\n{numbers}\n")
    with pytest.raises(FileFormatError, match=r"funcfl.*convert it to \.eam\.alloy"):
        maxvolt.load(path)


SMALL = {form: Analytic(("Al", "Cu"), form).text(7, 8).encode() for form in ("alloy", "fs")}


@given(
    st.sampled_from(sorted(SMALL)),
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.integers(0, 30),
            st.sampled_from(
                [b"", b"-", b"9", b"e999", b" ", b"\n", b"\r", b"\x0c", b"\xff", b"nan"]
            ),
        ),
        min_size=1,
        max_size=4,
    ),
)
@settings(deadline=None, max_examples=200)
def test_damaged_files_are_refused_or_finite(
    form: str, damage: list[tuple[int, int, bytes]]
) -> None:
    content = SMALL[form]
    for place, length, text in damage:
        place %= len(content)
        content = content[:place] + text + content[place + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"pot.eam.{form}"
        path.write_bytes(content)
        try:
            potential = maxvolt.load(path)
            found = potential.evaluate(crystal(potential.species, 1))
        except MaxvoltError:
            return
        assert np.isfinite(found.energy)
        assert np.isfinite(found.forces).all()
