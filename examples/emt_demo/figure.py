"""The picture of the demo: parity of energies and forces, and energy-volume curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maxvolt import MTP, Dataset
from maxvolt.properties import EquationOfState


def save_figure(
    path: Path, potential: MTP, test: Dataset, curves: dict[str, EquationOfState]
) -> None:
    """Draw the three panels and write them to `path`.

    Parameters
    ----------
    path
        File to write.
    potential
        Trained potential.
    test
        Labelled structures.
    curves
        Energy-volume curves by name; the last one is the reference.
    """
    predictions = potential.evaluate_dataset(test)
    figure = Figure(figsize=(12, 3.9), dpi=120, layout="constrained")
    energies, forces, volumes = figure.subplots(1, 3)
    draw_parity(
        energies,
        test.energies / test.counts,
        predictions.energies / test.counts,
        "energy (eV/atom)",
        "meV/atom",
    )
    draw_parity(forces, test.forces.ravel(), predictions.forces.ravel(), "force (eV/Å)", "meV/Å")
    draw_curves(volumes, curves)
    figure.savefig(path)


def draw_parity(
    axes: Axes, reference: np.ndarray, predicted: np.ndarray, quantity: str, unit: str
) -> None:
    """Draw predicted against reference values, with their root mean square difference."""
    rmse = 1000 * np.sqrt(np.mean((predicted - reference) ** 2))
    ends = [reference.min(), reference.max()]
    axes.plot(ends, ends, color="0.7", linewidth=1, zorder=0)
    axes.scatter(reference, predicted, s=8, alpha=0.6, linewidths=0)
    axes.set_xlabel(f"EMT {quantity}")
    axes.set_ylabel(f"maxvolt {quantity}")
    axes.set_title(f"test set: RMSE {rmse:.2g} {unit}", fontsize=10)


def draw_curves(axes: Axes, curves: dict[str, EquationOfState]) -> None:
    """Draw energy-volume curves; the reference as a line, the potential as points."""
    (name, predicted), (reference_name, reference) = curves.items()
    fine = np.linspace(reference.volumes[0], reference.volumes[-1], 200)
    axes.plot(fine, 1000 * reference.energy_at(fine), color="0.4", label=reference_name)
    axes.plot(predicted.volumes, 1000 * predicted.energies, "o", markersize=4, label=name)
    axes.set_xlabel("volume (Å$^3$/atom)")
    axes.set_ylabel("energy (meV/atom)")
    moduli = f"{predicted.bulk_modulus:.0f} and {reference.bulk_modulus:.0f} GPa"
    axes.set_title(f"Cu$_3$Au: bulk modulus {moduli}", fontsize=10)
    axes.legend()
