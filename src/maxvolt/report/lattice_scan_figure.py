"""The figure of a scan of potentials on a lattice: error against number of parameters."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maxvolt.fitting.lattice.scan import Scan, Scanned
from maxvolt.report.logarithmic_axes import make_logarithmic

__all__ = ["draw_scan"]


def draw_scan(found: Scan) -> Figure:
    """Draw training and cross-validated errors, one curve for each number of shells and ridge.

    Parameters
    ----------
    found
        With the recommended choice circled, and a line one standard error above the best.
    """
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots()
    curves = sorted({(one.settings.shells, one.settings.ridge) for one in found.choices})
    for number, (shells, ridge) in enumerate(curves):
        of_curve = [
            one
            for one in found.choices
            if (one.settings.shells, one.settings.ridge) == (shells, ridge)
        ]
        of_curve.sort(key=lambda one: one.n_parameters)
        sizes = [one.n_parameters for one in of_curve]
        color = f"C{number % 10}"
        axes.errorbar(
            sizes,
            [1000 * one.rmse for one in of_curve], [1000 * one.rmse_error for one in of_curve],
            fmt="o-", color=color, capsize=2, label=f"shells {shells}, ridge {ridge:g}",
        )  # fmt: skip
        axes.plot(sizes, [1000 * one.training for one in of_curve], "x:", color=color, alpha=0.7)
    _mark(axes, found)
    axes.set(xlabel="parameters", ylabel="error (meV per site)")
    make_logarithmic(axes)
    axes.legend(fontsize="small")
    axes.set_title("cross-validation (lines), training (dotted)", fontsize="medium")
    return figure


def _mark(axes: Axes, found: Scan) -> None:
    chosen: Scanned = found.recommended
    limit = (found.best.rmse**2 + found.best.standard_error) ** 0.5
    axes.axhline(1000 * limit, color="0.6", linewidth=0.8, linestyle="--")
    axes.plot(
        [chosen.n_parameters], [1000 * chosen.rmse], "o", markersize=14, fillstyle="none",
        color="black", label="recommended",
    )  # fmt: skip
