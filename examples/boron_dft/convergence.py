"""What a label of boron.toml costs, and how far its settings are converged.

    python convergence.py           # some minutes of one core

Alpha-boron and random crystals of the search, as they are generated: energies are counted from that
of alpha-boron, and compared with those of the first row. Needs Quantum ESPRESSO of Debian.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from check import FILE
from known_crystals import alpha_boron

from maxvolt.campaign import read_settings
from maxvolt.search.random_candidates import new_candidate
from maxvolt.units import GPA_PER_EV_A3

PSEUDOPOTENTIALS = Path("/usr/share/espresso/pseudo")
PAW, ULTRASOFT = (f"B.pbe-n-{name}_psl.1.0.0.UPF" for name in ("kjpaw", "rrkjus"))


@dataclass(frozen=True)
class Row:
    """Settings: cutoffs and smearing in Ry, distance of k-points in 1/Angstrom (without 2 pi)."""

    pseudopotential: str
    cutoffs: tuple[float, float]
    kspacing: float
    smearing: float
    mixing: float = 0.7
    threshold: float = 1e-6


ROWS = (
    Row(PAW, (45, 330), 0.06, 0.01, threshold=1e-7),
    Row(PAW, (45, 330), 0.08, 0.02, mixing=0.3, threshold=1e-8),
    Row(ULTRASOFT, (30, 240), 0.06, 0.01),
    Row(ULTRASOFT, (35, 280), 0.08, 0.02),
    Row(ULTRASOFT, (30, 240), 0.08, 0.02),
    Row(ULTRASOFT, (30, 240), 0.10, 0.02),
    Row(ULTRASOFT, (30, 240), 0.12, 0.02),
    Row(ULTRASOFT, (30, 240), 0.12, 0.03),
    Row(ULTRASOFT, (25, 200), 0.12, 0.02),
)


def structures(count: int) -> list[Atoms]:
    """Alpha-boron and random crystals with its number of atoms."""
    settings = read_settings(FILE).stages[0]
    wanted = settings.scenario[0].settings(settings.potential.species)
    random = [new_candidate(wanted, (12,), [seed])[0] for seed in range(count)]
    return [alpha_boron(), *random]


def single_point(atoms: Atoms, row: Row) -> Atoms:
    """Calculate energy, forces and stress by ``pw.x`` in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write(
            Path(folder, "in.pwi"),
            atoms,
            format="espresso-in",
            pseudopotentials={"B": row.pseudopotential},
            pseudo_dir=str(PSEUDOPOTENTIALS),
            kspacing=row.kspacing,
            input_data={
                "control": {"tprnfor": True, "tstress": True, "outdir": folder, "disk_io": "none"},
                "system": {
                    "ecutwfc": row.cutoffs[0],
                    "ecutrho": row.cutoffs[1],
                    "occupations": "smearing",
                    "smearing": "mv",
                    "degauss": row.smearing,
                },
                "electrons": {"conv_thr": row.threshold, "mixing_beta": row.mixing},
            },
        )
        with Path(folder, "out.pwo").open("w") as file:
            subprocess.run(
                ["pw.x", "-in", "in.pwi"],
                cwd=folder,
                stdout=file,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        found = read(Path(folder, "out.pwo"))
    assert isinstance(found, Atoms)
    return found


def main() -> None:
    """Print a row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=2, help="how many random crystals")
    crystals = structures(parser.parse_args().random)
    exact = None
    print("| pseudopotential | cutoffs, Ry | k-points, 1/A | smearing, Ry | mixing, threshold | "
          "energy, meV/atom | forces, meV/A | stress, GPa | s of a label |")  # fmt: skip
    for row in ROWS:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        found = [single_point(atoms, row) for atoms in crystals]
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        energies = np.array([one.get_potential_energy() / len(one) for one in found])
        now = (
            1e3 * (energies - energies[0])[1:],
            1e3 * np.array([one.get_forces() for one in found]),
            GPA_PER_EV_A3 * np.array([one.get_stress() for one in found]),
        )
        exact = now if exact is None else exact
        energy, force, stress = (a - b for a, b in zip(now, exact, strict=True))
        cells = (
            row.pseudopotential,
            "{}, {}".format(*row.cutoffs),
            row.kspacing,
            row.smearing,
            f"{row.mixing}, {row.threshold:g}",
            " ".join(f"{one:.1f}" for one in energy),
            f"{np.sqrt(np.mean(force**2)):.0f}",
            f"{np.sqrt(np.mean(stress**2)):.2f}",
            f"{used / len(found):.1f}",
        )
        print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
