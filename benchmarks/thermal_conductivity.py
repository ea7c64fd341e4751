"""Thermal conductivities by both routes: argon beside a published number, silicon.

    python benchmarks/thermal_conductivity.py --output docs/properties       # an hour of a core
    python benchmarks/thermal_conductivity.py --output docs/properties --only argon

Argon is that of the manual of LAMMPS (compute heat/flux): Lennard-Jones, 256 atoms at 70 K. Silicon
is a potential of level 16 that is trained on the data of Zuo et al., as mlearn_cards.py does.
Potential, segments and finished parts lie in --work, so that the command goes on where it was
stopped. Writes conductivity.json, conductivity.txt and conductivity.png. Needs LAMMPS with the
plugin, phono3py and, for silicon, the reference data (--shared).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.lj import LennardJones

from grades_report import shared_folder
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.conductivity.boltzmann_conductivity import (
    BoltzmannSettings,
    boltzmann_conductivity,
)
from maxvolt.properties.conductivity.green_kubo_conductivity import (
    GreenKuboSettings,
    green_kubo_conductivity,
)
from maxvolt.properties.findings import Findings
from maxvolt.properties.melting import Interaction
from maxvolt.report.output import write_json
from mlearn_cards import ELEMENTS, trained

__all__ = ["main"]

Document = dict[str, Any]

EPSILON = 0.2381 * units.kcal / units.mol
SIGMA, ARGON_A, ARGON_T = 3.405, 5.376, 70.0
"""Of the manual of LAMMPS; it finds about 0.29 W/m/K."""

HOT = 1000.0
MESH = 11
PUBLISHED = {
    "argon": ("LAMMPS manual, compute heat/flux, Green-Kubo", 0.29),
    "silicon": ("experiment at 300 K", 148.0),
}


def argon_green_kubo(work: Path) -> Document:
    """Simulate the argon of the manual of LAMMPS."""
    style = Interaction.of_pair_style("lj/cut 13.0", [f"1 1 {EPSILON:.12g} {SIGMA}"])
    settings = GreenKuboSettings(
        temperature=ARGON_T,
        volume=ARGON_A**3 / 4,
        timestep=4.0,
        equilibration_time=20.0,
        production_time=400.0,
        segment_time=50.0,
        runs=3,
    )
    calculator = LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=13.0)
    keeping = Keeping(work / "argon")
    atoms = bulk("Ar", cubic=True, a=5.3)
    found = green_kubo_conductivity(calculator, atoms, settings, keeping=keeping, interaction=style)
    return _document(found)


def argon_boltzmann(work: Path) -> Document:
    """Solve the Boltzmann equation of the same argon; the potential ends between two shells."""
    settings = BoltzmannSettings(temperature=ARGON_T, volume=ARGON_A**3 / 4, size=15.0, mesh=11)
    calculator = LennardJones(sigma=SIGMA, epsilon=EPSILON, rc=8.0)
    return _document(boltzmann_conductivity(calculator, bulk("Ar", a=5.3), settings))


def silicon_green_kubo(work: Path) -> Document:
    """Simulate silicon at 300 K."""
    return _simulated_silicon(work, 300.0)


def silicon_hot_green_kubo(work: Path) -> Document:
    """Simulate silicon at 1000 K."""
    return _simulated_silicon(work, HOT)


def silicon_boltzmann(work: Path) -> Document:
    """Solve the Boltzmann equation of silicon at rest, at 300 K."""
    return _property("conductivity-boltzmann", work, {"mesh": MESH})


def silicon_hot_boltzmann(work: Path) -> Document:
    """Solve the Boltzmann equation of silicon at the volume of the simulation at 1000 K."""
    volume = json.loads((work / "silicon_hot_green_kubo.json").read_text())["values"]["volume"]
    settings = {"temperature": HOT, "volume": round(volume["value"], 4), "mesh": MESH}
    return _property("conductivity-boltzmann", work, settings)


def silicon_linearized(work: Path) -> Document:
    """Solve the whole linearized equation at 300 K, with isotopes."""
    settings = {"isotopes": True, "solution": "linearized", "mesh": MESH}
    return _property("conductivity-boltzmann", work, settings)


PARTS: dict[str, Callable[[Path], Document]] = {
    "argon_green_kubo": argon_green_kubo,
    "argon_boltzmann": argon_boltzmann,
    "silicon_hot_green_kubo": silicon_hot_green_kubo,
    "silicon_boltzmann": silicon_boltzmann,
    "silicon_hot_boltzmann": silicon_hot_boltzmann,
    "silicon_linearized": silicon_linearized,
    "silicon_green_kubo": silicon_green_kubo,
}


def _simulated_silicon(work: Path, temperature: float) -> Document:
    settings = {"temperature": temperature, "atoms": 216, "runs": 3, "production_time": 300.0}
    return _property("conductivity-green-kubo", work, settings)


def _property(name: str, work: Path, settings: dict[str, Any]) -> Document:
    file = work / "Si.almtp"
    found = compute_property(
        name, str(file), bulk("Si", cubic=True), settings, query=str(file),
        keeping=Keeping(work / "silicon"),
    )  # fmt: skip
    return found.to_dict()


def _document(found: Findings) -> Document:
    """As `PropertyResult.to_dict` has it."""
    return {
        "title": found.title,
        "values": {
            name: {"value": one.value, "unit": one.unit, "statistical_error": one.statistical_error}
            for name, one in found.quantities.items()
        },
        "curves": [one.to_dict() for one in found.curves],
        "warnings": list(found.warnings),
        "notes": list(found.notes),
    }


def table(parts: dict[str, Document]) -> str:
    """Conductivities side by side, with what is known."""
    lines = ["| crystal | route | W/m/K |", "|---|---|---|"]
    rows = (
        ("argon, 70 K", "Green-Kubo, LAMMPS", "argon_green_kubo", ""),
        ("argon, 70 K", "Boltzmann, classical atoms", "argon_boltzmann", ", classical"),
        ("silicon, 300 K", "Green-Kubo, LAMMPS", "silicon_green_kubo", ""),
        ("silicon, 300 K", "Boltzmann, classical atoms", "silicon_boltzmann", ", classical"),
        ("silicon, 300 K", "Boltzmann", "silicon_boltzmann", ""),
        ("silicon, 300 K", "Boltzmann, linearized, isotopes", "silicon_linearized", ""),
        ("silicon, 1000 K", "Green-Kubo, LAMMPS", "silicon_hot_green_kubo", ""),
        ("silicon, 1000 K", "Boltzmann, classical atoms", "silicon_hot_boltzmann", ", classical"),
    )
    for crystal, route, part, kind in rows:
        if part in parts:
            values = parts[part]["values"]
            lines.append(f"| {crystal} | {route} | {_cell(values, kind)} |")
    for crystal, (source, number) in PUBLISHED.items():
        lines.append(f"| {crystal} | {source} | {number:g} |")
    return "\n".join(lines)


def _cell(values: dict[str, Any], kind: str) -> str:
    one = values[f"thermal conductivity{kind}"]
    error = one.get("statistical_error")
    if error is None:
        change = values["change from the mesh before"]["value"]
        return f"{one['value']:.3g} (mesh: {change:.2g} %)"
    return f"{one['value']:.3g} ± {error:.2g}"


def figure(parts: dict[str, Document], path: Path) -> None:
    """Draw the running integrals beside the Boltzmann equation."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(12, 3.6), layout="constrained")
    pairs = (
        ("argon, 70 K", "argon_green_kubo", "argon_boltzmann"),
        ("silicon, 300 K", "silicon_green_kubo", "silicon_boltzmann"),
        ("silicon, 1000 K", "silicon_hot_green_kubo", "silicon_hot_boltzmann"),
    )
    axes = drawn.subplots(1, len(pairs))
    for axis, (title, simulated, solved) in zip(axes, pairs, strict=True):
        axis.set(title=title, xlabel="time (ps)", ylabel="conductivity (W/m/K)")
        if simulated in parts:
            curves = {one["name"]: one for one in parts[simulated]["curves"]}
            middle, high, low = (
                curves[f"conductivity{end}"] for end in ("", " + error", " - error")
            )
            axis.fill_between(middle["x"], low["y"], high["y"], alpha=0.25, lw=0)
            axis.plot(middle["x"], middle["y"], label="Green-Kubo, integral up to a time")
            cutoff = parts[simulated]["values"]["cutoff time"]["value"]
            axis.axvline(cutoff, ls=":", color="0.4", label="cutoff")
        if solved in parts:
            value = parts[solved]["values"]["thermal conductivity, classical"]["value"]
            axis.axhline(value, ls="--", color="C3", label="Boltzmann, classical atoms")
        axis.set_ylim(0, 1.25 * axis.get_ylim()[1])
        if axis.has_data():
            axis.legend(fontsize=8)
    drawn.savefig(path, dpi=110)


