"""Transitions, tables and pictures of what the chains of NbMoTaW have found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from maxvolt.report.output import save_figure

__all__ = ["picture", "rows", "table", "transitions"]

PROMINENCE = 0.15
"""k_B: what a maximum of the heat capacity rises above what is around it."""

LEAST = 0.05
"""Of the variance of a species, for a wave to be told."""

TOLD = (2000.0, 1000.0, 500.0, 300.0, 100.0)
"""K, of the rows of short-range order."""


def rows(means: Sequence[Any]) -> list[dict[str, Any]]:
    """Give what is kept of each temperature; units as in `AtTemperature`."""
    kept = ("energy", "energy_error", "heat_capacity", "heat_capacity_error")
    return [
        {
            "temperature": one.temperature,
            **{name: float(f"{getattr(one, name):.6g}") for name in kept},
            "order": np.round(one.order, 4).tolist(),
            "state": one.state.text,
            "waves": {peak.star: np.round(peak.shares, 4).tolist() for peak in one.state.peaks},
        }
        for one in means
    ]


def transitions(chains: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Find maxima of the heat capacity that every chain has.

    A maximum of the mean of all is looked for in each chain within two steps of temperature;
    three points give the parabola whose top counts. The error is that of the mean of the chains.
    """
    temperatures = np.array([one.temperature for one in chains[0]])
    every = np.array([[one.heat_capacity for one in chain] for chain in chains])
    found = []
    for peak in find_peaks(every.mean(axis=0), prominence=PROMINENCE)[0]:
        tops = np.array([_top(temperatures, capacities, int(peak)) for capacities in every])
        error = tops.std(axis=0, ddof=1) / np.sqrt(len(tops))
        found.append(
            {
                "temperature (K)": float(tops[:, 0].mean()),
                "error (K)": float(error[0]),
                "heat capacity (k_B)": float(tops[:, 1].mean()),
            }
        )
    return found


def _top(
    temperatures: NDArray[np.float64], capacities: NDArray[np.float64], peak: int
) -> tuple[float, float]:
    """Top of the parabola through the largest value near a point and its neighbours."""
    first = max(peak - 2, 1)
    at = first + int(np.argmax(capacities[first : min(peak + 3, len(capacities) - 1)]))
    chosen = slice(at - 1, at + 2)
    a, b, c = np.polyfit(temperatures[chosen] - temperatures[at], capacities[chosen], 2)
    if a >= 0:  # at the end of what was looked through
        return float(temperatures[at]), float(capacities[at])
    return float(temperatures[at] - b / (2 * a)), float(c - b**2 / (4 * a))


def table(document: dict[str, Any]) -> str:
    """Write errors, transitions, order and short-range order as tables."""
    kinds = [kind for kind in ("unrelaxed", "relaxed") if kind in document]
    lines = [
        "| labels | number | parameters | training, meV/atom | met in the last round, before they "
        "were learned | transitions, K (heat capacity, k_B) |",
        "|---|---|---|---|---|---|",
    ]
    for kind in kinds:
        one = document[kind]
        told = ", ".join(
            f"{peak['temperature (K)']:.0f} ± {peak['error (K)']:.0f} "
            f"({peak['heat capacity (k_B)']:.2f})"
            for peak in one["transitions"]
        )
        new = one["errors"]["new (meV/atom)"]
        lines.append(
            f"| {kind} | {one['errors']['labels'][-1]} | {one['parameters']} | "
            f"{one['errors']['training (meV/atom)'][-1]:.2f} | "
            f"{f'{new[-1]:.2f}' if new else ''} | {told or 'none'} |"
        )
    lines += ["", "| labels | from, K | order |", "|---|---|---|"]
    for kind in kinds:
        lines += [f"| {kind} | {start:g} | {text} |" for start, text in _orders(document[kind])]
    species = document["species"]
    pairs = list(combinations(range(len(species)), 2))
    names = [f"{species[a]}-{species[b]}" for a, b in pairs]
    lines += [
        "",
        f"| labels | T, K | shell | {' | '.join(names)} |",
        "|---" * (3 + len(names)) + "|",
    ]
    for kind in kinds:
        for row in document[kind]["temperatures"]:
            if row["temperature"] in TOLD:
                for shell, order in enumerate(row["order"], start=1):
                    values = " | ".join(f"{order[a][b]:+.2f}" for a, b in pairs)
                    lines.append(f"| {kind} | {row['temperature']:g} | {shell} | {values} |")
    lines += [
        "",
        f"| labels | T, K | wave | {' | '.join(species)} |",
        "|---" * (3 + len(species)) + "|",
    ]
    for kind in kinds:
        for row in document[kind]["temperatures"]:
            if row["temperature"] in TOLD:
                lines += [
                    f"| {kind} | {row['temperature']:g} | {star} | "
                    f"{' | '.join(f'{share:.2f}' for share in shares)} |"
                    for star, shares in row["waves"].items()
                    if max(shares) >= LEAST
                ]
    return "\n".join(lines) + "\n"


def _orders(found: dict[str, Any]) -> list[tuple[float, str]]:
    """At which temperature, cooling, each order was met first."""
    changes: list[tuple[float, str]] = []
    for row in found["temperatures"]:
        text = row["state"]
        if not changes or changes[-1][1] != text:
            changes.append((row["temperature"], text))
    return changes


def picture(document: dict[str, Any], path: Path) -> None:
    """Draw heat capacities, and the order of the pairs of neighbours."""
    kinds = [kind for kind in ("unrelaxed", "relaxed") if kind in document]
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    species = document["species"]
    for number, kind in enumerate(kinds):
        rows = document[kind]["temperatures"]
        x = [row["temperature"] for row in rows]
        axes[0].errorbar(
            x, [row["heat_capacity"] for row in rows],
            [row["heat_capacity_error"] for row in rows], fmt="-", label=kind,
        )  # fmt: skip
        for a, b in combinations(range(len(species)), 2):
            values = [row["order"][0][a][b] for row in rows]
            axes[1 + number].plot(x, values, label=f"{species[a]}-{species[b]}")
        axes[1 + number].axhline(0, color="0.8", zorder=0)
        axes[1 + number].set(ylabel=r"$\alpha_1$", title=kind)
    axes[0].set(ylabel="heat capacity ($k_B$/site)")
    for one in axes:
        one.set(xlabel="temperature (K)")
        one.legend(fontsize="small")
    save_figure(figure, path)
