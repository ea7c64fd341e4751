"""Small campaigns for tests."""

from __future__ import annotations

from pathlib import Path

SMALL = """\
[campaign]
seed = 1
workers = 2
max_iterations = 8

[structures.fcc]
crystal = "fcc"
species = "Al"
a = 4.05
repeat = [2, 2, 2]

[potential]
species = ["Al"]
level = 4
cutoff = 4.5
radial_basis_size = 4

[selection]
mode = "neighborhood"
select = 1.5
break = 3.0
limit = 3

[fit]
starts = 1
start_iterations = 5
max_iterations = 10

[[training]]
kind = "perturbation"
structure = "fcc"
copies = 3
rattle = 0.02

[[validation]]
kind = "perturbation"
structure = "fcc"
copies = 2
rattle = 0.1

[[scenario]]
name = "warm"
kind = "md"
structure = "fcc"
temperature = 600
steps = 60
timestep_fs = 3.0
copies = 2

[reference]
calculator = "emt"
"""


def write_campaign(folder: Path, text: str = SMALL, **replaced: str) -> Path:
    """Write a campaign file; `replaced` maps lines such as ``steps`` to new values."""
    lines = []
    for line in text.splitlines():
        key = line.partition(" =")[0]
        lines.append(f"{key} = {replaced.pop(key)}" if key in replaced else line)
    assert not replaced, f"keys that the file does not have: {replaced}"
    path = folder / "small.toml"
    path.write_text("\n".join(lines) + "\n")
    return path
