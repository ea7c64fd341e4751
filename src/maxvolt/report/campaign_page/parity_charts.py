"""Predicted against reference energies and forces of the campaign's structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maxvolt.report.campaign_page.data import CampaignData, Parity
from maxvolt.report.campaign_page.drawing import COLOURS, MUTED, Chart, new_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["parity_charts"]

_NEW = "new, before training"
_HEIGHT = 3.9  # panels nearly square, with room for the legend


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
    axes = new_axes(_HEIGHT)
    everything = np.concatenate([pairs for _, pairs in series])
    low, high = float(everything.min()), float(everything.max())
    margin = 0.03 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=MUTED, linewidth=0.8, zorder=0)
    described = []
    for index, (parity, pairs) in enumerate(series):
        error = 1000 * float(np.sqrt(np.mean((pairs[:, 1] - pairs[:, 0]) ** 2)))
        described.append(f"{parity.name}: RMSE {error:.3g} {error_unit}")
        axes.scatter(
            pairs[:, 0],
            pairs[:, 1],
            s=14 if len(pairs) < 500 else 4,
            alpha=0.65,
            linewidths=0,
            color=COLOURS[index],
            label=described[-1].replace("selected structures, before they were trained on", _NEW),
            rasterized=True,  # a vector file with 100,000 points opens slowly
        )
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.locator_params(nbins=5)
    axes.set_xlabel(f"reference {quantity} ({unit})")
    axes.set_ylabel(f"predicted {quantity} ({unit})")
    handles, labels = axes.get_legend_handles_labels()
    axes.figure.legend(handles, labels, loc="outside lower left", markerscale=1.6)
    return Chart(
        name=f"{quantity.split()[0]}-parity",
        title=f"Predicted against reference {quantity}",
        caption=("By the newest potential; new structures by the one that had not seen them."),
        description=f"Scatter plot along the diagonal. {'; '.join(described)}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )
