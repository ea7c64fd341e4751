"""What the potential of the campaign says of aluminium, beside orbital-free DFT itself.

    python check.py aluminium.toml

does what ../aluminium_dft/check.py does, on trajectories of 32 atoms that are new to the potential.
"""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path

from ase.build import bulk

from maxvolt.sampling import MolecularDynamics, hold, ramp

CHECK = Path(__file__).resolve().parents[1] / "aluminium_dft" / "check.py"
LATTICE_CONSTANT = 3.98
TRAJECTORIES = 5


def solid_and_liquid() -> list[MolecularDynamics]:
    """Return what the potential is tested on."""
    crystal = [bulk("Al", "fcc", a=LATTICE_CONSTANT, cubic=True) * (2, 2, 2)] * TRAJECTORIES
    melting = ramp(3000, 1500, 1000) + hold(1500, 1000)
    return [
        MolecularDynamics("solid, 600 K", crystal, 2000, 600, timestep_fs=2),
        MolecularDynamics(
            "liquid, 1500 K", crystal, 2000, melting, cell=hold(0.02, 2000), timestep_fs=2
        ),
    ]


def main(
    arguments: Sequence[str] | None = None, simulations: Sequence[MolecularDynamics] | None = None
) -> None:
    """Compute, print and write ``check.json`` into the folder of the campaign."""
    check = runpy.run_path(str(CHECK))
    if simulations is None:
        simulations = solid_and_liquid()
    check["main"](arguments, simulations, LATTICE_CONSTANT)


if __name__ == "__main__":
    main()
