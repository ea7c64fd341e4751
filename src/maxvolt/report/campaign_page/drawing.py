"""One look for all figures: small, so that text stays readable on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from maxvolt.report.campaign_page.data import CampaignData

__all__ = [
    "COLOURS",
    "INK",
    "MARKERS",
    "MUTED",
    "WARNING",
    "Chart",
    "drawing_style",
    "iteration_ticks",
    "legend_below",
    "marker",
    "new_axes",
    "new_axes_with_residuals",
    "open_markers",
    "shortened",
    "size_ticks",
    "stage_lines",
    "stage_sizes",
    "stage_starts",
]

INK = "#1b2733"
MUTED = "#52606d"
WARNING = "#d95f02"
"""What the potential could not do: simulations that broke off because of their grade."""

COLOURS = ("#005f9e", "#b84a00", "#00785a", "#8a3b8f", "#8a6a00", "#3d4f5f", "#b3261e", "#0b7285")
"""Told apart with any colour vision together with the markers; dark enough on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_WIDTH, _HEIGHT = 3.75, 2.9  # inches, at 96 pixels an inch: a phone's width
_LETTERS = 56  # of the small font, that fit side by side
_MOST_MARKERS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A figure of the page.

    Attributes
    ----------
    name
        Of its place in the page.
    title, caption
    description
        What it shows, in words, for those who cannot see it.
    figure
    """

    name: str
    title: str
    caption: str
    description: str
    figure: Figure


@contextmanager
def drawing_style() -> Iterator[None]:
    """Draw and save figures in the look of the page while the block runs."""
    import matplotlib as mpl
    from cycler import cycler

    style: Any = {  # its annotation would name every parameter of matplotlib
        "axes.edgecolor": MUTED,
        "axes.grid": True,
        "axes.labelcolor": INK,
        "axes.prop_cycle": cycler(color=list(COLOURS)),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "font.family": "DejaVu Sans",
        "font.size": 8.5,
        "grid.color": "#e3e8ed",
        "grid.linewidth": 0.7,
        "legend.fontsize": 8.0,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.5,
        "svg.hashsalt": "maxvolt",  # the same figure gives the same file
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
    }
    with mpl.rc_context(style):
        yield


def new_axes(height: float = _HEIGHT) -> Axes:
    """Return the axes of a new figure that is as wide as all others."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    return axes


def new_axes_with_residuals(height: float) -> tuple[Axes, Axes]:
    """Return the axes of a new figure, and lower ones below them that share the horizontal axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for axes in (upper, lower):
        axes.set_axisbelow(True)
    return upper, lower


def open_markers(
    axes: Axes, x: Sequence[float], y: Sequence[float], kind: str | None, colour: str
) -> None:
    """Draw markers with a white middle over those of a line, to tell a stage from the one before.

    Nothing is drawn where the line has no markers.
    """
    if kind is not None:
        axes.plot(x, y, linestyle="", marker=kind, color=colour, markerfacecolor="white", zorder=3)


def legend_below(axes: Axes, columns: int = 2) -> None:
    """Explain the lines below the axes, where there is more than one; long names are cut."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        names = [shortened(label, _LETTERS // columns - 5) for label in labels]
        axes.figure.legend(handles, names, loc="outside lower left", ncols=columns)


def shortened(text: str, letters: int) -> str:
    """Text that is not longer than so many letters."""
    return text if len(text) <= letters else f"{text[: max(letters - 1, 0)]}…"


def marker(index: int, n_points: int) -> str | None:
    """The marker of a line; none where points would hide each other."""
    return MARKERS[index % len(MARKERS)] if n_points <= _MOST_MARKERS else None


def iteration_ticks(axes: Axes) -> None:
    """Count iterations along the horizontal axis."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.set_xlabel("iteration")


def size_ticks(axes: Axes) -> None:
    """Count structures of the training set along the horizontal axis."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.set_xlabel("structures in the training set")


def stage_lines(axes: Axes, data: CampaignData) -> None:
    """Mark along the iterations where each stage begins, if there are several."""
    starts = stage_starts(data)
    _mark_stages(axes, [(number - 0.5, name) for number, name in starts], len(data.iterations))


def stage_sizes(axes: Axes, data: CampaignData) -> None:
    """Mark along the size of the training set where each stage begins, if there are several."""
    begun = dict(stage_starts(data))
    starts = [
        (float(one.training_before or 0), begun[one.number])
        for one in data.iterations
        if one.number in begun
    ]
    _mark_stages(axes, starts, max([0, *(one.row["n_training"] or 0 for one in data.iterations)]))


def _mark_stages(axes: Axes, starts: Sequence[tuple[float, str]], end: float) -> None:
    if len(starts) < 2:
        return
    left = axes.get_xlim()[0]
    ends = [*(place for place, _ in starts[1:]), end]
    for index, ((place, name), behind) in enumerate(zip(starts, ends, strict=True)):
        if index:
            axes.axvline(place, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        room = int(_LETTERS * (behind - max(place, left)) / max(end - left, 1e-9))
        axes.annotate(
            shortened(name, room),
            (max(place, left), 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, 1),
            textcoords="offset points",
            fontsize=7,
            color=MUTED,
            ha="left",
            va="bottom",
        )


def stage_starts(data: CampaignData) -> Sequence[tuple[int, str]]:
    """First iteration of each stage, and its name."""
    rows = data.iterations
    return [
        (row.number, row.stage)
        for before, row in zip([None, *rows], rows, strict=False)
        if before is None or row.stage != before.stage
    ]
