"""Libraries of other arrays, which vesin would import, stay out, and are there for others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from promises import needs

EVALUATES = """
import sys
import maxvolt, maxvolt.campaign
from ase.build import bulk

start = maxvolt.MTP(level=4, species=("Cu",), cutoff=4.5, min_dist=2.0)
model = start.model
arrays = (model.radial_coeffs, model.species_coeffs, model.moment_coeffs)
atoms = bulk("Cu", cubic=True) * 2
atoms.calc = maxvolt.Calculator(start.with_coefficients(*(array + 0.1 for array in arrays)))
assert atoms.get_potential_energy() != 0
assert "torch" not in sys.modules
"""

IMPORTS_VESIN = """
import torch, vesin
import numpy as np
from maxvolt.neighbors import build_neighbors

points = torch.tensor([[0.0, 0, 0], [1, 1, 1]], dtype=torch.float64)
box = 3 * torch.eye(3, dtype=torch.float64)
search = vesin.NeighborList(cutoff=2.0, full_list=False)
(pairs,) = search.compute(points, box, True, "P")
assert isinstance(pairs, torch.Tensor)
found = build_neighbors(points.numpy(), box.numpy(), np.ones(3, bool), 2.0)
assert found.n_atoms == 2 and len(found.pairs) == len(pairs)
"""


def run_alone(code: str, *folders: Path) -> None:
    paths = [*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["torch", "cupy"])
def test_nothing_imports_them_to_evaluate_a_potential(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('somebody has imported {name}')")
    run_alone(EVALUATES, tmp_path)


@pytest.mark.parametrize("first", ["import maxvolt.neighbors", "import torch", "import vesin"])
def test_who_imports_vesin_has_it_with_torch(first: str) -> None:
    needs("ani")
    run_alone(f"{first}\n{IMPORTS_VESIN}")
