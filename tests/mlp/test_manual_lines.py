"""The lines of manual_lines.sh run unchanged from start to end, steps A to F among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlp_cases import Files

from maxvolt.potentials.mtp.files.access import read_potential_file
from promises import needs

SCRIPT = Path(__file__).with_name("manual_lines.sh")
OF_FILES = Path(__file__).with_name("manual_lines_files.sh")

MLP = """\
#!{python}
import sys
from maxvolt.mlp import main
sys.exit(main())
"""

MLIP_INI = """\
mtp-filename            pot.mtp
select                  TRUE
select:threshold        1.01      # most of what is met
select:threshold-break  1e12
select:save-selected    preselected.cfg
select:load-state       state.als
"""

LAMMPS = """\
units       metal
atom_style  atomic
boundary    p p p
read_data   input.pos
mass        * 60.0
pair_style  mlip mlip.ini
pair_coeff  * *
velocity    all create 600 4928459
fix         1 all nve
timestep    0.001
thermo      20
run         100
"""


def programs(folder: Path) -> str:
    """A folder with `mlp` and, where it is installed, `lmp`; the PATH with it in front."""
    place = folder / "bin"
    place.mkdir()
    (place / "mlp").write_text(MLP.format(python=sys.executable))
    (place / "mlp").chmod(0o755)
    lammps = Path(sys.executable).parent / "lmp"
    if lammps.exists():
        (place / "lmp").symlink_to(lammps)
    return f"{place}:{os.environ['PATH']}"


@pytest.mark.parametrize("step_b", ["relax", "lammps"])
def test_the_lines_run_unchanged(step_b: str, files: Files) -> None:
    if step_b == "lammps":
        needs("lammps")
    folder = files.folder
    shutil.copy(folder / "pot.mtp", folder / "dft.mtp")
    for name in ("pot.mtp", "pot.almtp", "state.als"):
        (folder / name).unlink()
    (folder / "mlip.ini").write_text(MLIP_INI)
    (folder / "select.ini").write_text(MLIP_INI)
    (folder / "in.lammps").write_text(LAMMPS)
    path = programs(folder)
    environment = {**os.environ, "PATH": path, "STEP_B": step_b}
    environment.pop("MLIP_VERSION", None)
    subprocess.run(
        ["bash", "-ec", "mlp convert in.cfg input.pos --output_format=lammps_datafile --last"],
        cwd=folder,
        env=environment,
        check=True,
    )
    before = len(files.read("train.cfg"))
    done = subprocess.run(
        ["bash", "-e", str(SCRIPT)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert ": error: " not in done.stderr
    training = files.read("train.cfg")
    assert len(training) >= before + 3  # of two iterations, and of MLIP-3
    assert all(one.energy is not None and one.forces is not None for one in training)
    for name in ("pot.mtp", "Trained.mtp_"):
        file = read_potential_file(folder / name)
        assert (file.is_trained, file.active_set, file.species) == (True, None, None)
    for name, energy_rows in (("pot.almtp", False), ("cfg.almtp", True)):
        active_set = read_potential_file(folder / name).active_set
        assert active_set is not None
        assert (active_set.energy_weight > 0) == energy_rows
    assert len(files.read("selected4.cfg")) <= 2
    assert np.isfinite([float(one.features["MV_grade"]) for one in files.read("graded3.cfg")]).all()
    assert not list(folder.glob("*.checkpoint"))


def test_there_are_sixty_lines() -> None:
    lines = [
        line
        for script in (SCRIPT, OF_FILES)
        for line in script.read_text().splitlines()
        if "mlp " in line and not line.startswith("#")
    ]
    assert len(lines) >= 60
