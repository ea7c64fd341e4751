"""Lattices by name and lattice constant, or from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice import named_lattice


@pytest.mark.parametrize(
    ("name", "volume", "sites", "neighbours"),
    [
        ("sc:2", 8.0, 1, 6), ("bcc:2.0", 4.0, 1, 8), ("fcc:2.", 2.0, 1, 12),
        ("diamond:4", 16.0, 2, 4), ("hcp:2", 8 * 2**0.5, 2, 12),
        ("hcp:2:4", 8 * 3**0.5, 2, 6),
    ],
)  # fmt: skip
def test_names_are_lattices(name: str, volume: float, sites: int, neighbours: int) -> None:
    parent = named_lattice(name, ["Cu", "Pd"])
    assert abs(np.linalg.det(parent.cell)) == pytest.approx(volume)
    assert len(parent.places) == sites
    large = [
        (place - parent.places[0] + shift) @ parent.cell
        for place in parent.places
        for shift in np.stack(np.meshgrid(*[range(-2, 3)] * 3), -1).reshape(-1, 3)
    ]
    distances = np.sort(np.linalg.norm(large, axis=1))[1:]
    assert np.count_nonzero(distances < distances[0] + 1e-6) == neighbours


def test_files_are_lattices(tmp_path: Path) -> None:
    write(tmp_path / "salt.xyz", bulk("MgO", "rocksalt", a=4.2))
    parent = named_lattice("salt.xyz", {"Mg": ["Mg", "Ca"]}, tmp_path)
    assert parent.allowed == (("Mg", "Ca"), ("O",))
    write(tmp_path / "two.xyz", [bulk("Cu"), bulk("Cu")])
    for name, message in (
        ("two.xyz", r"lattice two.xyz: holds 2 structures"),
        ("none.xyz", r"lattice none.xyz: there is no such file"),
        ("fcc", "there is no such file"),
        ("fcc:0", "above 0"),
        ("hcp:2:0", "above 0"),
        ("bcc:2:3", "bcc has one lattice constant, as bcc:2"),
        ("fcc:-1", "there is no such file"),
    ):
        with pytest.raises(SettingsError, match=message):
            named_lattice(name, ["Cu", "Pd"], tmp_path)
