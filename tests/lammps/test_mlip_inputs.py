"""Files and inputs written for MLIP run unchanged: .mtp, .almtp, .als, and both forms of mlip."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ase.io.lammpsdata import write_lammps_data
from lammps_cases import ELEMENTS, alloy, potential
from lammps_runs import evaluate, in_the_frame_of_lammps, run

import maxvolt
from maxvolt.sampling.lammps.comparison import compare_with_lammps

SYMBOLS = ("Al", "Ni", "Ti")


ON_ALL_RANKS = ("L08_1sp", "L08_2sp", "L08_3sp")
ON_TWO_RANKS = (
    *("L02_1sp", "L16_1sp", "L20_1sp", "L12_2sp"),
    *(f"L08_2sp_{kind}" for kind in ("BChebyshev_repuls", "RBShapeev", "RBTaylor")),
)


@pytest.mark.parametrize("name", ON_ALL_RANKS + ON_TWO_RANKS)
def test_potentials_of_mlip_give_what_python_gives(name: str, shared: Path) -> None:
    """Python's numbers are compared with MLIP's elsewhere."""
    folder = shared / "reference" / "mlip3" / "cases"
    path = folder / f"{name}.mtp"
    species = SYMBOLS[: int(name[4])]
    used = maxvolt.read_potential(path, species)
    structures = maxvolt.read(folder / f"geom_{len(species)}sp.cfg", species=species)
    assert len(structures) >= 4
    ranks = (1, 2, 4) if name in ON_ALL_RANKS else (2,)
    for number in range(len(structures)):
        found = compare_with_lammps(path, used, None, structures[number], ranks=ranks)
        assert max(difference.relative for difference in found) < 1e-10, number


def grade_of(folder: Path, style: str, coefficients: str, ranks: int = 1) -> tuple[float, str]:
    text = (
        "units metal\nread_data structure.lammps\nmass * 100.0\n"
        f"pair_style {style}\npair_coeff {coefficients}\ncompute whole all pair "
        f"{style.split()[0]}\nthermo_style custom step pe c_whole[1]\n"
        "thermo_modify norm no format float %.17g\nrun 0\n"
    )
    done = run(folder, text, ranks)
    assert done.returncode == 0, done.stdout[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    header = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
    return float(lines[header + 1][2]), done.stdout


@pytest.fixture
def files(tmp_path: Path) -> maxvolt.ActiveSet:
    """A structure, and a potential without names of elements in each format."""
    training = maxvolt.Dataset.from_atoms([alloy(1, seed) for seed in range(30)])
    active_set = maxvolt.ActiveSet.from_dataset(potential(6), training)
    active_set.write(tmp_path / "pot.almtp")
    active_set.write(tmp_path / "state.als")
    potential(6).write(tmp_path / "pot.mtp")
    for name in ("pot.almtp", "state.als", "pot.mtp"):
        named = (tmp_path / name).read_bytes()
        assert named.count(b"species: Cu Au") == 1
        (tmp_path / name).write_bytes(named.replace(b"species: Cu Au", b""))
    atoms = in_the_frame_of_lammps(alloy(2))
    write_lammps_data(
        str(tmp_path / "structure.lammps"), atoms, specorder=list(ELEMENTS), force_skew=True
    )
    return active_set


def expected_grade(active_set: maxvolt.ActiveSet) -> float:
    return float(active_set.grade(in_the_frame_of_lammps(alloy(2)))[0])


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", ["pot.almtp", "state.als"])
def test_text_files_are_read_and_graded_by(
    name: str, ranks: int, files: maxvolt.ActiveSet, tmp_path: Path
) -> None:
    grade, said = grade_of(tmp_path, "maxvolt every 1", f"* * {name} Cu Au", ranks)
    assert grade == pytest.approx(expected_grade(files), rel=1e-10)
    assert f"{name} does not name its species: they are taken to be Cu, Au" in said


MLIP_2 = """\
mtp-filename            pot.mtp
select                  TRUE   # comment
select:threshold        {select}
select:threshold-break  {stop}
select:save-selected    selected.cfg
select:load-state       state.als
select:log              log.txt
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_input_of_mlip_2(ranks: int, files: maxvolt.ActiveSet, tmp_path: Path) -> None:
    grade = expected_grade(files)
    ini = MLIP_2.format(select=0.5 * grade, stop=2 * grade)
    (tmp_path / "mlip.ini").write_text(ini)
    found, said = grade_of(tmp_path, "mlip mlip.ini", "* *", ranks)
    assert found == pytest.approx(grade, rel=1e-10)
    assert "'select:log' has no effect here" in said
    frames = maxvolt.read(tmp_path / "selected.cfg", species=list(ELEMENTS))
    assert files.grade(frames)[0] == pytest.approx(grade, rel=1e-10)
    (tmp_path / "mlip.ini").write_text(MLIP_2.format(select=0.5 * grade, stop=0.9 * grade))
    text = (tmp_path / "in.lammps").read_text()
    done = run(tmp_path, text, ranks)
    assert done.returncode != 0
    assert re.search(r"extrapolation grade .* at step 0 is above break", done.stdout)


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_input_of_mlip_3(ranks: int, files: maxvolt.ActiveSet, tmp_path: Path) -> None:
    grade = expected_grade(files)
    style = (
        "mlip load_from=pot.almtp extrapolation_control=true "
        f"extrapolation_control:threshold_save={0.5 * grade} "
        f"extrapolation_control:threshold_break={2 * grade} "
        "extrapolation_control:save_extrapolative_to=preselected.cfg"
    )
    found, _ = grade_of(tmp_path, style, "* *", ranks)
    assert found == pytest.approx(grade, rel=1e-10)
    frames = maxvolt.read(tmp_path / "preselected.cfg", species=list(ELEMENTS))
    assert files.grade(frames)[0] == pytest.approx(grade, rel=1e-10)
    plain, _ = grade_of(tmp_path, "mlip load_from=pot.almtp", "* *", ranks)
    assert plain == 0.0


