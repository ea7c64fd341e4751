"""The coexistence curve of the two-dimensional lattice gas beside the exact one.

    python benchmarks/lattice_gas.py --output docs/lattice

The phase diagram of the Ising model as an alloy: both phases are followed, their grand potentials
integrated. Exact are the concentrations (C. N. Yang, Phys. Rev. 85, 808 (1952)), the difference of
chemical potentials, zero, and the critical temperature. Writes lattice_gas.json and
lattice_gas.png. Takes half a minute of one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import kB
from matplotlib.figure import Figure

from ising_model import ising_model
from maxvolt.properties.lattice.phases import (
    PhaseDiagramSettings,
    consolute_temperature,
    phase_diagram,
)
from maxvolt.report.output import save_figure, write_json

__all__ = ["main"]

CRITICAL = 2.0 / np.log(1.0 + np.sqrt(2.0))
TEMPERATURES = (1.6, 1.8, 2.0, 2.1, 2.2, 2.6)
EXPONENT = 1 / 8


def exact(temperature: float) -> float:
    """Concentration of the dilute phase."""
    return float(0.5 * (1.0 - max(0.0, 1.0 - np.sinh(2.0 / temperature) ** -4) ** 0.125))


def extrapolated(rows: list[dict[str, Any]], key: str) -> tuple[float, float]:
    """Temperature at which the width of the region vanishes, and its error, J/k_B."""
    return consolute_temperature(
        [row["temperature (J/k_B)"] for row in rows],
        [row[key][1] - row[key][0] for row in rows],
        [float(np.hypot(*row["errors"])) for row in rows],
        EXPONENT,
    )


def main(arguments: list[str] | None = None) -> None:
    """Follow, compare, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("lattice_output"))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    settings = PhaseDiagramSettings(
        tuple(one / kB for one in TEMPERATURES), (48, 48, 1), points=20, lines=4,
        equilibration=80, production=320, runs=2,
    )  # fmt: skip
    diagram = phase_diagram(ising_model(2), [], settings)
    rows: list[dict[str, Any]] = []
    for one in diagram.equilibria:
        temperature = kB * one.temperature
        for region in one.coexistences:
            rows.append(
                {
                    "temperature (J/k_B)": temperature,
                    "concentrations": list(region.concentrations), "errors": list(region.errors),
                    "exact": [exact(temperature), 1 - exact(temperature)],
                    "difference of chemical potentials (J)": region.difference,
                    "its error (J)": region.difference_error,
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    kelvin, error = extrapolated(rows[-3:], "concentrations")
    single = [kB * one.temperature for one in diagram.equilibria if not one.coexistences]
    document = {
        "regions": rows, "consolute temperature (J/k_B)": kelvin, "its error (J/k_B)": error,
        "the same of exact widths (J/k_B)": extrapolated(rows[-3:], "exact")[0],
        "exact critical temperature (J/k_B)": CRITICAL, "one phase at (J/k_B)": single,
    }  # fmt: skip
    write_json(document, options.output / "lattice_gas.json")
    figure = Figure(figsize=(5.0, 3.6), layout="constrained")
    axes = figure.subplots()
    grid = np.linspace(1.5, CRITICAL, 400)
    for side, label in ((0, "exact"), (1, None)):
        share = np.array([exact(one) for one in grid])
        axes.plot(share if side == 0 else 1 - share, grid, color="0.5", label=label)
        axes.errorbar(
            [row["concentrations"][side] for row in rows],
            [row["temperature (J/k_B)"] for row in rows],
            xerr=[row["errors"][side] for row in rows], fmt="C0.",
            label="followed" if side == 0 else None,
        )  # fmt: skip
    axes.set(xlabel="concentration", ylabel="temperature (J/k_B)")
    axes.legend(fontsize="small")
    save_figure(figure, options.output / "lattice_gas.png")


if __name__ == "__main__":
    main()
