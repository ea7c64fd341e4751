"""Running sections: what is kept, and what is said of what could not be measured."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from maxvolt.errors import DataError
from performance import runner
from performance.context import Context, NotMeasuredError
from performance.registry import SectionKind
from performance.results import Document, Findings, Measurement, read_document, write_document
from performance.runner import run_sections


def one(context: Context) -> Findings:
    context.say("something")
    return Findings((Measurement("quick", float(context.quick), "", {}),))


def none(context: Context) -> Findings:
    raise NotMeasuredError("no compiler")


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"one": SectionKind("One", one), "none": SectionKind("None", none)}
    monkeypatch.setattr(runner, "SECTIONS", kinds)


def run(names: list[str], folder: Path, *, quick: bool = False) -> Document:
    return run_sections(names, folder, quick=quick, console=Console(file=io.StringIO()))


@pytest.mark.usefixtures("sections")
def test_findings_are_written_and_what_is_absent_is_said(tmp_path: Path) -> None:
    document = run(["one", "none"], tmp_path / "new")
    assert read_document(tmp_path / "new" / "results.json") == document
    assert document.sections["none"].findings.not_measured == ("all of it: no compiler",)
    assert not document.sections["one"].findings.not_measured


@pytest.mark.usefixtures("sections")
def test_sections_that_are_not_measured_again_stay(tmp_path: Path) -> None:
    first = run(["one", "none"], tmp_path)
    second = run(["one"], tmp_path, quick=True)
    assert second.sections["none"] == first.sections["none"]
    assert second.sections["one"].conditions.quick
    assert second.sections["one"].findings.measurements[0].value == 1.0


@pytest.mark.usefixtures("sections")
def test_results_of_two_machines_are_not_mixed(tmp_path: Path) -> None:
    document = run(["one"], tmp_path)
    machine = replace(document.machine, processor="another")
    write_document(tmp_path / "results.json", replace(document, machine=machine))
    with pytest.raises(DataError, match="another"):
        run(["one"], tmp_path)


def test_the_reference_data_is_asked_for_by_name(tmp_path: Path) -> None:
    context = Context(False, None, tmp_path, lambda what: None)
    with pytest.raises(NotMeasuredError, match="data/bench"):
        context.reference("data/bench")
    with pytest.raises(NotMeasuredError, match="data/bench"):
        replace(context, shared=tmp_path).reference("data/bench")
