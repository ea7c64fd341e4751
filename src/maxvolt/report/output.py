"""Files of a report, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save_figure", "write_json"]


def save_figure(figure: Figure, path: str | Path, *, dpi: int = 150) -> None:
    """Write a figure in the format that the name's ending says (.png, .pdf, .svg ...).

    Raises
    ------
    MaxvoltError
        The ending is missing or matplotlib knows no such format.
    """
    path = Path(path)
    known = figure.canvas.get_supported_filetypes()
    ending = path.suffix.lstrip(".").lower()
    if ending not in known:
        raise MaxvoltError(
            f"{path}: cannot tell the format of the figure from {path.suffix!r}; "
            f"end the name with one of {', '.join(sorted(known))}"
        )
    _write_whole(path, lambda part: figure.savefig(part, format=ending, dpi=dpi))


def write_json(document: Mapping[str, Any], path: str | Path) -> None:
    """Write numbers, strings, lists and mappings as JSON; NaN and infinity become null."""
    text = json.dumps(_json_value(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    _write_whole(Path(path), lambda part: part.write_text(text, encoding="utf-8"))


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the target under another name, then put it in place in one step."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        raise MaxvoltError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
