"""The lines of manual_lines_files.sh run unchanged from start to end."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from mlp_cases import Files

SCRIPT = Path(__file__).with_name("manual_lines_files.sh")

MLP = """\
#!{python}
import sys
from maxvolt.mlp import main
sys.exit(main())
"""

SETTINGS = {
    "mlip.ini": "mtp-filename pot.mtp\ncalculate-efs TRUE\nselect FALSE\n",
    "select.ini": (
        "mtp-filename pot.mtp\nselect TRUE\nselect:threshold 1e-3  # all\n"
        "select:threshold-break 0\nselect:save-selected preselected.cfg\n"
        "select:load-state state.als\n"
    ),
    "relax.ini": "relax:iteration_limit 300\nrelax:mindist 0.8\nrelax:bfgs_wolfe_c1 1e-3\n",
}


def outcar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps, the last of which did not converge."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "io"))
    from vasp_files import NELM, Step
    from vasp_files import outcar as text_of

    random = np.random.default_rng(0)
    steps = []
    for number in range(3):
        atoms = bulk("Al", cubic=True)
        atoms.symbols[2:] = "Cu"
        atoms.rattle(0.1, seed=number)
        forces, stress = random.normal(size=(4, 3)), 0.01 * random.normal(size=6)
        electronic = NELM if number == 2 else 3
        steps.append(Step(atoms, -10.0 - number, forces, stress, electronic_steps=electronic))
    (folder / "OUTCAR").write_text(text_of(steps))


def test_the_lines_run_unchanged(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = files.folder
    outcar(folder, monkeypatch)
    for name, text in SETTINGS.items():
        (folder / name).write_text(text)
    graded = [replace(one, nbh_grades=np.arange(4.0)) for one in files.read("in.cfg")]
    files.write("graded.cfg", graded)
    program = folder / "bin" / "mlp"
    program.parent.mkdir()
    program.write_text(MLP.format(python=sys.executable))
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", str(SCRIPT)],
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "error" not in done.stderr
    lines = [line for line in SCRIPT.read_text().splitlines() if "mlp " in line]
    assert len(lines) >= 40
    energies = [one.energy for one in files.read("dft.cfg")]
    assert energies == [-10.0, -11.0, -11.0]  # the unconverged step is left out
    assert [one.energy for one in files.read("dft3.cfg")] == [-10.0, -11.0, -12.0]
    assert len(files.read("db.cfg")) == 6
    assert len(files.read("all_relaxed.cfg")) == 3
    assert len(files.read("joined.cfg")) >= 3
