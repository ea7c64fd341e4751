"""The examples with PySCF and DFTpy: their files can be used, their checks are right."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.vibrations import Vibrations
from campaign_files import Run

import maxvolt
from maxvolt.campaign import read_settings
from maxvolt.sampling import MolecularDynamics
from promises import needs

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("file", "calculator", "setting"),
    [
        ("methanol_pyscf/methanol.toml", "pyscf", "basis"),
        ("aluminium_ofdft/aluminium.toml", "dftpy", "pseudopotentials"),
    ],
)
def test_files_can_be_used(file: str, calculator: str, setting: str) -> None:
    settings = read_settings(EXAMPLES / file)
    reference = settings.stages[-1].reference.reference()
    assert reference.calculator == calculator
    assert setting in reference.complete_settings


def test_check_of_aluminium(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / finished.file.name
    shutil.copy(finished.file, file)
    shutil.copytree(finished.result.folder, file.with_suffix(""))
    check = runpy.run_path(str(EXAMPLES / "aluminium_ofdft" / "check.py"))
    warm = MolecularDynamics(
        "warm",
        maxvolt.Dataset.from_atoms([bulk("Al", a=4.05, cubic=True)]),
        steps=5,
        temperature=300,
    )
    check["main"]([str(file)], [warm])
    assert "bulk modulus" in capsys.readouterr().out
    found = json.loads((file.with_suffix("") / "check.json").read_text())
    # EMT's own minimum, in place of DFT's.
    curve = found["equations_of_state"]["DFT"]
    assert (4 * curve["volume_A3_per_atom"]) ** (1 / 3) == pytest.approx(3.994, abs=0.002)


def test_frequencies_of_methanol_are_those_of_ase(tmp_path: Path) -> None:
    needs("tblite")
    from tblite.ase import TBLite

    check = runpy.run_path(str(EXAMPLES / "methanol_pyscf" / "check.py"))
    calculator = TBLite(method="GFN2-xTB", verbosity=0)
    relaxed = check["relaxed"](molecule("CH3OH"), calculator)
    found = check["minimum"](
        relaxed, lambda moved: [check["forces_of"](one, calculator) for one in moved]
    )
    assert found.bonds["C-O"] == pytest.approx(1.41, abs=0.03)
    assert found.bonds["O-H"] == pytest.approx(0.96, abs=0.02)
    vibrations = Vibrations(relaxed, name=str(tmp_path / "vib"))
    vibrations.run()
    expected = np.sort(np.real(vibrations.get_frequencies()))[6:]
    np.testing.assert_allclose(found.wavenumbers, expected, rtol=2e-3)


def test_a_molecule_that_does_not_relax_is_said() -> None:
    check = runpy.run_path(str(EXAMPLES / "methanol_pyscf" / "check.py"))
    with pytest.raises(SystemExit, match="does not relax"):
        check["relaxed"](molecule("CH3OH"), EMT(), steps=1)
