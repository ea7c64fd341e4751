"""Draw the times of pair styles inside LAMMPS.

python benchmarks/lammps_figure.py docs/benchmarks/lammps/results.json docs/images/lammps_speed.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from performance.results import read_document

_TIME = "pair time per atom and step"


def main() -> None:
    """Read the results, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    document = read_document(options.results)
    times: dict[str, float] = {}
    for measurement in document.sections["lammps"].findings.measurements:
        program = str(measurement.case.get("program", ""))
        if measurement.quantity != _TIME or program in ("kernel", "maxvolt, two ranks"):
            continue
        level = measurement.case.get("level")
        name = program if level is None else f"maxvolt, level {level}"
        times[name] = measurement.value
    _draw(dict(sorted(times.items(), key=lambda item: item[1])), options.output)


def _draw(times: dict[str, float], path: Path) -> None:
    figure = Figure(figsize=(7.0, 0.36 * len(times) + 0.9), layout="constrained")
    axes = figure.subplots()
    colours = ["#2a6f97" if name.startswith("maxvolt") else "#b0b7bd" for name in times]
    bars = axes.barh(list(times), list(times.values()), color=colours)
    axes.bar_label(bars, [f" {time:.3g}" for time in times.values()])
    axes.set_xscale("log")
    axes.set_xlim(0.2, 2.5 * max(times.values()))
    axes.invert_yaxis()
    axes.set_xlabel("microseconds per atom and step, one core, molybdenum (bcc)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
