"""Shocks in aluminium: conservation laws, the Hugoniostat of LAMMPS, forces in clusters.

    python benchmarks/shocks.py POTENTIALS --trained trained.almtp --output docs/properties
    python benchmarks/shocks.py POTENTIALS --only large --output docs/properties

POTENTIALS is the folder of potentials of LAMMPS; Al_mm.eam.fs is shocked. Of an MTP that was
trained on it (benchmarks/shock_training.py), forces are compared in clusters of growing radius.
Segments and finished parts lie in --work, so that the command goes on where it was stopped. Writes
shocks.json, shocks.txt and shocks.png. Takes an hour of two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk
from ase.units import GPa

from aluminium_structures import LATTICE_CONSTANT
from maxvolt import Calculator
from maxvolt.properties import Keeping, compute_property
from maxvolt.report.output import save_figure, write_json

__all__ = ["main"]

Document = dict[str, Any]

PLANES = {"001": [0, 0, 1], "110": [1, 1, 0], "111": [1, 1, 1]}
VELOCITIES = [2.0, 3.0, 4.0]
SMALL = {"piston_velocities": VELOCITIES, "length": 500.0, "command": "lmp -sf opt"}
LARGE = {
    "length": 450.0,
    "width": 90.0,
    "piston_velocities": [2.0],
    "timestep": 1.5,
    "equilibration_time": 2.0,
    "command": "mpiexec -n 2 lmp -sf opt",
}
"""More than 200,000 atoms on two ranks."""

CLUSTERS = {
    "length": 150.0,
    "piston_velocities": [1.0],
    "cluster_radii": [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
    "cluster_atoms": 40,
}
"""Slow enough for the potential: below 0.82 of the volume the pressure of Al_mm falls, and what is
trained on it has been shown no more."""

COMPRESSED = (0.9, 0.86, 0.83, 0.8, 0.78, 0.77, 0.76, 0.75, 0.74)
"""Volumes over that of the crystal at which its pressure is told."""
MARSH = (5.35, 1.34)
"""Speed of shocks in aluminium: km/s, and per velocity of the piston (S. P. Marsh, LASL Shock
Hugoniot Data, 1980)."""

COLUMNS = {
    "shock speed": 2,
    "pressure": 2,
    "volume over that before": 4,
    "temperature": 0,
    "shear stress": 2,
    "mass missed by": 2,
    "momentum missed by": 2,
    "energy missed by": 2,
}
"""Of the table, with digits."""

HUGONIOSTAT = """\
units metal
boundary p p p
lattice fcc {a}
region all block 0 8 0 8 0 8
create_box 1 all
create_atoms 1 box
mass 1 26.98153850
pair_style eam/fs
pair_coeff * * {file} Al
timestep 0.001
variable pzz equal pzz
velocity all create 600 1 mom yes rot no dist gaussian
fix bath all nvt temp 300 300 0.1
run 2000
unfix bath
fix bath all nvt temp 300 300 0.1
reset_timestep 0
fix rest all ave/time 10 300 3000 c_thermo_pe c_thermo_temp v_pzz
run 3000
variable e0 equal $(f_rest[1]+1.5*atoms*8.617333262e-5*f_rest[2])
variable p0 equal $(f_rest[3])
variable v0 equal $(vol)
unfix bath
unfix rest
fix shock all nphug temp 300 300 0.1 z {pressure} {pressure} 1.0 drag 1.0
fix_modify shock e0 ${{e0}} v0 ${{v0}} p0 ${{p0}}
run 6000
reset_timestep 0
variable share equal vol/v_v0
fix mean all ave/time 10 800 8000 c_thermo_temp v_share v_pzz file shocked.txt
run 8000
"""


def shocked(work: Path, potential: Path, settings: Mapping[str, Any], **more: Any) -> Document:
    """Compute the property, and keep its segments."""
    keeping = Keeping(work)
    found = compute_property("shock", potential, bulk("Al"), settings, keeping=keeping, **more)
    document = found.to_dict()
    del document["reference_curves"], document["curve_errors"]
    return document


def hugoniostat(potential: Path, pressure: float, a: float) -> Document:
    """Let LAMMPS find the state of a Hugoniot at a pressure along z, GPa."""
    text = HUGONIOSTAT.format(a=a, file=potential, pressure=1e4 * pressure)
    with TemporaryDirectory() as name:
        Path(name, "in.lammps").write_text(text)
        subprocess.run(
            ["lmp", "-in", "in.lammps", "-log", "none"], cwd=name, check=True, capture_output=True
        )
        last = Path(name, "shocked.txt").read_text().splitlines()[-1]
    _, temperature, share, along = (float(word) for word in last.split())
    return {"temperature": temperature, "volume over that before": share, "pressure": along / 1e4}


def compute(potential: Path, trained: Path | None, work: Path, only: str | None) -> Document:
    """Compute the parts that are not there yet; each is written as soon as it is known."""
    wanted: dict[str, Callable[[], Document]] = {
        name: partial(shocked, work, potential, {"plane": plane, **SMALL})
        for name, plane in PLANES.items()
    }
    wanted["large"] = partial(shocked, work, potential, LARGE)
    wanted["hugoniostat"] = partial(hugoniostats, work, potential)
    wanted["compressed"] = partial(compressed, potential)
    if trained is not None:
        reference = Calculator(potential)
        wanted["clusters"] = partial(shocked, work, trained, CLUSTERS, reference=reference)
    found: Document = {}
    for name, computed in wanted.items():
        path = work / f"{name}.json"
        if not path.exists() and only in (None, name):
            write_json(computed(), path)
        if path.exists():
            found[name] = json.loads(path.read_text())
    return found


def hugoniostats(work: Path, potential: Path) -> Document:
    """Let LAMMPS find the states at the pressures of the shocks along [001]."""
    values = json.loads((work / "001.json").read_text())["values"]
    found = {}
    for velocity in VELOCITIES:
        a = (4 * values[f"volume before at {velocity:g} km/s"]["value"]) ** (1 / 3)
        pressure = values[f"pressure at {velocity:g} km/s"]["value"]
        found[f"{velocity:g}"] = hugoniostat(potential, pressure, a)
    return found


def compressed(potential: Path) -> Document:
    """Compute pressures of the crystal at rest, GPa."""
    atoms = bulk("Al", a=LATTICE_CONSTANT)
    atoms.calc = Calculator(potential, threads=1)
    cell = atoms.cell.array.copy()
    found = {}
    for ratio in COMPRESSED:
        atoms.set_cell(cell * ratio ** (1 / 3), scale_atoms=True)
        found[f"{ratio:g}"] = float(-atoms.get_stress()[:3].mean() / GPa)
    return found


def table(found: Document) -> str:
    """Write all shocks in rows."""
    rows = [
        "| shock | atoms | u, km/s | speed, km/s | Marsh | pressure, GPa | V/V0 | T, K | "
        "shear, GPa | mass, % | momentum, % | energy, % |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, part in found.items():
        if name in ("hugoniostat", "compressed"):
            continue
        for velocity in part["settings"]["piston_velocities"]:
            value = {k: part["values"][f"{k} at {velocity:g} km/s"] for k in COLUMNS}
            expected = MARSH[0] + MARSH[1] * velocity
            cells = [name, atoms_of(part), f"{velocity:g}", with_error(value["shock speed"], 2)]
            cells += [f"{expected:.2f}"]
            cells += [with_error(value[k], digits) for k, digits in list(COLUMNS.items())[1:]]
            rows.append("| " + " | ".join(cells) + " |")
    rows += ["", "| u, km/s | V/V0 | Hugoniostat | T, K | Hugoniostat |", "|---|---|---|---|---|"]
    for velocity, state in found.get("hugoniostat", {}).items():
        ours = {
            k: found["001"]["values"][f"{k} at {velocity} km/s"]
            for k in ("volume over that before", "temperature")
        }
        rows.append(
            f"| {velocity} | {with_error(ours['volume over that before'], 4)} | "
            f"{state['volume over that before']:.4f} | {with_error(ours['temperature'], 0)} | "
            f"{state['temperature']:.0f} |"
        )
    pressures = found.get("compressed", {})
    rows += ["", f"| V/V0 | {' | '.join(pressures)} |", "|---" * (1 + len(pressures)) + "|"]
    rows += [f"| pressure at rest, GPa | {' | '.join(f'{p:.1f}' for p in pressures.values())} |"]
    return "\n".join(rows) + "\n"


def with_error(one: Mapping[str, Any], digits: int) -> str:
    """Write a number and its statistical error."""
    error = one["statistical_error"]
    return f"{one['value']:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")


def atoms_of(part: Document) -> str:
    """Read the number of atoms of a slab from the notes."""
    return str(next(note.split()[2] for note in part["notes"] if note.startswith("slab of")))


def picture(found: Document, path: Path) -> None:
    """Draw profiles, shock speeds, and forces in clusters."""
    panels = 3 if "clusters" in found else 2
    figure, axes = plt.subplots(1, panels, figsize=(4 * panels, 3.6), layout="constrained")
    for label, color in (("pressure (GPa)", "C0"), ("temperature (K)", "C3")):
        curve = next(
            one
            for one in found["large"]["curves"]
            if one["y_label"] == label and one["name"].startswith("profile")
        )
        scale = 100.0 if "K" in label else 1.0
        name = label if scale == 1.0 else "temperature (100 K)"
        axes[0].plot(curve["x"], np.array(curve["y"], float) / scale, color, label=name)
    axes[0].set(xlabel="place (Å)", title=f"2 km/s, [001], {atoms_of(found['large'])} atoms")
    for name, part in found.items():
        velocities = part.get("settings", {}).get("piston_velocities", ())
        speeds = [part["values"][f"shock speed at {v:g} km/s"]["value"] for v in velocities]
        axes[1].plot(velocities, speeds, "o", label=name if speeds else None)
    line = np.array([1.8, 4.2])
    axes[1].plot(line, MARSH[0] + MARSH[1] * line, "k--", label="experiment (Marsh)")
    axes[1].set(xlabel="velocity of the piston (km/s)", ylabel="shock speed (km/s)")
    for curve in found["clusters"]["curves"] if panels == 3 else ():
        if curve["x_label"].startswith("radius"):
            axes[2].semilogy(curve["x"], curve["y"], "o-", label=curve["name"].split(" at ")[0])
            axes[2].set(xlabel=curve["x_label"], ylabel=curve["y_label"])
    for one in axes:
        one.legend()
    save_figure(figure, path)


def main(arguments: list[str] | None = None) -> None:
    """Compute what is missing, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--trained", type=Path, help="MTP that was trained on Al_mm.eam.fs")
    parser.add_argument("--work", type=Path, default=Path("shocks_work"))
    parser.add_argument("--output", type=Path, default=Path("shocks_output"))
    parser.add_argument(
        "--only", choices=(*PLANES, "large", "hugoniostat", "compressed", "clusters")
    )
    options = parser.parse_args(arguments)
    for folder in (options.work, options.output):
        folder.mkdir(parents=True, exist_ok=True)
    potential = (options.potentials / "Al_mm.eam.fs").resolve()
    found = compute(potential, options.trained, options.work, options.only)
    write_json(found, options.output / "shocks.json")
    (options.output / "shocks.txt").write_text(text := table(found))
    print(text)
    if "large" in found:
        picture(found, options.output / "shocks.png")


if __name__ == "__main__":
    main()
