"""Order beside a solution: two alloys whose transitions of first order are known.

    python benchmarks/lattice_ordering.py --output docs/lattice

On the square lattice neighbours prefer to differ, sites across a square to be equal: a checkerboard
and a solution coexist. Exact are concentrations and difference of chemical potentials, by transfer
matrices of strips. On the face-centred lattice neighbours prefer to differ (copper and gold, or the
Ising antiferromagnet): with equal numbers L1_0 gives way to disorder at 1.735 J/k_B; R. Stuebel and
W. Janke, Phys. Rev. B 98, 174434 (2018). Writes ordering.json and ordering.png. Takes three minutes
of one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from ase.units import kB
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ising_model import pairs_of_spins, square_or_cube
from maxvolt.potentials.lattice import Supercell
from maxvolt.properties.lattice.phases import PhaseDiagramSettings, ground_states, phase_diagram
from maxvolt.properties.lattice.phases.branches import Branch, Branches, Place, Sweeps
from maxvolt.properties.lattice.phases.sheets import averaged
from maxvolt.report.output import save_figure, write_json
from transfer_matrix import exact_coexistence

__all__ = ["CHECKERBOARD", "COUPLINGS", "main"]

CHECKERBOARD = (Supercell.of([[1, 1, 0], [1, -1, 0], [0, 0, 1]]), np.array([0, 1]))
COUPLINGS = (1.0, -1.0)
"""J of neighbours, and of sites across a square."""

TEMPERATURES = (1.3, 1.5, 1.7, 1.9, 2.1)
WIDTHS = (10, 8)
"""Of the strip; the difference says how far the wider one is from the plane."""

CUBE = Sweeps((16, 16, 16), 200, 800, seed=1)
CUBE_TEMPERATURES = (1.66, 1.68, 1.70, 1.72, 1.74, 1.76, 1.78, 1.80)
CUBE_RUNS = 4
KNOWN = 1.735


def regions() -> list[dict[str, Any]]:
    """Two-phase regions of checkerboard and solution, and exact ones."""
    settings = PhaseDiagramSettings(
        tuple(one / kB for one in TEMPERATURES), (48, 48, 1), points=20, lines=5,
        equilibration=80, production=320, runs=2,
    )  # fmt: skip
    potential = pairs_of_spins(square_or_cube(2), COUPLINGS)
    diagram = phase_diagram(potential, [CHECKERBOARD], settings)
    rows = []
    for one in diagram.equilibria:
        temperature = kB * one.temperature
        exact, narrower = (exact_coexistence(temperature, COUPLINGS, width) for width in WIDTHS)
        for two in one.coexistences:
            right = bool(two.difference > 0)  # the same with species exchanged
            shares = [1 - share for share in two.concentrations[::-1]] if right else (
                two.concentrations
            )  # fmt: skip
            rows.append(
                {
                    "temperature (J/k_B)": temperature,
                    "phases": [diagram.name(two.left), diagram.name(two.right)],
                    "solution": shares[0], "its error": two.errors[-1 if right else 0],
                    "checkerboard": shares[1], "error of that": two.errors[0 if right else -1],
                    "difference of chemical potentials (J)": -abs(two.difference),
                    "its error (J)": two.difference_error,
                    "exact": [exact.solution, exact.ordered, exact.difference],
                    "exact for a narrower strip":
                        [narrower.solution, narrower.ordered, narrower.difference],
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def order_and_disorder() -> dict[str, Any]:
    """Grand potentials of L1_0, heated, and of disorder, cooled, with equal numbers of both."""
    potential = pairs_of_spins(bulk("Cu", "fcc", a=3.8), (1.0,), ("Au", "Cu"))
    cell = Supercell.of([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    heights = np.rint(2 * cell.offsets() @ potential.parent.cell[:, 2] / 3.8).astype(np.int64)
    states = ground_states(potential, [(cell, heights % 2)])
    branches = Branches(potential, states, CUBE, None)
    kelvin = tuple(one / kB for one in CUBE_TEMPERATURES)
    found = [
        (
            branches.places(Branch(1, "heating", 0.0, kelvin, run)),
            branches.places(Branch(0, "cooling", 0.0, kelvin[::-1], run)),
        )
        for run in range(CUBE_RUNS)
    ]
    shared = [
        temperature
        for temperature in kelvin
        if all(_at(path, temperature) is not None for both in found for path in both)
    ]  # elsewhere one of both has gone over into the other
    excess, noise = np.array(
        [[_excess(*both, temperature) for temperature in shared] for both in found]
    ).transpose(2, 0, 1)
    slopes, levels = np.polynomial.polynomial.polyfit(kB * np.array(shared), excess.T, 1)[::-1]
    # Of one path all places have nearly the same error: that of its integral so far.
    transition, error = averaged(-levels / slopes, noise.mean(axis=1) / slopes)
    rows = []
    for temperature, values, errors in zip(shared, excess.T, noise.T, strict=True):
        mean, mean_error = averaged(values, errors)
        rows.append(
            {
                "temperature (J/k_B)": kB * temperature,
                "L1_0 less disorder (J per site)": mean, "its error": mean_error,
            }
        )  # fmt: skip
    return {
        "grand potentials": rows,
        "transition (J/k_B)": transition,
        "its error (J/k_B)": error,
        "latent heat (J per site)": float(slopes.mean()) * transition,
        "known transition (J/k_B)": KNOWN,
        "sites": int(np.prod(CUBE.repeats)),
    }


def _at(path: list[Place], kelvin: float) -> Place | None:
    return next((one for one in path if abs(one.temperature - kelvin) < 1e-6), None)


def _excess(order: list[Place], other: list[Place], kelvin: float) -> tuple[float, float]:
    one, two = _at(order, kelvin), _at(other, kelvin)
    assert one is not None
    assert two is not None
    return one.potential - two.potential, float(np.hypot(one.error, two.error))


def draw(rows: list[dict[str, Any]], cube: dict[str, Any]) -> Figure:
    """Regions beside exact ones, and grand potentials that cross."""
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_regions(left, rows)
    temperatures, values, errors = np.array(
        [list(row.values()) for row in cube["grand potentials"]]
    ).T
    right.errorbar(temperatures, values, errors, fmt="C0.")
    right.axhline(0.0, color="0.6", linewidth=0.8)
    right.axvline(KNOWN, color="0.5", linestyle="--", label="known transition")
    right.set(
        xlabel="temperature (J/k_B)", ylabel="grand potential, L1$_0$ less disorder (J per site)"
    )
    right.legend(fontsize="small")
    return figure


def _draw_regions(axes: Axes, rows: list[dict[str, Any]]) -> None:
    grid = np.linspace(1.2, 2.2, 21)
    exact = [exact_coexistence(one, COUPLINGS, WIDTHS[0]) for one in grid.tolist()]
    curves: tuple[tuple[str, NDArray[np.float64]], ...] = (
        ("solution", np.array([one.solution for one in exact])),
        ("checkerboard", np.array([one.ordered for one in exact])),
    )
    for color, (name, curve) in zip(("C0", "C3"), curves, strict=True):
        axes.plot(curve, grid, color="0.5", label="exact" if name == "solution" else None)
        axes.errorbar(
            [row[name] for row in rows], [row["temperature (J/k_B)"] for row in rows],
            xerr=[row["its error" if name == "solution" else "error of that"] for row in rows],
            fmt=".", color=color, label=name,
        )  # fmt: skip
    axes.set(xlabel="share of the rarer species", ylabel="temperature (J/k_B)")
    axes.legend(fontsize="small")


def main(arguments: list[str] | None = None) -> None:
    """Follow, compare, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("lattice_output"))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    rows, cube = regions(), order_and_disorder()
    document = {"checkerboard and solution": rows, "L1_0 and disorder": cube}
    write_json(document, options.output / "ordering.json")
    save_figure(draw(rows, cube), options.output / "ordering.png")


if __name__ == "__main__":
    main()
