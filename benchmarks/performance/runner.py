"""Runs sections one after the other and keeps what each has found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from threadpoolctl import threadpool_limits

from maxvolt.errors import DataError
from performance.context import Context, NotMeasuredError
from performance.machine import describe_machine, load_average, program_versions, source_version
from performance.registry import SECTIONS
from performance.results import (
    Conditions,
    Document,
    Findings,
    Machine,
    Section,
    read_document,
    write_document,
)

__all__ = ["RESULTS", "run_sections", "shared_folder"]

RESULTS = "results.json"
"""Name of the file of results in its folder."""


def shared_folder() -> Path | None:
    """Folder with reference data: beside the repository, or where MAXVOLT_SHARED says."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("MAXVOLT_SHARED", beside))
    return folder if folder.is_dir() else None


def run_sections(names: Sequence[str], output: Path, *, quick: bool, console: Console) -> Document:
    """Measure, and write results.json after each section.

    Sections that the file holds already and that are not measured now stay in it.

    Parameters
    ----------
    names
        Keys of `SECTIONS`.
    output
        Folder of the results; made where it is not there.
    quick
        The short form.
    console
        Where to show progress.

    Raises
    ------
    DataError
        The results in the folder are another machine's.
    """
    output.mkdir(parents=True, exist_ok=True)
    document = _opened(output / RESULTS, describe_machine())
    with tempfile.TemporaryDirectory(prefix="maxvolt-benchmarks-") as scratch:
        for name in names:
            with _status(SECTIONS[name].title, console) as say:
                section = _measured(name, Context(quick, shared_folder(), Path(scratch), say))
            document = replace(document, sections={**document.sections, name: section})
            write_document(output / RESULTS, document)
    return document


@contextmanager
def _status(title: str, console: Console) -> Iterator[Callable[[str], None]]:
    """Show what a section does now, and in the end how long it took."""
    columns = (SpinnerColumn(finished_text=" "), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(title, total=1)
        yield lambda what: progress.update(task, description=f"{title}: {what}")
        progress.update(task, description=title, completed=1)


def _opened(path: Path, machine: Machine) -> Document:
    """The document to add to."""
    if not path.exists():
        return Document(machine)
    document = read_document(path)
    if document.machine.processor != machine.processor:
        raise DataError(
            f"{path} holds results of another machine ({document.machine.processor}; this is "
            f"{machine.processor}): choose another folder with --output, or remove the file"
        )
    return replace(document, machine=machine)


def _measured(name: str, context: Context) -> Section:
    started, load, began = datetime.now(UTC), load_average(), perf_counter()
    try:
        with threadpool_limits(1, user_api="blas"):  # threads are those of the kernels
            findings = SECTIONS[name].measure(context)
    except NotMeasuredError as reason:
        findings = Findings(not_measured=(f"all of it: {reason}",))
    conditions = Conditions(
        started=started.isoformat(timespec="seconds"),
        seconds=round(perf_counter() - began, 1),
        quick=context.quick,
        load_before=round(load, 2),
        load_after=round(load_average(), 2),
        commit=source_version(),
        versions=program_versions(),
    )
    return Section(conditions, findings)
