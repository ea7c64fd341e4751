"""Properties from dynamics beside LAMMPS and published numbers.

    python benchmarks/dynamic_answers.py POTENTIALS --output docs/properties

POTENTIALS is the folder of potentials of LAMMPS. Simulates for about two hours; with the same
folder --keep the same command goes on after an interruption. Writes dynamic_answers.json, which
keeps what is computed, dynamic_answers.txt, the table, and heating_cooling.png. The columns of
LAMMPS come from benchmarks/dynamic_answers_lammps.py, published numbers from the sources named.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase.build import bulk

import lennard_jones as lj
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.curve_figure import curve_figure
from maxvolt.properties.evaluation import PropertyResult
from maxvolt.report.output import save_figure, write_json

__all__ = ["RUNS", "main"]

AL, CU = "Al_mm.eam.fs", "Cu_mishin1.eam.alloy"
MELT = {"temperature": 1000.0, "phase": "melt", "production_time": 50.0}
HEATED = {"temperature": 300.0, "highest": 1500.0}
OTHER = "NiAlH_jea.eam.alloy"
"""The reference of frames that are heated and cooled: an older potential."""

ARGON = {"phase": "melt", "timestep": 8.0, "equilibration_time": 20.0}
LIQUID = {**ARGON, "temperature": lj.NIST.kelvin, "pressure": lj.NIST.pressure_of_the_cut}
AT_TRIPLE_POINT = {
    **ARGON,
    "temperature": lj.TRIPLE_POINT.kelvin,
    "pressure": lj.TRIPLE_POINT.pressure_of_the_cut,
}
SRSW = "NIST, Standard Reference Simulations: T* = 0.85, ρ* = 0.82, P* = 0.5536, U* = −5.795"
FERRARIO = (
    "T* = 0.722, ρ* = 0.8442, η* = 3.24 ± 0.04: Ferrario et al., Phys. Rev. A 44, 6936 (1991)"
)
THOL = "equation of state, Thol et al., J. Phys. Chem. Ref. Data 45, 023101 (2016), by teqp"
MELT_OF_LAMMPS, SOLID_OF_LAMMPS = "1000 K melt", "300 K solid"
LAMMPS = "LAMMPS, benchmarks/dynamic_answers_lammps.py"
ASSAEL = "experiment, Assael et al., J. Phys. Chem. Ref. Data 35, 285 (2006)"
MISHIN = "Mishin et al., Phys. Rev. B 63, 224106 (2001)"
BAND = "vacancy-migration, by a nudged elastic band"


@dataclass(frozen=True)
class Run:
    """One property of one potential."""

    potential: str
    element: str
    name: str
    settings: dict[str, Any]

    @property
    def key(self) -> str:
        """Name of the result."""
        at = f"{self.settings['temperature']:g} K {self.settings.get('phase', 'solid')}"
        return f"{self.potential} {at} {self.name}"


RUNS = (
    Run(AL, "Al", "structure", MELT),
    Run(AL, "Al", "self-diffusion", MELT),
    Run(AL, "Al", "viscosity", MELT),
    Run(AL, "Al", "density", MELT),
    Run(AL, "Al", "density", {"temperature": 300.0, "production_time": 20.0}),
    Run(AL, "Al", "vacancy-diffusion", {"temperature": 900.0, "size": 12.0}),
    Run(AL, "Al", "vacancy-migration", {"temperature": 900.0, "size": 12.0}),
    Run(CU, "Cu", "vacancy-diffusion", {"temperature": 1200.0, "size": 12.0}),
    Run(lj.FILE, "Ar", "density", {**LIQUID, "production_time": 240.0}),
    Run(lj.FILE, "Ar", "viscosity", {**AT_TRIPLE_POINT, "production_time": 200.0}),
    Run(AL, "Al", "heating-cooling", HEATED),
)
"""The temperature is left out where a property has none."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    key: str
    value: str
    theirs: float | str
    source: str


