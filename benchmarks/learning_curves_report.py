"""Figures and tables of the learning curves, for docs/choosing.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grades_report import markdown_table, update_page
from maxvolt.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["write_report"]

Fit = dict[str, Any]
DEFAULTS = {"radial_basis_size": 8, "force_weight": 0.01}
LEVELS = (8, 10, 12, 16, 20)
COLOURS = {"Mo": "C0", "Si": "C1", "Cu": "C2", "NbMoTaW": "C3"}
FORCE, ENERGY = "force_meV_per_A", "energy_meV_per_atom"
MOST = 1000.0
"""Errors above, meV/Angstrom or meV/atom, are written as such: predictions are then meaningless."""


def write_report(fits: Sequence[Fit], folder: Path) -> None:
    """Draw figures into the folder, put tables into the page beside it."""
    import matplotlib as mpl

    fitted = [fit for fit in fits if fit["outcome"] == "fitted"]
    figures = {"levels": _levels, "structures": _structures, "scans": _scans}
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "maxvolt"}):
        for name, draw in figures.items():
            with replacing(folder / f"{name}.svg") as stream:
                draw(fitted).savefig(stream, format="svg", metadata={"Date": None})
    page = folder.with_suffix(".md")
    update_page(page, "levels", _level_table(fitted))
    update_page(page, "structures", _structure_table(fitted))
    update_page(page, "scans", _scan_tables(fitted))
    update_page(page, "measurement", _about(fits))


def _curve(fits: Sequence[Fit], key: str, **wanted: Any) -> list[Fit]:
    """Fits with these settings, in the order of the one that varies."""
    wanted = {name: value for name, value in {**DEFAULTS, **wanted}.items() if name != key}
    found = [fit for fit in fits if all(fit["trial"][n] == v for n, v in wanted.items())]
    return sorted(found, key=lambda fit: float(fit["trial"][key]))


def _systems(fits: Sequence[Fit]) -> list[str]:
    return [name for name in COLOURS if any(fit["trial"]["system"] == name for fit in fits)]


def _middling(fits: Sequence[Fit], system: str) -> dict[str, Any]:
    """System, cutoff and size of the training set with which all levels were fitted first."""
    first = next(fit["trial"] for fit in fits if fit["trial"]["system"] == system)
    return {name: first[name] for name in ("system", "cutoff", "structures")}


def _level_curve(fits: Sequence[Fit], system: str) -> list[Fit]:
    return _curve(fits, "level", **_middling(fits, system))


def _size_curve(fits: Sequence[Fit], system: str, level: int) -> list[Fit]:
    settings = {**_middling(fits, system), "level": level}
    return _curve(fits, "structures", **settings)


def _figure(count: int, columns: int = 3) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    rows = ceil(count / columns)
    figure = Figure(figsize=(3.3 * columns, 3.0 * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, number + 1) for number in range(count)]


def _ticks(axes: Axes, x_label: str, y_label: str, ticks: Sequence[float]) -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(alpha=0.3)


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _levels(fits: Sequence[Fit]) -> Figure:
    figure, panels = _figure(3)
    quantities: list[tuple[str, Callable[[Fit], float]]] = [
        ("force error, test, meV/Å", lambda fit: float(fit["test"][FORCE])),
        ("energy error, test, meV/atom", lambda fit: float(fit["test"][ENERGY])),
        ("time, µs/atom", lambda fit: float(fit["evaluation_us_per_atom"])),
    ]
    for axes, (label, value) in zip(panels, quantities, strict=True):
        for system in _systems(fits):
            shown = [fit for fit in _level_curve(fits, system) if value(fit) <= MOST]
            _line(axes, shown, "level", value, system)
        _logarithmic(axes)
        _ticks(axes, "level", label, (8, 10, 12, 16, 20))
    panels[0].legend(fontsize=8)
    return figure


def _line(
    axes: Axes, fits: Sequence[Fit], key: str, value: Callable[[Fit], float], system: str
) -> None:
    x = [fit["trial"][key] for fit in fits]
    axes.plot(x, [value(fit) for fit in fits], "o-", color=COLOURS[system], label=system)


def _structures(fits: Sequence[Fit]) -> Figure:
    curves = {system: _size_curves(fits, system) for system in _systems(fits)}
    curves = {system: found for system, found in curves.items() if found}
    figure, panels = _figure(len(curves))
    for axes, (system, found) in zip(panels, curves.items(), strict=True):
        for level, curve in found.items():
            x = [fit["trial"]["structures"] for fit in curve]
            colour = f"C{LEVELS.index(level)}"
            test = [fit["test"][FORCE] for fit in curve]
            axes.plot(x, test, "o-", color=colour, label=f"level {level}")
            training = [fit["training"][FORCE] for fit in curve]
            axes.plot(x, training, ".:", color=colour)
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_title(system)
        sizes = {fit["trial"]["structures"] for curve in found.values() for fit in curve}
        _ticks(axes, "structures", "force error, meV/Å", sorted(sizes))
        axes.legend(fontsize=8)
    return figure


def _size_curves(fits: Sequence[Fit], system: str) -> dict[int, list[Fit]]:
    """Levels with two sizes of the training set and more, where predictions mean something."""
    found = {}
    for level in LEVELS:
        curve = [f for f in _size_curve(fits, system, level) if f["test"][FORCE] <= MOST]
        if len(curve) >= 2:
            found[level] = curve
    return found


_SCANNED = (
    ("cutoff", "cutoff, Å"),
    ("radial_basis_size", "radial basis size"),
    ("force_weight", "force weight"),
)


def _scan(fits: Sequence[Fit], key: str) -> list[Fit]:
    return _curve(fits, key, level=12, **_middling(fits, "Mo"))


def _scans(fits: Sequence[Fit]) -> Figure:
    figure, panels = _figure(len(_SCANNED))
    for axes, (key, label) in zip(panels, _SCANNED, strict=True):
        curve = _scan(fits, key)
        x = [fit["trial"][key] for fit in curve]
        if key == "force_weight":
            axes.set_xscale("log")
        axes.plot(x, [fit["test"][FORCE] for fit in curve], "o-C0", label="force error, meV/Å")
        axes.plot(x, [fit["test"][ENERGY] for fit in curve], "s-C1", label="energy, meV/atom")
        if key != "force_weight":
            times = [1e2 * fit["evaluation_us_per_atom"] for fit in curve]
            axes.plot(x, times, "^--C2", label="time, 10 ns/atom")
        _logarithmic(axes)
        _ticks(axes, label, "", x)
        axes.legend(fontsize=8)
    return figure


def _number(value: float) -> str:
    return "meaningless" if value > MOST else f"{value:.3g}"


def _level_table(fits: Sequence[Fit]) -> str:
    columns = ("", "level", "structures", "parameters", "force", "energy", "time", "fit")
    rows = []
    for system in _systems(fits):
        for fit in _level_curve(fits, system):
            rows.append(
                (
                    system,
                    str(fit["trial"]["level"]),
                    str(fit["trial"]["structures"]),
                    str(fit["parameters"]),
                    _number(fit["test"][FORCE]),
                    _number(fit["test"][ENERGY]),
                    f"{fit['evaluation_us_per_atom']:.2f}",
                    f"{fit['fit_processor_s']:.0f} s",
                )
            )
    return markdown_table(columns, rows)


def _structure_table(fits: Sequence[Fit]) -> str:
    sizes = sorted({fit["trial"]["structures"] for fit in fits})
    rows = []
    for system in _systems(fits):
        for level in LEVELS:
            curve = {f["trial"]["structures"]: f for f in _size_curve(fits, system, level)}
            if len(curve) >= 2:
                cells = [
                    f"{_number(curve[n]['training'][FORCE])} / {_number(curve[n]['test'][FORCE])}"
                    if n in curve
                    else ""
                    for n in sizes
                ]
                rows.append((system, str(level), *cells))
    return markdown_table(("", "level", *map(str, sizes)), rows)


def _scan_tables(fits: Sequence[Fit]) -> str:
    tables = []
    for key, label in _SCANNED:
        curve = _scan(fits, key)
        rows = [
            ("force error, test, meV/Å", *(_number(fit["test"][FORCE]) for fit in curve)),
            ("energy error, test, meV/atom", *(_number(fit["test"][ENERGY]) for fit in curve)),
        ]
        if key != "force_weight":
            times = (f"{fit['evaluation_us_per_atom']:.2f}" for fit in curve)
            rows.append(("time, µs/atom", *times))
        tables.append(markdown_table((label, *(f"{fit['trial'][key]:g}" for fit in curve)), rows))
    return "\n\n".join(tables)


def _about(fits: Sequence[Fit]) -> str:
    loads = sorted(fit["load"] for fit in fits if "load" in fit)
    refused = sum(fit["outcome"] != "fitted" for fit in fits)
    return (
        f"{len(fits)} fits, of which {refused} were refused for lack of data; load of the machine "
        f"{loads[0]:.1f} to {loads[-1]:.1f} on two cores."
    )
