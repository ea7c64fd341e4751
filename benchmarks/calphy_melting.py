"""Melting points of published potentials by free energies, as an independent check of coexistence.

    python benchmarks/calphy_melting.py POTENTIALS --work calphy_runs --output calphy.json

Runs calphy (S. Menon et al., Phys. Rev. Materials 5, 103801 (2021)), which must be installed, with
LAMMPS: a crystal from the Einstein crystal, a liquid from the Uhlenbeck-Ford model, both swept over
temperature; where they cross is the melting point. POTENTIALS is the folder of the files that come
with LAMMPS. What is done is kept; each potential takes some ten minutes of a core.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ase.data import atomic_masses, atomic_numbers

from maxvolt.files import replacing

POTENTIALS: dict[str, tuple[str, str, str, float]] = {
    "Al_mm.eam.fs": ("Al", "eam/fs", " Al", 925.0),
    "Cu_u3.eam": ("Cu", "eam", "", 1270.0),
    "Ni_u3.eam": ("Ni", "eam", "", 1700.0),
    "Cu_mishin1.eam.alloy": ("Cu", "eam/alloy", " Cu", 1330.0),
}
"""Element, pair style, what follows the file in pair_coeff, temperature to begin at."""

REPEAT = 8
STEPS = {"n_equilibration_steps": 10000, "n_switching_steps": 40000, "n_iterations": 2}


def calculation(name: str, folder: Path) -> dict[str, Any]:
    """Give the input of calphy."""
    symbol, style, rest, temperature = POTENTIALS[name]
    return {
        "element": symbol,
        "mass": float(atomic_masses[atomic_numbers[symbol]]),
        "lattice": "fcc",
        "repeat": [REPEAT] * 3,
        "mode": "melting_temperature",
        "temperature": temperature,
        "melting_temperature": {"step": 100, "attempts": 5},
        "pair_style": style,
        "pair_coeff": f"* * {folder.resolve() / name}{rest}",
        **STEPS,
        "queue": {"scheduler": "local", "cores": 1},
    }


def melting_point(name: str, potentials: Path, work: Path) -> tuple[float, float]:
    """Run calphy, and read the temperature and its error in K from its log."""
    work.mkdir(parents=True, exist_ok=True)
    file = work / "input.yaml"
    # YAML holds JSON.
    file.write_text(json.dumps({"calculations": [calculation(name, potentials)]}))
    kernel = Path(sys.executable).with_name("calphy_kernel")
    with (work / "output.txt").open("w") as output:
        subprocess.run(
            [str(kernel), "-i", file.name, "-k", "0"],
            cwd=work,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )
    text = "".join(path.read_text() for path in sorted(work.rglob("*.log")))
    text += (work / "output.txt").read_text()
    found = re.findall(r"[Mm]elting temperature.*?([\d.]+)\s*\+/-\s*([\d.]+)", text)
    if not found:
        raise SystemExit(f"{work}: calphy's logs name no melting temperature; see output.txt")
    value, error = found[-1]
    return float(value), float(error)


def main() -> None:
    """Run those that are not kept yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--work", type=Path, default=Path("calphy_runs"))
    parser.add_argument("--output", type=Path, default=Path("calphy.json"))
    options = parser.parse_args()
    known = json.loads(options.output.read_text()) if options.output.exists() else {}
    for name in POTENTIALS:
        if name not in known:
            value, error = melting_point(name, options.potentials, options.work / name)
            known[name] = {"melting_point_K": value, "error_K": error}
            with replacing(options.output) as file:
                file.write((json.dumps(known, indent=1) + "\n").encode())
        print(f"{name}: {known[name]}", flush=True)


if __name__ == "__main__":
    main()
