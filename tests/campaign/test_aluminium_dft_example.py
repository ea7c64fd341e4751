"""The check of examples/aluminium_dft, on a small campaign with EMT in place of DFT."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import pytest
from ase.build import bulk
from campaign_files import Run

import maxvolt
from maxvolt.sampling import MolecularDynamics

EXAMPLE = Path(__file__).parents[2] / "examples" / "aluminium_dft"


def test_check(finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / finished.file.name
    shutil.copy(finished.file, file)
    shutil.copytree(finished.result.folder, file.with_suffix(""))
    check = runpy.run_path(str(EXAMPLE / "check.py"))
    # The potential of this campaign knows the warm crystal only.
    crystals = maxvolt.Dataset.from_atoms([bulk("Al", a=4.05, cubic=True)] * 2)
    warm = MolecularDynamics("warm", crystals, steps=5, temperature=300)
    check["main"]([str(file)], [warm])
    printed = capsys.readouterr().out
    assert "warm" in printed
    assert "lattice constant" in printed

    found = json.loads((file.with_suffix("") / "check.json").read_text())
    assert found["errors"]["warm"]["energy_eV"]["count"] == 2
    assert 0 < found["largest_grades"]["warm"] < 100
    # EMT's own curve, from its own minimum: 3.994 A, 39.6 GPa.
    curve = found["equations_of_state"]["DFT"]
    assert (4 * curve["volume_A3_per_atom"]) ** (1 / 3) == pytest.approx(3.994, abs=0.002)
    assert curve["bulk_modulus_GPa"] == pytest.approx(39.6, abs=0.5)
