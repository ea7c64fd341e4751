"""Parity plots: predicted against reference energies, forces and stresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.error_statistics import ErrorStatistics, GroupErrors
from maxvolt.fitting.prediction_errors import Comparison
from maxvolt.report.output import save_figure
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["parity_figure", "save_parity_plot"]


@dataclass(frozen=True, slots=True)
class _Points:
    """Reference and prediction of one quantity, and which structure each belongs to."""

    reference: NDArray[np.float64]
    predicted: NDArray[np.float64]
    structure: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    unit: str
    points: Callable[[Comparison], _Points]
    statistics: Callable[[GroupErrors], ErrorStatistics]
    error_unit: str
    error_factor: float


def _energies(comparison: Comparison) -> _Points:
    data = comparison.dataset
    used = np.flatnonzero(data.has_energy)
    counts = data.counts[used]
    return _Points(data.energies[used] / counts, comparison.energies[used] / counts, used)


def _forces(comparison: Comparison) -> _Points:
    data = comparison.dataset
    owner = data.structure_of_atom
    used = np.flatnonzero(data.has_forces[owner])
    return _Points(
        data.forces[used].ravel(), comparison.forces[used].ravel(), np.repeat(owner[used], 3)
    )


def _stresses(comparison: Comparison) -> _Points:
    data = comparison.dataset
    used = np.flatnonzero(data.has_stress & np.isfinite(comparison.stresses).all(axis=1))
    return _Points(
        GPA_PER_EV_A3 * data.stresses[used].ravel(),
        GPA_PER_EV_A3 * comparison.stresses[used].ravel(),
        np.repeat(used, 6),
    )


_PANELS = (
    _Panel("energy", "eV/atom", _energies, lambda e: e.energy_per_atom, "meV/atom", 1000.0),
    _Panel("force component", "eV/Å", _forces, lambda e: e.force_components, "meV/Å", 1000.0),
    _Panel("stress component", "GPa", _stresses, lambda e: e.stress_components, "GPa", 1.0),
)


def parity_figure(comparisons: Comparison | Mapping[str, Comparison]) -> Figure:
    """Draw predicted against reference values, one panel a quantity that has labels.

    Parameters
    ----------
    comparisons
        One comparison, coloured by group; or several by name of the dataset, coloured by dataset.
    """
    from matplotlib.figure import Figure

    by_name = {"": comparisons} if isinstance(comparisons, Comparison) else dict(comparisons)
    panels = [
        panel for panel in _PANELS if any(len(panel.points(c).reference) for c in by_name.values())
    ]
    # Room for one line of title a dataset and for the legend, so that the panels stay square.
    height = 3.9 + 0.2 * len(by_name) + 0.3
    figure = Figure(figsize=(4.2 * max(len(panels), 1), height), layout="constrained")
    for position, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), position + 1)
        _draw(axes, panel, by_name)
    if panels and len(figure.axes[0].collections) > 1:
        figure.legend(
            *figure.axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=6,
            markerscale=4,
        )
    return figure


def save_parity_plot(comparisons: Comparison | Mapping[str, Comparison], path: str | Path) -> None:
    """Draw `parity_figure` and write it in the format that the name's ending says."""
    save_figure(parity_figure(comparisons), path)


def _draw(axes: Axes, panel: _Panel, comparisons: Mapping[str, Comparison]) -> None:
    lines = []
    for name, comparison in comparisons.items():
        points = panel.points(comparison)
        statistics = panel.statistics(comparison.errors().total)
        lines.append(f"{name} RMSE {panel.error_factor * statistics.rmse:.3g} {panel.error_unit}")
        for label, chosen in _colours(name, comparison, points, by_group=len(comparisons) == 1):
            # Rasterised: a vector file with 100,000 points opens slowly.
            axes.scatter(
                points.reference[chosen],
                points.predicted[chosen],
                s=4,
                alpha=0.6,
                linewidths=0,
                label=label,
                rasterized=True,
            )
    low, high = _range([panel.points(comparison) for comparison in comparisons.values()])
    axes.plot([low, high], [low, high], color="0.5", linewidth=0.8, zorder=0)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.locator_params(nbins=5)
    axes.set_title("\n".join(line.strip() for line in lines), fontsize="medium")
    axes.set_xlabel(f"reference {panel.title} ({panel.unit})")
    axes.set_ylabel(f"predicted {panel.title} ({panel.unit})")


def _range(points: list[_Points]) -> tuple[float, float]:
    """Limits that hold every reference and prediction, with a margin."""
    values = np.concatenate([array for one in points for array in (one.reference, one.predicted)])
    low, high = float(values.min()), float(values.max())
    margin = 0.03 * (high - low) or 1.0
    return low - margin, high + margin


def _colours(
    name: str, comparison: Comparison, points: _Points, *, by_group: bool
) -> list[tuple[str, NDArray[np.bool_]]]:
    if not by_group:
        return [(name, np.ones(len(points.reference), dtype=bool))]
    groups = np.array(comparison.dataset.groups, dtype=object)[points.structure]
    return [
        (group or "(none)", np.asarray(groups == group))
        for group in dict.fromkeys(comparison.dataset.groups)
    ]
