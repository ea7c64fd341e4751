"""Figures and files inside the page, as data: links."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Download", "data_link", "download", "figure_link"]

INLINE_LIMIT = 3_000_000
"""Bytes of the largest file that is put into the page."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the page offers.

    Attributes
    ----------
    name
        Of the file.
    link
        Its content as a data: link, or its path relative to the page.
    n_bytes
        Its size.
    is_inline
        Whether it is in the page.
    """

    name: str
    link: str
    n_bytes: int
    is_inline: bool


def data_link(content: bytes, media_type: str) -> str:
    """Return content as a data: link."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def figure_link(figure: Figure) -> str:
    """Return a figure as an SVG; equal figures give equal links."""
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
    return data_link(_compact(buffer.getvalue()), "image/svg+xml")


def _compact(svg: bytes) -> bytes:
    """Leave out the indentation, and digits beyond a hundredth of a point, which nobody sees."""
    return re.sub(rb"\n +", b"\n", re.sub(rb"(\d\.\d\d)\d+", rb"\1", svg))


def download(path: Path, page: Path, limit: int = INLINE_LIMIT) -> Download:
    """Put a file into the page, or link to it where it is large.

    Parameters
    ----------
    path
        The file.
    page
        Where the page is going to be, for a relative link.
    limit
        Bytes of the largest file that is put into the page.
    """
    n_bytes = path.stat().st_size
    if n_bytes <= limit:
        link = data_link(path.read_bytes(), "text/plain;charset=utf-8")
        return Download(path.name, link, n_bytes, is_inline=True)
    relative = os.path.relpath(path.resolve(), page.resolve().parent)
    return Download(path.name, quote(Path(relative).as_posix()), n_bytes, is_inline=False)