def rows(known: dict[str, Any], lammps: dict[str, Any]) -> list[Row]:
    """All lines."""
    melt, solid = f"{AL} {MELT_OF_LAMMPS}", f"{AL} {SOLID_OF_LAMMPS}"
    of_melt, of_solid = lammps[MELT_OF_LAMMPS], lammps[SOLID_OF_LAMMPS]

    def told(pair: list[float]) -> str:
        return f"{pair[0]:.5g} ± {pair[1]:.2g}"

    cold, copper = f"{AL} 900 K solid", f"{CU} 1200 K solid"
    band = known[f"{cold} vacancy-migration"]["values"]["vacancy migration"]["value"]
    in_cell = "self-diffusion, in this cell"
    liquid = f"{lj.FILE} {lj.NIST.kelvin:g} K melt density"
    triple = f"{lj.FILE} {lj.TRIPLE_POINT.kelvin:g} K melt viscosity"
    flows = lj.TRIPLE_POINT.viscosity
    eta = [flows(each) for each in lj.TRIPLE_POINT_VISCOSITY]
    return [
        Row(liquid, "volume", lj.NIST.volume, SRSW),
        Row(liquid, "energy", lj.NIST.energy_of_the_cut(lj.NIST_ENERGY), SRSW),
        Row(triple, "volume", lj.TRIPLE_POINT.volume, THOL),
        Row(triple, "viscosity", told(eta), FERRARIO),
        Row(f"{solid} density", "volume", told(of_solid["volume (A^3/atom)"]), LAMMPS),
        Row(f"{melt} density", "volume", told(of_melt["volume (A^3/atom)"]), LAMMPS),
        Row(f"{melt} density", "density", 2.3565, ASSAEL),
        Row(
            f"{melt} structure",
            "first peak of g(r)",
            told(of_melt["first peak of g(r) (A)"]),
            LAMMPS,
        ),
        Row(
            f"{melt} structure",
            "height of the first peak of g(r)",
            told(of_melt["height of the first peak of g(r)"]),
            LAMMPS,
        ),
        Row(
            f"{melt} self-diffusion",
            in_cell,
            told(of_melt["self-diffusion, in this cell (1e-9 m^2/s)"]),
            LAMMPS,
        ),
        Row(f"{melt} viscosity", "viscosity", told(of_melt["viscosity (mPa s)"]), LAMMPS),
        Row(f"{melt} viscosity", "viscosity", 1.178, ASSAEL),
        Row(f"{cold} vacancy-diffusion", "vacancy migration", f"{band:.4f}", BAND),
        Row(f"{copper} vacancy-diffusion", "vacancy migration", 0.689, MISHIN),
        Row(f"{copper} vacancy-diffusion", "vacancy formation", 1.27, MISHIN),
    ]


def table(known: dict[str, Any], lammps: dict[str, Any]) -> str:
    """Rows as Markdown."""
    lines = ["| simulation | number | ours | theirs | source |", "|---|---|---|---|---|"]
    for row in rows(known, lammps):
        found = known[row.key]["values"][row.value]
        error = found["statistical_error"]
        ours = f"{found['value']:.5g}" + ("" if error is None else f" ± {error:.2g}")
        number = f"{row.value} ({found['unit']})" if found["unit"] else row.value
        theirs = row.theirs if isinstance(row.theirs, str) else f"{row.theirs:.5g}"
        lines.append(f"| {row.key} | {number} | {ours} | {theirs} | {row.source} |")
    return "\n".join(lines) + "\n"


def draw(found: PropertyResult, folder: Path) -> None:
    """Draw phases, volume and errors of frames while aluminium is heated and cooled."""
    shown = ("share of a phase", "volume (Å³/atom)", "force error (meV/Å)")
    chosen = [one for one in found.curves if one.y_label in shown]
    figure = curve_figure({"": chosen}, title="Al_mm.eam.fs")
    save_figure(figure, folder / "heating_cooling.png", dpi=80)


def main() -> None:
    """Compute what is missing, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--keep", type=Path, default=Path("dynamic_answers_kept"))
    options = parser.parse_args()
    kept = options.output / "dynamic_answers.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    argon = lj.write_table(options.keep)
    for one in RUNS:
        if one.key not in known:
            settings = dict(one.settings)
            if one.name == "vacancy-migration":
                del settings["temperature"]
            heats = one.name == "heating-cooling"
            found = compute_property(
                one.name,
                argon if one.potential == lj.FILE else options.potentials / one.potential,
                bulk(one.element),
                settings,
                reference=options.potentials / OTHER if heats else None,
                keeping=Keeping(options.keep),
            )
            if heats:
                draw(found, options.output)
            parts = ("values", "settings", "notes", "warnings")
            known[one.key] = {part: found.to_dict()[part] for part in parts}
            write_json(known, kept)
            print(one.key, flush=True)
    lammps = json.loads((options.output / "dynamic_answers_lammps.json").read_text())
    text = table(known, lammps)
    (options.output / "dynamic_answers.txt").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
