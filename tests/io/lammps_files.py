"""Dumps of LAMMPS with two atoms, of types 2 and 1 in this order."""

from __future__ import annotations

FRAME = """ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS {boundaries}
0.0 4.0
0.0 5.0
0.0 6.0
ITEM: ATOMS id type {columns}
2 1 {second}
1 2 {first}
"""


def dump(
    columns: str, first: str, second: str, *, frames: int = 1, boundaries: str = "pp pp pp"
) -> str:
    """Return a dump with these columns behind ``id type``."""
    return "".join(
        FRAME.format(step=step, columns=columns, first=first, second=second, boundaries=boundaries)
        for step in range(frames)
    )