def main() -> None:
    """Compute what is missing; write numbers, table and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/conductivity"))
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--only", nargs="+", help="parts, or beginnings of their names")
    options = parser.parse_args()
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    chosen = [name for name in PARTS if _is_chosen(name, options.only)]
    if any(name.startswith("silicon") for name in chosen):
        silicon = next(one for one in ELEMENTS if one.symbol == "Si")
        trained(silicon, shared_folder(options.shared), work)
    for name in chosen:
        path = work / f"{name}.json"
        if not path.exists():
            write_json(PARTS[name](work), path)
            print(name, "done", flush=True)
    paths = {name: work / f"{name}.json" for name in PARTS}
    parts = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    kept = {name: _thinned(one) for name, one in parts.items()}
    write_json(kept, options.output / "conductivity.json")
    (options.output / "conductivity.txt").write_text(table(parts) + "\n")
    figure(parts, options.output / "conductivity.png")


def _is_chosen(name: str, only: list[str] | None) -> bool:
    return only is None or any(name.startswith(one) for one in only)


def _thinned(part: Document) -> Document:
    """Without most points of curves, so that the file stays small."""
    curves = []
    for one in part["curves"]:
        kept = np.unique(np.linspace(0, len(one["x"]) - 1, 100).astype(int))
        x, y = ([float(f"{one[axis][k]:.5g}") for k in kept] for axis in ("x", "y"))
        curves.append({**one, "x": x, "y": y})
    return {**part, "curves": curves}


if __name__ == "__main__":
    main()