def test_another_basis_is_evaluated_as_it_stands(tmp_path: Path) -> None:
    """A table that nobody knows is slower, and the plugin says so where it is much slower."""
    few = maxvolt.MTP(18, ELEMENTS, 4.6, 1.5, max_vertices=3)
    model = few.model
    random = np.random.default_rng(0)
    few = few.with_coefficients(
        0.1 * random.normal(size=model.radial_coeffs.shape),
        random.normal(size=2),
        0.1 * random.normal(size=len(model.moment_coeffs)),
    )
    few.write(tmp_path / "pot.mtp")
    atoms = in_the_frame_of_lammps(alloy(2))
    pair = "pair_style maxvolt\npair_coeff * * pot.mtp Cu Au"
    found = evaluate(tmp_path, atoms, pair, list(ELEMENTS), ranks=2)
    expected = few.evaluate(atoms).forces
    np.testing.assert_allclose(found.forces, expected, rtol=0, atol=1e-11 * abs(expected).max())


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("select TRUE\n", "mtp-filename is missing"),
        ("mtp-filename pot.mtp\nselect TRUE\n", "select is TRUE without select:load-state"),
        ("mtp-filename pot.mtp\nfit TRUE\n", "fit is TRUE; fitting during a run is not"),
        ("mtp-filename pot.mtp\ncalculate-efs FALSE\n", "calculate-efs is FALSE"),
        ("mtp-filename none.mtp\n", r"none\.mtp: cannot be opened"),
        ("mtp-filename pot.mtp two\n", r"mlip\.ini, line 1: 'two' follows a name and a value"),
        ("mtp-filename pot.mtp\nselect maybe\n", "select is 'maybe'; expected TRUE or FALSE"),
        (
            "mtp-filename other.mtp\nselect TRUE\nselect:load-state state.als\n",
            r"other\.mtp is another potential than the one in state\.als",
        ),
        ("mtp-filename cut.mtp\n", r"cut\.mtp, line \d+"),
    ],
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_what_cannot_be_followed_is_an_error(
    ini: str, message: str, ranks: int, files: maxvolt.ActiveSet, tmp_path: Path
) -> None:
    (tmp_path / "mlip.ini").write_text(ini)
    other = maxvolt.MTP.from_model(potential(8).model, ELEMENTS)
    other.write(tmp_path / "other.mtp")
    (tmp_path / "cut.mtp").write_bytes((tmp_path / "pot.mtp").read_bytes()[:-300])
    text = (
        "units metal\nread_data structure.lammps\nmass * 100.0\n"
        "pair_style mlip mlip.ini\npair_coeff * *\nrun 0\n"
    )
    done = run(tmp_path, text, ranks)
    assert done.returncode != 0
    assert re.search(message, done.stdout), done.stdout[-1000:]


def test_settings_of_mlip_3_that_are_wrong(files: maxvolt.ActiveSet, tmp_path: Path) -> None:
    for style, message in (
        ("mlip", "settings are missing"),
        ("mlip load_from=pot.almtp nonsense", "'nonsense' is no setting; expected NAME=VALUE"),
        ("mlip extrapolation_control=true", "load_from is missing"),
    ):
        text = f"units metal\nread_data structure.lammps\nmass * 1.0\npair_style {style}\n"
        done = run(tmp_path, text)
        assert done.returncode != 0
        assert message in done.stdout
