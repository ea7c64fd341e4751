"""The energy-volume curve and the radial distribution function of the newest potential."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.drawing import COLOURS, MUTED, Chart, legend_below, new_axes
from maxvolt.report.campaign_page.physical_checks import EnergyVolume, RadialDistribution

__all__ = ["physical_charts"]

_REFERENCE: Any = {"color": COLOURS[1], "linestyle": (0, (4, 2)), "zorder": 3}


def physical_charts(data: CampaignData) -> list[Chart]:
    """Draw what could be computed."""
    checks = data.checks
    if checks is None:
        return []
    charts = []
    if checks.energy_volume is not None:
        charts.append(_energy_volume_chart(checks.energy_volume, checks.structure, data))
    if checks.distribution is not None:
        charts.append(_distribution_chart(checks.distribution, checks.structure, data))
    return charts


def _energy_volume_chart(curve: EnergyVolume, structure: str, data: CampaignData) -> Chart:
    axes = new_axes()
    zero = float((curve.potential if curve.reference is None else curve.reference).min())
    if curve.training is not None:
        low, high = curve.training
        axes.axvspan(low, high, color="#e6eef5", label="training volumes", zorder=0)
    if curve.reference is not None:
        axes.plot(
            curve.volumes, 1000 * (curve.reference - zero), **_REFERENCE, label=_reference(data)
        )
    axes.plot(
        curve.volumes,
        1000 * (curve.potential - zero),
        color=COLOURS[0],
        marker="o",
        markersize=3.5,
        linewidth=1.2,
        label="potential",
    )
    axes.set_xlim(curve.volumes[0], curve.volumes[-1])
    axes.set_xlabel("volume (Å$^3$/atom)")
    axes.set_ylabel("energy (meV/atom)")
    legend_below(axes)
    return Chart(
        name="energy-volume",
        title="Energy against volume",
        caption=(
            f"Structure “{structure}” with its cell and atoms scaled; energies above the lowest. "
            "Outside the shaded range the potential extrapolates."
        ),
        description=f"Curve of {len(curve.volumes)} volumes. {_energy_words(curve, data)}",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _energy_words(curve: EnergyVolume, data: CampaignData) -> str:
    lowest = curve.volumes[int(curve.potential.argmin())]
    text = f"Lowest energy of the potential near {lowest:.4g} cubic Angstrom per atom"
    if curve.reference is None:
        return f"{text}."
    away = 1000 * float(np.abs(curve.potential - curve.reference).max())
    return f"{text}; at most {away:.3g} meV/atom from {_reference(data)}."


def _distribution_chart(found: RadialDistribution, structure: str, data: CampaignData) -> Chart:
    axes = new_axes()
    if found.reference is not None:
        axes.plot(found.distances, found.reference, **_REFERENCE, label=_reference(data))
    axes.plot(found.distances, found.potential, color=COLOURS[0], linewidth=1.3, label="potential")
    if found.training is not None:
        axes.axvline(
            found.training,
            color=MUTED,
            linewidth=0.9,
            linestyle=":",
            label="shortest in training",
        )
    axes.set_xlim(0, found.distances[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("distance (Å)")
    axes.set_ylabel("radial distribution function")
    legend_below(axes)
    pairs = "" if len(data.species) < 2 else ", all pairs of species together"
    peak = found.distances[int(found.potential.argmax())]
    return Chart(
        name="radial-distribution",
        title=f"Radial distribution at {found.temperature:.0f} K",
        caption=(
            f"Structure “{structure}”, {found.n_atoms} atoms, a short dynamics at constant "
            f"volume{pairs}."
        ),
        description=f"Curve with its highest peak at {peak:.2f} Angstrom.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _reference(data: CampaignData) -> str:
    assert data.checks is not None
    name = data.checks.reference.rpartition(":")[2]
    return f"reference ({name.upper() if name.islower() else name})"
