"""What a melting point may be asked for, and how the next start is chosen: without LAMMPS."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from embedded_atoms import Analytic
from maxvolt.errors import DataError, FileFormatError, MaxvoltError
from maxvolt.properties.lammps_stages import _remedy
from maxvolt.properties.melting import (
    Attempt,
    Coexistence,
    Interaction,
    MeltingPoint,
    MeltingSettings,
    PhasePoint,
    SeriesMean,
    SizeMean,
    melting_curve,
    melting_point,
    plot_melting_curve,
)
from maxvolt.properties.melting.coexistence import _outcome, _Search
from maxvolt.properties.melting.inputs import Inputs, Start
from maxvolt.properties.melting.sizes import mean_of_size, trend
from maxvolt.properties.melting.stages import Recorder, Stage
from maxvolt.properties.statistics import weighted_mean

ALUMINIUM = MeltingSettings(species="Al", structure="fcc")
ZERO = Interaction.of_pair_style("zero 6.0", ["* *"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"structure": "bcx"}, "'bcx' cannot be melted here; choose one of fcc, bcc"),
        ({"species": "Aluminium"}, "'Aluminium' is no element"),
        ({"structure": "diamond"}, "lattice constant of Al in diamond is not known here"),
        ({"sizes": ((2, 3, 6),)}, "at least 3 x 3 across and 6 along the axis; got 2x3x6"),
        ({"sizes": ()}, "one or more different sizes"),
        ({"seeds": (1, 1)}, "different whole numbers"),
        ({"guess": 0.5}, "at least 1 K"),
        ({"timestep": float("nan")}, "timestep must lie between"),
        ({"production_time": 5.0}, "segment_time = 10 ps is longer"),
        ({"bulk_time": 0.0}, "bulk_time must be above 0"),
        ({"attempts": 0}, "attempts must be at least 1"),
        ({"lattice_constant": 0.4}, "between 1 and 20 A"),
        ({"pressure": 1e9}, "pressure must lie between"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        replace(ALUMINIUM, **changes)


@pytest.mark.parametrize("structure", ["fcc", "bcc", "hcp", "diamond"])
def test_cells_are_the_crystal_at_right_angles(structure):
    settings = MeltingSettings(species="Al", structure=structure, lattice_constant=4.0)
    crystal = settings.crystal
    cell = crystal.cell("Al", crystal.edges(4.0)) * (3, 3, 3)
    assert np.allclose(cell.cell.angles(), 90)
    distances = np.sort(cell.get_all_distances(mic=True), axis=1)[:, 1:]
    shell = {"fcc": 12, "bcc": 8, "hcp": 12, "diamond": 4}[structure]
    assert np.allclose(distances[:, :shell], distances[0, 0])
    assert distances[0, shell] > 1.1 * distances[0, 0]


def test_steps_are_multiples_of_what_is_recorded():
    for timestep in (0.5, 1.0, 2.0, 3.0, 100.0):
        settings = replace(ALUMINIUM, timestep=timestep)
        assert settings.every % 5 == 0
        assert settings.steps(10.0) % settings.every == 0


def test_without_a_thermostat_only_the_axis_changes():
    text, _ = Inputs(replace(ALUMINIUM, pressure=2.0), ZERO).coexistence(
        Start(900, 0.5, 1), (4.13, 4.13, 4.13), 12
    )
    last = text[text.index("unfix bath_liquid") :]
    assert "langevin" not in last
    assert "temp" not in last
    assert "fix integrate all nph z 20000 20000" in last


def test_a_pair_style_needs_its_coefficients():
    with pytest.raises(DataError, match="needs pair coefficients"):
        Interaction.of_pair_style("eam/fs", [])
    with pytest.raises(DataError, match="is no pair style"):
        Interaction.of_pair_style("eam/fs\nshell rm", ["* *"])
    with pytest.raises(DataError, match=r"nowhere\.mtp: there is no such potential"):
        Interaction.of_potential("nowhere.mtp", "Al")


def test_the_digest_is_of_the_file_and_not_of_its_folder(tmp_path):
    for name, content in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Al.eam").write_text(content)
    a, b, c = (
        Interaction.of_pair_style("eam", [f"* * {tmp_path / name / 'Al.eam'}"]).digest
        for name in "abc"
    )
    assert a == b != c


def test_what_melts_was_too_hot_and_what_freezes_too_cold():
    assert _outcome(1200, 950, 0.0, 4000) == "melted"
    assert _outcome(700, 900, 1.0, 4000) == "frozen"
    assert _outcome(800, 900, 0.5, 4000) == "strained"
    assert _outcome(800, 845, 0.5, 300) == "both"  # by chance, in a cell so small
    assert _outcome(920, 925, 0.8, 4000) == "uneven"
    assert _outcome(920, 925, 0.5, 4000) == "both"


def test_starts_are_bisected_between_what_melts_and_what_freezes():
    search = _Search(1400.0)
    for _ in range(20):
        tried = search.temperature
        if abs(tried - 926) < 30:
            break
        outcome, fraction = ("melted", 0.0) if tried > 926 else ("frozen", 1.0)
        search.learn(Attempt(Start(tried, search.share, 1), outcome, tried, fraction))
    assert abs(search.temperature - 926) < 30


def test_a_start_with_too_little_crystal_is_made_with_more():
    search = _Search(920.0)
    share = search.share
    search.learn(Attempt(Start(920.0, share, 1), "uneven", 925.0, 0.25))
    assert search.temperature == 922.5  # half of the way, as little crystal is left
    assert search.share == pytest.approx(share + 0.1)  # as much as it moves at once


def test_the_mean_of_sizes_scatters_as_it_says():
    mean, error = weighted_mean([900.0, 910.0], [5.0, 5.0])
    assert (mean, error) == pytest.approx((905.0, 5.0))  # scatter 2 chi^2 units: 5/sqrt2 * sqrt2
    mean, error = weighted_mean([900.0, 904.0], [5.0, 5.0])
    assert error == pytest.approx(5 / np.sqrt(2))


def test_the_trend_with_the_size_is_a_line_in_one_over_atoms():
    sizes = [SizeMean((n, n, n), n, 926.0 - 5e3 / n, 1.0) for n in (500, 1000, 4000)]
    assert trend(sizes)[0] == pytest.approx(926.0)
    assert np.isnan(trend(sizes[:1])[0])


def test_a_curve_needs_pressures(tmp_path):
    with pytest.raises(DataError, match="different pressures"):
        melting_curve(ZERO, ALUMINIUM, [1.0, 1.0], tmp_path)


@pytest.mark.parametrize("ending", ["alloy", "fs"])
def test_files_of_embedded_atoms_are_taken(ending, tmp_path):
    file = Analytic(("Al",), ending).write(tmp_path / f"Al.eam.{ending}", 101, 101)
    found = Interaction.of_potential(file, "Al")
    assert found.lines == (f"pair_style eam/{ending}", f"pair_coeff * * {file} Al")
    with pytest.raises(DataError, match="there is no such potential"):
        Interaction.of_potential(tmp_path / f"no.eam.{ending}", "Al")


def test_an_element_that_a_potential_lacks_is_refused_before_anything_runs(tmp_path):
    file = Analytic(("Al", "Ni")).write(tmp_path / "AlNi.eam.alloy", 101, 101)
    copper = MeltingSettings(species="Cu", structure="fcc")
    with pytest.raises(DataError, match=r"AlNi\.eam\.alloy: knows Al, Ni, not Cu"):
        melting_point(file, copper, tmp_path / "melting")
    assert not (tmp_path / "melting").exists()
    assert Interaction.of_potential(file, "Ni").lines[1].endswith("Ni")
    assert Interaction.of_potential(file, "Ni Al").lines[1].endswith("Ni Al")
    with pytest.raises(DataError, match=r"knows Al, Ni, not Cu, Ti$"):
        Interaction.of_potential(file, "Cu Al Ti")


def test_files_of_pair_coefficients_must_be_there(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"^no\.eam\.fs: there is no such file, which pair_coeff"):
        Interaction.of_pair_style("eam/fs", ["* * no.eam.fs Al"])
    monkeypatch.setenv("LAMMPS_POTENTIALS", str(tmp_path))
    (tmp_path / "no.eam.fs").write_text("")
    found = Interaction.of_pair_style("eam/fs", ["* * no.eam.fs Al"])
    assert found.lines[1] == f"pair_coeff * * {tmp_path / 'no.eam.fs'} Al"
    for style, words in (("lj/cut 6.0", "1 1 0.01 -2.5e-1"), ("python 6.0", "* * module.Class Al")):
        assert Interaction.of_pair_style(style, [words]).lines[1] == f"pair_coeff {words}"


def test_lammps_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MaxvoltError, match="no-such-lmp"):
        melting_curve(ZERO, ALUMINIUM, [0.0], tmp_path, command="no-such-lmp")


def test_a_damaged_stage_is_named(tmp_path):
    crystal = ALUMINIUM.crystal
    stage = Stage("one", "run 0", 1, "potential", crystal.cell("Al", crystal.edges(4.0)))
    path = tmp_path / f"one-{stage.digest[:12]}.json"
    path.write_text("{")
    with pytest.raises(FileFormatError, match="remove it, and it is made again"):
        Recorder(tmp_path, ["lmp"]).finish(stage)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MaxvoltError, match="cannot be a folder"):
        Recorder(tmp_path / "file", ["lmp"])


def synthetic(pressure: float, value: float, *, stress: float = 0.0) -> MeltingPoint:
    """A melting point of two sizes that no simulation has seen."""
    times = 0.1 * np.arange(1, 201)
    runs = tuple(
        Coexistence(
            (n, n, 2 * n),
            1,
            8 * n**3,
            SeriesMean(value, 2.0, 3.0, 20, 6),
            times,
            value + np.sin(times),
            np.full(200, 0.5),
            np.array([0.0, 0.0, -pressure + stress]),
            0.001,
            np.column_stack([np.full(2 * n, 0.055), np.linspace(0.37, 0.5, 2 * n)]),
            (Attempt(Start(value, 0.5, 1), "both", value, 0.5),),
        )
        for n in (5, 6)
    )
    phases = tuple(
        PhasePoint(t, (a, a, a), 1e-4, (-3.17, -3.06), (17.6, 18.6), (0.5, 0.37))
        for t, a in ((850.0, 4.12), (930.0, 4.13))
    )
    sizes = tuple(mean_of_size([run]) for run in runs)
    return MeltingPoint(value, 1.5, *trend(sizes), pressure, 0.11, 1.0, sizes, runs, phases, "eam")


def test_the_slope_is_that_of_clausius_and_clapeyron():
    # 926 K * 1 A^3 / 0.11 eV, and 1 eV/A^3 is 160.2 GPa.
    assert synthetic(0.0, 926.0).slope == pytest.approx(926 / 0.11 / 160.21766, rel=1e-6)


def test_a_stress_along_the_axis_is_warned_of():
    assert synthetic(5.0, 1200.0).warnings == ()
    warning = synthetic(5.0, 1200.0, stress=0.2).warnings[0]
    assert "a stress of 0.2 GPa is left along the axis" in warning


def test_points_and_curves_are_drawn():
    points = [synthetic(0.0, 926.0), synthetic(5.0, 1200.0)]
    assert len(points[0].plot().axes) == 6
    curve = plot_melting_curve(points).axes[0]
    assert curve.get_xlabel() == "pressure (GPa)"
    assert len(curve.lines) >= 3  # the points, and a slope at each
    assert points[0].to_dict()["sizes"][1]["atoms"] == 1728


def test_what_lammps_lacks_is_said_with_a_remedy():
    assert "pip install maxvolt-lammps" in _remedy("Unrecognized pair style 'maxvolt'")
    assert "shorter timestep" in _remedy("Lost atoms: original 10 current 9")
    assert _remedy("something else") == ""
