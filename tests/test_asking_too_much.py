"""Settings that nothing can finish are refused with the limit: Python, TOML and command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk
from ase.data import chemical_symbols

from maxvolt import MTP
from maxvolt.campaign import read_settings
from maxvolt.cli import main
from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.fitting import FitSettings
from maxvolt.limits import CUTOFF, SETTINGS_BYTES
from maxvolt.sampling import MolecularDynamics, Relaxation, ramp, random_structures


def mtp(**changes: Any) -> Any:
    given = {"level": 4, "species": ["Al"], "cutoff": 5.0, "min_dist": 2.0}
    return MTP(**{**given, **changes})


def md(**changes: Any) -> Any:
    cell = bulk("Al", cubic=True)
    given: dict[str, Any] = {"name": "md", "structures": cell, "steps": 10, "temperature": 300.0}
    return MolecularDynamics(**{**given, **changes})


def relaxation(**changes: Any) -> Any:
    return Relaxation(name="relaxation", structures=bulk("Al"), **changes)


def randoms(**changes: Any) -> Any:
    given = {"composition": {"Al": 1}, "n_atoms": 2, "volume_per_atom": 20.0, "count": 1}
    return random_structures(**{**given, **changes})


PYTHON: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (mtp, {"cutoff": 99.0}, "cutoff must lie between 0.5 and 30 A; got 99"),
    (mtp, {"cutoff": 1e-320, "min_dist": 0.0}, "cutoff must lie between"),
    (mtp, {"cutoff": float("nan")}, "cutoff must lie between"),
    (mtp, {"min_dist": 4.9999999}, "apart by 0.01 A"),
    (mtp, {"level": 10**6}, "from 2 to 32"),
    (mtp, {"radial_basis_size": 10**9}, "radial_basis_size must lie between 1 and 100"),
    (mtp, {"max_vertices": 1000}, "max_vertices must be 1 to 8"),
    (
        mtp,
        {"level": 8, "species": chemical_symbols[1:19], "radial_basis_size": 100},
        "parameters; expected at most 50000",
    ),
    (md, {"steps": 10**20}, "steps must lie between 1 and 1e"),
    (md, {"steps": 1e20}, "steps must lie between 1 and 1e"),
    (md, {"timestep_fs": 0.0}, "timestep_fs must lie between 0.0001 and 100 fs"),
    (md, {"timestep_fs": 1e30}, "timestep_fs must lie between"),
    (md, {"temperature": 1e30}, r"temperature must lie between 0 and 1e\+06 K"),
    (md, {"temperature": ramp(300.0, 1e30, 10)}, "temperature must lie between"),
    (md, {"pressure": 1e30, "ensemble": "npt"}, "pressure must lie between"),
    (md, {"cell": ramp(0.0, -1.0, 10)}, "strain must lie between"),
    (md, {"thermostat_time_fs": 1e-300}, "thermostat_time_fs must lie between"),
    (relaxation, {"max_steps": 10**20}, "max_steps must lie between"),
    (relaxation, {"pressure": 1e30}, "pressure must lie between"),
    (randoms, {"count": 10**8}, "count must lie between"),
    (randoms, {"n_atoms": 10**6}, "n_atoms must lie between"),
    (FitSettings, {"max_iterations": 10**20}, "max_iterations must lie between"),
    (FitSettings, {"starts": 10**9}, "starts must lie between 1 and 10000"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "changes", "message"), PYTHON)
def test_python(make: Callable[..., Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MaxvoltError, match=message):
        make(**changes)


def test_what_is_usual_is_allowed() -> None:
    assert mtp(cutoff=CUTOFF.least, min_dist=0.0).cutoff == 0.5
    assert mtp(cutoff=CUTOFF.most).cutoff == 30
    md(steps=10**9, temperature=20_000.0, timestep_fs=0.01)
    randoms(count=2)


CAMPAIGN = """
[potential]
species = ["Al"]
{potential}
[fit]
{fit}
[reference]
calculator = "emt"
{reference}
[structures.cell]
crystal = "fcc"
species = "Al"
{structure}
[[training]]
kind = "{kind}"
{training}
[[scenario]]
name = "md"
kind = "md"
structure = "cell"
temperature = {temperature}
{scenario}
"""
DEFAULTS = {
    "potential": "", "fit": "", "reference": "", "structure": "", "kind": "perturbation",
    "training": 'structure = "cell"', "temperature": "300", "scenario": "steps = 10",
}  # fmt: skip
RANDOM = "composition = {Al = 1}\nvolume = [20, 20]\n"

TOML: list[tuple[dict[str, str], str]] = [
    ({"potential": "cutoff = 99"}, "[potential] cutoff: expected a number of at most 30"),
    ({"potential": "cutoff = 1e-320"}, "[potential] cutoff: expected a number of at least 0.5"),
    ({"potential": "level = 400"}, "[potential] level: expected a number of at most 32"),
    ({"potential": "radial_basis_size = 100000"}, "at most 100"),
    ({"potential": "members = 1000000"}, "at most 1000"),
    ({"potential": "cutoff = 5.0\nmin_dist = 4.9999"}, "by 0.01 A or more"),
    ({"fit": "energy_weight = 1e300"}, "[fit] energy_weight: expected a number of at most"),
    ({"fit": "max_iterations = 100000000000"}, "[fit] max_iterations"),
    ({"fit": "starts = 1000000"}, "[fit] starts"),
    ({"fit": "isolated_energies = {Al = 1e300}"}, "[fit] isolated_energies"),
    ({"reference": "retries = 100000"}, "[reference] retries: expected a number of at most 1000"),
    ({"reference": "workers = 1000000"}, "[reference] workers"),
    ({"structure": "repeat = [1000, 1000, 1000]"}, "asks for 1000000000 cells"),
    ({"training": 'structure = "cell"\ncopies = 2000000'}, "copies: expected a number of at most"),
    ({"training": 'structure = "cell"\nrattle = 1e30'}, "rattle: expected a number of at most"),
    ({"training": 'structure = "cell"\nstrain = 5.0'}, "strain: expected a number of at most"),
    ({"kind": "random", "training": RANDOM + "atoms = [1, 100000]\ncount = 1"}, "at most 5000"),
    ({"kind": "random", "training": RANDOM + "atoms = [1, 4000]\ncount = 9000"}, "36000000 atoms"),
    ({"scenario": "steps = 100000000000000000000"}, "steps: expected a number of at most"),
    ({"scenario": "steps = 1e20"}, "steps"),
    ({"scenario": "steps = 1\ntimestep_fs = 0"}, "timestep_fs: expected a number of at least"),
    ({"temperature": "1e30"}, "temperature must lie between 0 and 1e+06 K"),
    ({"temperature": '"ramp 300 1e30 10"'}, "temperature must lie between"),
    ({"temperature": '"hold 300 100000000000"'}, "steps of temperature must lie between"),
    ({"scenario": "steps = 1\nstrain = -1"}, "strain must lie between"),
    ({"scenario": "steps = 1\ncopies = 10000000"}, "copies"),
    ({"scenario": "steps = " + "9" * 5000}, "not valid TOML"),
    ({"reference": "settings = " + "[" * 5000}, "nested too deeply"),
    ({"reference": "settings." + "a." * 5000 + "b = 1"}, "nested too deeply"),
]


@pytest.mark.parametrize(("changes", "message"), TOML)
def test_campaign_files(changes: dict[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN.format(**DEFAULTS))
    read_settings(path)
    path.write_text(CAMPAIGN.format(**{**DEFAULTS, **changes}))
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert message in str(caught.value)


def test_large_files_are_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_bytes(b"#" * (SETTINGS_BYTES + 1))
    with pytest.raises(SettingsError, match="larger than 1000000 bytes"):
        read_settings(path)
    with pytest.raises(SettingsError, match="larger than"):
        read_settings("/dev/zero")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "train.xyz", tmp_path / "pot.mtp"
    path.write_text('1\nenergy=-3.0 pbc="F F F"\nAl 0 0 0\n')
    for arguments, message in (
        (["--cutoff", "99"], "cutoff must lie between 0.5 and 30 A; got 99"),
        (["--max-iterations", "9" * 30], "max_iterations must lie between"),
        (["--radial-basis-size", "100000"], "radial_basis_size must lie between"),
        (["--ensemble", "100000000"], "--ensemble must lie between 1 and 1000"),
    ):
        assert main(["train", str(path), "-o", str(out), "--min-dist", "1", *arguments]) != 0
        assert message in capsys.readouterr().err
    assert not out.exists()
