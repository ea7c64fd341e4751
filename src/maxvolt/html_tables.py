"""Tables in HTML, as notebooks show results."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["TableOfNumbers", "described_table", "html_table"]

_LONGEST = 12
"""Numbers of a list that are shown; of a longer one the first and the last."""


def html_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    remarks: Iterable[str] = (),
) -> str:
    """Return a table; the first column is text, the others are numbers.

    Parameters
    ----------
    title
        What stands above it.
    headings
        Of the columns; none for a table without a head.
    rows
        Cells as text, which is escaped here.
    remarks
        Sentences below it, such as warnings.
    """
    head = "".join(f"<th{_align(c)}>{escape(text)}</th>" for c, text in enumerate(headings))
    body = "".join(
        "<tr>"
        + "".join(f"<td{_align(c)}>{escape(cell)}</td>" for c, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption><b>{escape(title)}</b></caption>"
        + (f"<thead><tr>{head}</tr></thead>" if headings else "")
        + f"<tbody>{body}</tbody></table>"
        + "".join(f"<p>{escape(text)}</p>" for text in remarks)
    )


def described_table(title: str, facts: Mapping[str, object], remarks: Iterable[str] = ()) -> str:
    """Return a table of names and values."""
    return html_table(
        title, (), ((name, _text(value)) for name, value in facts.items()), remarks=remarks
    )


class TableOfNumbers(ABC):
    """A result whose `to_dict` a notebook shows as a table, warnings and notes below it."""

    __slots__ = ()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, units in the keys."""

    def _repr_html_(self) -> str:
        facts = self.to_dict()
        remarks = [*(f"Warning: {text}" for text in facts.pop("warnings", ()))]
        remarks += facts.pop("notes", ())
        return described_table(type(self).__name__, facts, remarks)


def _align(column: int) -> str:
    return ' style="text-align:left"' if column == 0 else ' style="text-align:right"'


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        if value and all(isinstance(row, list | tuple) for row in value):
            return "; ".join(_text(row) for row in value)
        shown = [_text(item) for item in value]
        if len(shown) > _LONGEST:
            shown = [*shown[: _LONGEST // 2], "...", *shown[-_LONGEST // 2 :]]
        return " ".join(shown)
    return str(value)
