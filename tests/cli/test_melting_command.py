"""`maxvolt melting`: what its options ask for, without LAMMPS."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

import maxvolt.properties.melting as package
from maxvolt.cli import main, melting
from maxvolt.properties.melting import MeltingSettings

WORDS = ["melting", "--pair-style", "zero 6.0", "--pair-coeff", "* *", "--species", "Al"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[MeltingSettings, list[float]]]:
    """Settings and pressures of each curve that was asked for; none is computed."""
    found: list[tuple[MeltingSettings, list[float]]] = []

    def curve(_: object, settings: MeltingSettings, pressures: list[float], *__: Any, **___: Any):
        found.append((settings, list(pressures)))
        return ()

    monkeypatch.setattr(package, "melting_curve", curve)
    return found


def test_defaults_are_those_of_the_settings(asked, tmp_path) -> None:
    assert main([*WORDS, "--structure", "fcc", "-o", str(tmp_path)]) == 0
    assert asked == [(MeltingSettings(species="Al", structure="fcc"), [0.0])]


def test_options_become_settings(asked, tmp_path) -> None:
    words = ["--structure", "diamond", "--lattice-constant", "6", "--guess", "900"]
    words += ["--pressure", "0", "5", "--sizes", "3x3x6", "4x4x8", "--seeds", "7"]
    words += ["--timestep", "1", "--bulk-time", "2", "--preparation-time", "3"]
    words += ["--equilibration-time", "4", "--production-time", "6", "--segment-time", "5"]
    assert main([*WORDS, *words, "--attempts", "9", "-o", str(tmp_path)]) == 0
    ((settings, pressures),) = asked
    assert pressures == [0.0, 5.0]
    assert settings == MeltingSettings(
        species="Al",
        structure="diamond",
        lattice_constant=6.0,
        guess=900.0,
        sizes=((3, 3, 6), (4, 4, 8)),
        seeds=(7,),
        timestep=1.0,
        bulk_time=2.0,
        preparation_time=3.0,
        equilibration_time=4.0,
        production_time=6.0,
        segment_time=5.0,
        attempts=9,
    )


def test_help_shows_the_defaults() -> None:
    parser = argparse.ArgumentParser(prog="maxvolt melting")
    melting.add_arguments(parser)
    text = " ".join(parser.format_help().split())
    defaults = MeltingSettings(species="Al", structure="fcc")
    assert "on it (6x6x12 8x8x16)" in text
    assert defaults.sizes == ((6, 6, 12), (8, 8, 16))
    assert "of them (1 2)" in text
    assert defaults.seeds == (1, 2)
    assert f"read off, in ps ({defaults.production_time:g})" in text
    assert f"of all simulations, in fs ({defaults.timestep:g})" in text
    assert f"both last ({defaults.attempts})" in text
    assert f"curve ({defaults.pressure:g})" in text
