"""Free energies of a published potential by calphy, beside those of `maxvolt free-energy`.

    maxvolt free-energy Al_mm.eam.fs --structure Al --temperatures 300 600 900 -o ours
    python benchmarks/calphy_free_energies.py POTENTIALS ours/free_energy.json --work runs -o DOCS

calphy (S. Menon et al., Phys. Rev. Materials 5, 103801 (2021)) is a program of its own, on LAMMPS
as well; it must be installed. POTENTIALS is the folder of the files that come with LAMMPS. The
states are those of the file of ours. What is done is kept; each state takes a minute or two.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ase import units
from ase.data import atomic_masses, atomic_numbers

from maxvolt.files import replacing

POTENTIAL, ELEMENT, STYLE = "Al_mm.eam.fs", "Al", "eam/fs"
STEPS = {"n_equilibration_steps": 10000, "n_switching_steps": 25000, "n_iterations": 6}
REPEAT = 5


def calculation(potentials: Path, phase: str, state: dict[str, Any]) -> dict[str, Any]:
    """Give the input of calphy for one state."""
    return {
        "element": ELEMENT,
        "mass": float(atomic_masses[atomic_numbers[ELEMENT]]),
        "lattice": "fcc" if phase == "solid" else "liquid",
        "repeat": [REPEAT] * 3,
        "mode": "fe",
        "reference_phase": phase,
        "temperature": state["temperature_K"],
        "pressure": 10000.0 * state["pressure_GPa"],
        "pair_style": STYLE,
        "pair_coeff": f"* * {(potentials / POTENTIAL).resolve()} {ELEMENT}",
        "md": {"timestep": 0.002},
        **STEPS,
        "queue": {"scheduler": "local", "cores": 1},
    }


def free_energy(work: Path, given: dict[str, Any]) -> tuple[float, float]:
    """Run calphy, and read free energy and error, eV/atom, from its report."""
    work.mkdir(parents=True, exist_ok=True)
    reports = sorted(work.rglob("report.yaml"))
    if not reports:
        # YAML holds JSON.
        (work / "input.yaml").write_text(json.dumps({"calculations": [given]}))
        kernel = Path(sys.executable).with_name("calphy_kernel")
        with (work / "output.txt").open("w") as output:
            subprocess.run(
                [str(kernel), "-i", "input.yaml", "-k", "0"],
                cwd=work,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        reports = sorted(work.rglob("report.yaml"))
    text = reports[-1].read_text()
    results = text[text.index("results:") :]
    value, error = (
        float(re.search(rf"\b{name}:\s*([-\d.e]+)", results)[1])  # type: ignore[index]
        for name in ("free_energy", "error")
    )
    return value, error


def as_without_end(phase: str, state: dict[str, Any]) -> float:
    """What calphy's number lacks beside ours, eV/atom: it is that of N atoms.

    calphy lets the centre of mass of a crystal move in the volume of all atoms, where that of one
    is right (J. M. Polson et al., J. Chem. Phys. 112, 5339 (2000)), and counts the atoms of a
    liquid with Stirling's term for N of them.
    """
    atoms, kt = int(state["atoms"]), float(units.kB) * float(state["temperature_K"])
    if phase == "liquid":
        return -kt * math.log(2 * math.pi * atoms) / (2 * atoms)
    return kt * math.log(atoms) / atoms + float(state["finite_size_eV_per_atom"])


def main() -> None:
    """Run all states, and write both columns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potentials", type=Path)
    parser.add_argument("ours", type=Path, nargs="+")
    parser.add_argument("--work", type=Path, default=Path("calphy_runs"))
    parser.add_argument("-o", "--output", type=Path, default=Path())
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for file in options.ours:
        for phase in json.loads(file.read_text())["phases"]:
            for state in phase["states"]:
                name = f"{phase['phase']}{state['temperature_K']:g}"
                given = calculation(options.potentials, phase["phase"], state)
                value, error = free_energy(options.work / name, given)
                added = as_without_end(phase["phase"], state)
                rows.append(
                    {
                        "phase": phase["phase"],
                        "temperature_K": state["temperature_K"],
                        "ours_eV_per_atom": state["gibbs_eV_per_atom"],
                        "our_error": state["error_eV_per_atom"],
                        "calphy_eV_per_atom": value,
                        "calphy_error": error,
                        "added_to_calphy_eV_per_atom": added,
                        "left_meV_per_atom": 1e3 * (state["gibbs_eV_per_atom"] - value - added),
                        "left_error": 1e3 * math.hypot(state["error_eV_per_atom"], error),
                    }
                )
                print(rows[-1], flush=True)
                with replacing(options.output / "calphy.json") as kept:
                    kept.write((json.dumps(rows, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
