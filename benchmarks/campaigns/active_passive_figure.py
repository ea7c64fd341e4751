"""Learning curves of active and passive learners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

__all__ = ["curves", "draw"]

Point = dict[str, Any]

_COLORS = {"active": "tab:blue", "passive": "tab:orange"}


def curves(points: list[Point]) -> list[tuple[tuple[str, int], list[Point]]]:
    """Points of each learner and seed, by growing training set."""
    keys = dict.fromkeys((point["learner"], point["seed"]) for point in points)
    return [
        (key, [point for point in points if (point["learner"], point["seed"]) == key])
        for key in keys
    ]


def draw(points: list[Point], path: Path) -> None:
    """Draw reliability and force error against the number of labels, a line for each seed."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), constrained_layout=True)
    for (learner, seed), curve in curves(points):
        labels = [point["labels"] for point in curve]
        for axis, name, factor in zip(
            axes, ("reliability", "force_rmse"), (100, 1000), strict=True
        ):
            axis.plot(
                labels,
                [factor * point[name] for point in curve],
                marker="o",
                markersize=3,
                linewidth=0.8,
                color=_COLORS[learner],
                label=learner if seed == 0 else None,
            )
    axes[0].set_ylabel("reliability (%)")
    axes[1].set_ylabel("force RMSE (meV/Å)")
    axes[1].set_yscale("log")
    for axis in axes:
        axis.set_xlabel("labels")
        axis.set_xscale("log")
    axes[0].legend()
    figure.savefig(path, dpi=120)
