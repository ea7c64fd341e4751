"""Numbers as the page says them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maxvolt.report.campaign_page.data import CampaignData

__all__ = ["counted", "duration", "number", "per_cent", "size", "stage_caption"]


def per_cent(value: float | None) -> str:
    """A fraction in per cent; 100 only where it is 1."""
    if value is None:
        return "–"
    text = f"{100 * value:.1f} %"
    return "99.9 %" if text == "100.0 %" and value < 1 else text.replace("100.0", "100")


def number(value: float | None, factor: float = 1.0) -> str:
    """A measured number with three digits."""
    return "–" if value is None else f"{factor * value:.3g}"


def counted(amount: int, noun: str) -> str:
    """A number of things: 1 structure, 2 structures."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def duration(seconds: float | None) -> str:
    """A time with the unit that suits it."""
    if seconds is None:
        return "–"
    for limit, unit, length in ((100.0, "s", 1.0), (6000.0, "min", 60.0)):
        if seconds < limit:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 3600:.3g} h"


def size(n_bytes: int) -> str:
    """The size of a file."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    return f"{n_bytes / 1e3:.0f} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:.1f} MB"


def stage_caption(data: CampaignData) -> str:
    """How stages are told apart in a chart; "" where there is only one."""
    if len({one.stage for one in data.iterations}) < 2:
        return ""
    return " Dashed lines: a new stage begins; open symbols: every second stage."
