"""Markdown tables of a document of results, and their place in the README."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from maxvolt.errors import DataError
from maxvolt.files import replacing
from performance.registry import SECTIONS
from performance.results import Document, Findings, Machine, Section
from performance.selection import Lines, Value, picked
from performance.views import FIGURES, TABLES, TableView

__all__ = ["machine_table", "section_report", "update_readme"]

_BLOCK = re.compile(r"(<!-- results of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def update_readme(path: Path, document: Document) -> None:
    """Put the machine and every section's tables between their marks.

    A block whose section the document does not have stays as it is.

    Raises
    ------
    DataError
        A mark names no section.
    """

    def block(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        if name == "machine":
            return f"{begin}\n{machine_table(document.machine)}\n{end}"
        if name not in SECTIONS:
            raise DataError(f"{path}: 'results of {name}', expected one of {', '.join(SECTIONS)}")
        if name not in document.sections:
            return match[0]
        return f"{begin}\n{section_report(name, document.sections[name], figures=True)}\n{end}"

    text = _BLOCK.sub(block, path.read_text(encoding="utf-8"))
    with replacing(path) as stream:
        stream.write(text.encode())


def machine_table(machine: Machine) -> str:
    """What the machine is, as a table."""
    caches = ", ".join(f"{name} {size}" for name, size in machine.caches.items())
    rows = (
        ("processor", f"{machine.processor}, {machine.cores} cores"),
        ("caches of a core", caches or "unknown"),
        ("memory", f"{machine.memory / 2**30:.0f} GiB"),
        ("instruction sets of the kernels", ", ".join(machine.instruction_sets)),
        ("system", machine.system),
        ("compiler", machine.compiler),
    )
    return _markdown(("machine", ""), rows)


def section_report(name: str, section: Section, *, figures: bool = False) -> str:
    """Conditions, tables and what could not be measured."""
    parts = [_conditions(section)]
    parts += [text for view in TABLES.get(name, ()) if (text := _table(view, section.findings))]
    if figures:
        parts += [
            f"![{view.title}]({view.file})" for view in FIGURES.get(name, ()) if view.has(section)
        ]
    if section.findings.not_measured:
        missing = "\n".join(f"- {reason}" for reason in section.findings.not_measured)
        parts.append(f"Not measured:\n\n{missing}")
    return "\n\n".join(parts) + "\n"


def _conditions(section: Section) -> str:
    c = section.conditions
    versions = ", ".join(f"{name} {number}" for name, number in c.versions.items())
    form = "quick form" if c.quick else "full form"
    source = f", sources {c.commit}" if c.commit else ""
    return (
        f"*{c.started}, {form}, {c.seconds:.0f} s; load average {c.load_before:.2f} before and "
        f"{c.load_after:.2f} after; {versions}{source}.*"
    )


def _table(view: TableView, findings: Findings) -> str:
    """A table, or "" where nothing was measured for it."""
    blocks = [(lines, picked(findings.measurements, lines, view.across)) for lines in view.lines]
    columns: list[Value] = list(
        dict.fromkeys(value for _, rows in blocks for row in rows.values() for value in row)
    )
    if all(isinstance(value, int | float) for value in columns):
        columns.sort()
    if not columns:
        return ""
    body = [
        (label, *(_cell(lines, row.get(column)) for column in columns))
        for lines, rows in blocks
        for label, row in rows.items()
    ]
    head = (view.corner, *(_name(column) for column in columns))
    return f"{view.title}\n\n{_markdown(head, body)}"


def _cell(lines: Lines, one: object) -> str:
    value = getattr(one, "value", None)
    return "" if value is None else format(value, lines.digits)


def _name(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
