"""Files of a report, written whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.errors import MaxvoltError
from maxvolt.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_format", "save_figure", "write_json"]


def figure_format(path: Path) -> str:
    """Tell the format of a figure by the ending of its name.

    Raises
    ------
    MaxvoltError
        The ending is missing or matplotlib knows no such format.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    ending = path.suffix.lstrip(".").lower()
    if ending not in known:
        raise MaxvoltError(
            f"{path}: cannot tell the format of the figure from {path.suffix!r}; "
            f"end the name with one of {', '.join(sorted(known))}"
        )
    return ending


def save_figure(figure: Figure, path: str | Path, *, dpi: int = 150) -> None:
    """Write a figure in the format that the name's ending says (.png, .pdf, .svg ...).

    Raises
    ------
    MaxvoltError
        The ending is missing or matplotlib knows no such format.
    """
    ending = figure_format(Path(path))
    with replacing(path) as file:
        figure.savefig(file, format=ending, dpi=dpi)


def write_json(document: Mapping[str, Any], path: str | Path) -> None:
    """Write numbers, strings, lists and mappings as JSON; NaN and infinity become null."""
    text = json.dumps(_json_value(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with replacing(path) as file:
        file.write(text.encode())


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
