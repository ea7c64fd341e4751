"""The Lennard-Jones potential of the example, and small searches with it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import maxvolt
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.sampling import Limits
from maxvolt.sampling.workers import CalculatorFactory
from maxvolt.search import SearchSettings

sys.path.insert(0, str(Path(__file__).parents[1]))
from example_modules import importable

__all__ = ["KNOWN", "cluster_settings", "lennard_jones", "write_lennard_jones"]

KNOWN = {2: -1.0, 3: -3.0, 4: -6.0, 5: -9.103852, 6: -12.712062, 7: -16.505384, 13: -44.326801}
"""Energies of the best clusters in units of epsilon (Hoare and Pal; Cambridge Cluster Database)."""

_FOLDER = Path(__file__).parents[2] / "examples" / "lennard_jones"


def write_lennard_jones(path: Path) -> Path:
    with importable(_FOLDER):
        from lennard_jones_tables import write_tables

        write_tables(path)
    return path


def lennard_jones(path: Path) -> CalculatorFactory:
    return partial(MaxvoltCalculator, maxvolt.load(write_lennard_jones(path)), threads=1)


def cluster_settings(atoms: int, **changes: object) -> SearchSettings:
    given: dict[str, object] = {
        "cluster": True,
        "start_distance": 2.4,
        "volume": (20.0, 60.0),
        "hop_step": 1.1,
        "limits": Limits(isolation=9.0),
        **changes,
    }
    return SearchSettings(("Ar",), (atoms, atoms), **given)  # type: ignore[arg-type]
