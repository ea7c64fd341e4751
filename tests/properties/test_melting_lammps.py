"""Melting points in LAMMPS: small cells, whose physics is known all the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import eval_legendre

from maxvolt.errors import MaxvoltError
from maxvolt.properties.melting import Interaction, MeltingPoint, MeltingSettings, melting_point
from maxvolt.properties.melting.coexistence import _Simulation
from maxvolt.properties.melting.crystals import CRYSTALS
from maxvolt.properties.melting.inputs import Inputs
from maxvolt.properties.melting.phases import Phases, heated_guess
from maxvolt.properties.melting.stages import Recorder, Stage
from maxvolt.sampling.lammps.program import find_program
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

SMALL = MeltingSettings(
    species="Al",
    structure="fcc",
    guess=930.0,
    sizes=((3, 3, 14),),
    seeds=(1,),
    timestep=4.0,
    bulk_time=1.0,
    preparation_time=1.5,
    equilibration_time=3.0,
    production_time=3.0,
    segment_time=1.5,
    attempts=6,
)

WORDS = ["--pair-style", "eam/fs", "--pair-coeff", "* * Al_mm.eam.fs Al"]


def aluminium() -> Interaction:
    return Interaction.of_pair_style("eam/fs", ["* * Al_mm.eam.fs Al"])


def recorder(folder: Path) -> Recorder:
    return Recorder(folder, find_program(1, None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("lammps")
    return tmp_path_factory.mktemp("aluminium")


@pytest.fixture(scope="module")
def point(folder: Path) -> MeltingPoint:
    return melting_point(aluminium(), SMALL, folder)


def steinhardt(structure: str) -> float:
    """Order parameter of a perfect crystal, by its definition."""
    crystal = CRYSTALS[structure]
    atoms = crystal.cell("Al", crystal.edges(4.0)) * (4, 4, 4)
    vectors = atoms.get_distances(0, range(1, len(atoms)), mic=True, vector=True)
    lengths = np.linalg.norm(vectors, axis=1)
    nearest = vectors[np.argsort(lengths)[: crystal.neighbors]]
    directions = nearest / np.linalg.norm(nearest, axis=1)[:, None]
    # By the addition theorem the sum over m is a Legendre polynomial of the angles between bonds.
    between = eval_legendre(crystal.degree, directions @ directions.T)
    return float(np.sqrt(between.mean()))


@pytest.mark.parametrize(
    ("structure", "species", "style", "coefficients"),
    [
        ("fcc", "Al", "eam/fs", "* * Al_mm.eam.fs Al"),
        ("hcp", "Mg", "eam/fs", "* * Mg_mm.eam.fs Mg"),
        ("bcc", "Fe", "eam/fs", "* * Fe_mm.eam.fs Fe"),
        ("diamond", "Si", "sw", "* * Si.sw Si"),
    ],
)
def test_lammps_gives_perfect_crystals_the_order_of_the_definition(
    folder, structure, species, style, coefficients
):
    settings = MeltingSettings(species=species, structure=structure)
    inputs = Inputs(settings, Interaction.of_pair_style(style, [coefficients]))
    text, _ = inputs.phase(300.0, 1, liquid=False)
    at_rest = [line for line in text.splitlines() if not line.startswith(("fix int", "run", "vel"))]
    still = "\n".join([*at_rest, f"run {settings.every}"])
    atoms = settings.crystal.cell(species, settings.crystal.edges(settings.start)) * (4, 4, 4)
    found = recorder(folder).finish(Stage(f"still-{structure}", still, settings.every, "", atoms))
    assert found.column("order")[-1] == pytest.approx(steinhardt(structure), abs=1e-6)


def test_the_melting_point_of_a_small_cell_is_near_the_published_one(point):
    # 504 atoms: fluctuations of a part of 1 / sqrt(3.5 * 504) = 2.4 % are slow, the run is short.
    assert point.value == pytest.approx(926.0, rel=0.1)
    assert 0 < point.error < 100


def test_melting_takes_heat_and_room(point):
    # Aluminium: 0.11 eV/atom and 6 %; Clausius and Clapeyron give a slope of about 60 K/GPa.
    assert point.heat_of_fusion == pytest.approx(0.111, rel=0.15)
    assert 0.03 < point.volume_of_fusion / point.phases[0].volumes[0] < 0.09
    assert 30 < point.slope < 90


def test_crystals_expand_and_liquids_have_less_order(point):
    phases = sorted(point.phases, key=lambda one: one.temperature)
    assert phases[0].edges[0] < phases[-1].edges[0]
    for one in phases:
        assert one.orders[1] < 0.9 * one.orders[0] < 0.9 * steinhardt("fcc")


def test_both_phases_stand_side_by_side(point):
    run = point.runs[0]
    order = run.profile[:, 1]
    crystal, liquid = point.phases[0].orders
    middle = (crystal + liquid) / 2
    assert (order > middle).any()
    assert (order < middle).any()
    # One piece of crystal: around the ring there are two interfaces, not more.
    assert np.count_nonzero(np.diff(order > middle, append=(order > middle)[0])) == 2
    assert 0.1 < run.solid_fractions.mean() < 0.9


def test_numbers_and_picture_are_complete(point):
    document = json.loads(json.dumps(point.to_dict()))
    assert document["melting_point_K"] == point.value
    assert len(document["runs"][0]["profile_order"]) == SMALL.sizes[0][2]
    assert len(point.plot().axes) == 6
    assert "MeltingPoint(" in repr(point)


def test_cold_starts_freeze_and_hot_ones_melt(folder):
    """A fifth below the melting point the crystal grows and gives off heat; above it melts."""
    inputs = Inputs(SMALL, aluminium())
    phases = Phases(inputs, recorder(folder), 930.0)
    simulation = _Simulation(inputs, recorder(folder), phases, (3, 3, 14), 1)
    cold, _ = simulation.attempt(0, 750.0, 0.5)
    hot, _ = simulation.attempt(0, 1120.0, 0.5)
    assert cold.solid_fraction > 0.6
    assert hot.solid_fraction < 0.4
    assert cold.temperature > 750.0
    assert hot.temperature < 1120.0


def test_a_second_look_runs_nothing(point, folder):
    told: list[str] = []
    again = melting_point(
        aluminium(), SMALL, folder, progress=lambda name, done, total: told.append(name)
    )
    assert told == []
    assert json.dumps(again.to_dict()) == json.dumps(point.to_dict())


def test_a_crystal_is_heated_until_it_melts(folder):
    # Without a surface it melts 20 to 40 % too hot, which the guess takes into account.
    guess = heated_guess(Inputs(SMALL, aluminium()), recorder(folder))
    assert guess == pytest.approx(926.0, rel=0.15)


def test_killed_and_started_again_it_finds_the_same(point, tmp_path):
    times = {"timestep": 4, "bulk-time": 1, "preparation-time": 1.5, "equilibration-time": 3}
    times |= {"production-time": 3, "segment-time": 1.5, "guess": 930, "attempts": 6, "seeds": 1}
    options = [word for name, value in times.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "maxvolt", "melting", *WORDS, "--species", "Al"]
    command += ["--structure", "fcc", "--sizes", "3x3x14", *options, "-o", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    own = tmp_path / "0GPa"
    for enough in (2, 6):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(own.glob("*.json"))) < enough:
            time.sleep(0.02)
        assert process.poll() is None, "it should still run"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    done = {path: path.stat().st_mtime_ns for path in own.glob("*.json")}
    subprocess.run([*command, "--json"], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert json.loads((own / "melting.json").read_text())["runs"] == json.loads(
        json.dumps(point.to_dict()["runs"])
    )
    assert (own / "melting.png").stat().st_size > 10_000


def test_a_potential_of_ours_is_used_by_its_file(tmp_path):
    needs("lammps")
    copper().write(tmp_path / "cu.mtp")
    settings = replace(SMALL, species="Cu", bulk_time=0.5, timestep=2.0)
    interaction = Interaction.of_potential(tmp_path / "cu.mtp", "Cu")
    inputs = Inputs(settings, interaction)
    text, steps = inputs.phase(600.0, 1, liquid=False)
    atoms = settings.crystal.cell("Cu", settings.crystal.edges(3.6)) * (4, 4, 4)
    found = recorder(tmp_path).finish(Stage("crystal", text, steps, interaction.digest, atoms))
    assert found.column("temperature")[-10:].mean() == pytest.approx(600, rel=0.15)
    assert found.column("order")[-1] > 0.85 * steinhardt("fcc")


def test_what_lammps_says_reaches_the_user(folder):
    wrong = Interaction.of_pair_style("eam/fs", ["* * Al_mm.eam.fs Cu"])
    with pytest.raises(MaxvoltError, match=r"crystal-930K: LAMMPS failed: .*Cu'$") as told:
        melting_point(wrong, replace(SMALL, species="Cu"), folder)
    assert "LAMMPS (" not in str(told.value)  # nor what else it printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--species", "Al", "--structure", "fcc"], "give a potential file, or --pair-style"),
        (["none.mtp", "--species", "Al", "--structure", "fcc"], "there is no such potential"),
        ([*WORDS, "--species", "Al", "--structure", "xyz"], "cannot be melted here"),
        ([*WORDS, "--species", "Al", "--structure", "fcc", "--sizes", "3x3"], "such as 6x6x12"),
    ],
)
def test_the_command_says_what_is_wrong(words, message, tmp_path, capsys):
    from maxvolt.cli import main

    try:
        code = main(["melting", *words, "-o", str(tmp_path / "out")])
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
