"""Tables of the benchmarks of grades, put between the marks of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maxvolt

__all__ = ["markdown_table", "shared_folder", "update_page", "write_results"]


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column stands left, the others right."""
    lines = [list(columns), ["---", *["---:"] * (len(columns) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def update_page(page: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of a result."""
    pattern = re.compile(rf"(<!-- results of {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    old = page.read_text(encoding="utf-8")
    new, found = pattern.subn(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", old)
    if not found:
        raise SystemExit(f"{page}: has no mark '<!-- results of {name} -->'")
    page.write_text(new, encoding="utf-8")


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Write results with the version and time they were made."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    document = {"maxvolt": maxvolt.__version__, "measured": stamp, **results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def shared_folder(given: Path | None) -> Path:
    """Return the folder of reference data, beside the checkout where none is given."""
    folder = given or Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        raise SystemExit(f"no reference data in {folder}; name it with --shared")
    return folder
