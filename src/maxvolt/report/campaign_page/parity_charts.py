"""Predicted against reference energies and forces of the campaign's structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maxvolt.report.campaign_page.data import CampaignData, Parity
from maxvolt.report.campaign_page.drawing import (
    COLOURS,
    MARKERS,
    MUTED,
    Chart,
    new_axes_with_residuals,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["parity_charts"]

_NEW = "new, before training"
_HEIGHT = 4.9  # the upper panel nearly square, with room for residuals and legend


def parity_charts(data: CampaignData) -> list[Chart]:
    """Draw parity plots of energies and of force components."""
    energies = [(parity, parity.energies) for parity in data.parities]
    forces = [(parity, parity.forces) for parity in data.parities]
    charts = [
        _chart(energies, "energy", "eV/atom", "meV/atom"),
        _chart(forces, "force component", "eV/Å", "meV/Å"),
    ]
    return [chart for chart in charts if chart is not None]


def _chart(
    series: list[tuple[Parity, NDArray[np.float64]]], quantity: str, unit: str, error_unit: str
) -> Chart | None:
    series = [(parity, pairs) for parity, pairs in series if len(pairs)]
    if not series:
        return None
    axes, below = new_axes_with_residuals(_HEIGHT)
    everything = np.concatenate([pairs for _, pairs in series])
    low, high = float(everything.min()), float(everything.max())
    margin = 0.03 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=MUTED, linewidth=0.8, zorder=0)
    below.axhline(0, color=MUTED, linewidth=0.8, zorder=0)
    described = []
    for index, (parity, pairs) in enumerate(series):
        error = 1000 * float(np.sqrt(np.mean((pairs[:, 1] - pairs[:, 0]) ** 2)))
        described.append(f"{parity.name}: RMSE {error:.3g} {error_unit}")
        label = described[-1].replace("selected structures, before they were trained on", _NEW)
        _scatter(axes, pairs[:, 0], pairs[:, 1], index, label)
        _scatter(below, pairs[:, 0], 1000 * (pairs[:, 1] - pairs[:, 0]), index, None)
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.locator_params(nbins=5)
    below.locator_params(axis="y", nbins=4)
    below.set_xlabel(f"reference {quantity} ({unit})")
    axes.set_ylabel(f"predicted ({unit})")
    below.set_ylabel(f"error\n({error_unit})")
    axes.figure.align_ylabels()
    handles, labels = axes.get_legend_handles_labels()
    axes.figure.legend(handles, labels, loc="outside lower left", markerscale=1.6)
    return Chart(
        name=f"{quantity.split()[0]}-parity",
        title=f"Predicted against reference {quantity}",
        caption=(
            "By the newest potential; new structures by the one that had not seen them. "
            "Below: predicted less reference."
        ),
        description=f"Scatter plot along the diagonal. {'; '.join(described)}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _scatter(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], index: int, label: str | None
) -> None:
    """Points of one set; those of the first, the training set, lie on top and stay visible."""
    axes.scatter(
        x,
        y,
        s=16 if len(x) < 500 else 4,
        marker=MARKERS[index],
        alpha=0.75 if len(x) < 500 else 0.45,
        linewidths=0,
        color=COLOURS[index],
        label=label,
        zorder=3 - 0.1 * index,
        rasterized=True,  # a vector file with 100,000 points opens slowly
    )
