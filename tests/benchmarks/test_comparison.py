"""Comparison of two files of results, and its command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compare import main
from performance.comparison import compare
from performance.results import (
    Conditions,
    Document,
    Findings,
    Machine,
    Measurement,
    Section,
    write_document,
)


def document(*measurements: Measurement, processor: str = "one", quick: bool = False) -> Document:
    machine = Machine(processor, "Linux", "c++", 2, 0, {}, ("baseline",))
    conditions = Conditions("2026-01-01T00:00:00", 1.0, quick, 0.0, 0.0, "", {})
    return Document(machine, {"evaluation": Section(conditions, Findings(measurements))})


def time(value: float, level: int = 8) -> Measurement:
    return Measurement("time", value, "us", {"level": level})


def ratio(value: float) -> Measurement:
    return Measurement("motep / maxvolt", value, "", {"level": 8}, "higher")


def test_a_longer_time_is_worse() -> None:
    result = compare(document(time(2.0)), document(time(3.0)), threshold=1.4)
    assert [c.worsening for c in result.regressions] == [1.5]
    assert not compare(document(time(2.0)), document(time(3.0)), threshold=1.6).regressions


def test_a_smaller_ratio_is_worse() -> None:
    result = compare(document(ratio(30.0)), document(ratio(20.0)), threshold=1.1)
    assert [c.worsening for c in result.regressions] == [1.5]
    assert not compare(document(ratio(20.0)), document(ratio(30.0)), threshold=1.1).regressions


def test_facts_are_not_compared() -> None:
    fact = Measurement("neighbours", 26.0, "", {}, "neither")
    more = Measurement("neighbours", 50.0, "", {}, "neither")
    assert not compare(document(fact), document(more), threshold=1.1).changes


def test_the_worst_comes_first_and_lone_measurements_are_named() -> None:
    old = document(time(1.0), time(1.0, 12), time(1.0, 16))
    new = document(time(1.1), time(3.0, 12), time(1.0, 20))
    result = compare(old, new, threshold=1.2)
    assert [c.case for c in result.changes] == ["level 12", "level 8"]
    assert result.only_old == ("evaluation: time (level 16)",)
    assert result.only_new == ("evaluation: time (level 20)",)


def test_what_makes_runs_incomparable_is_said() -> None:
    old, new = document(time(1.0)), document(time(1.0), processor="two", quick=True)
    remarks = compare(old, new, threshold=1.1).remarks
    assert len(remarks) == 2
    assert not compare(old, old, threshold=1.1).remarks


def test_sections_can_be_chosen() -> None:
    old, new = document(time(1.0)), document(time(9.0))
    assert compare(old, new, threshold=1.1, sections=["evaluation"]).regressions
    assert not compare(old, new, threshold=1.1, sections=["scaling"]).changes


def test_the_command_exits_with_one_on_a_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    write_document(old, document(time(1.0), ratio(10.0)))
    write_document(new, document(time(2.0), ratio(10.0)))
    assert main([str(old), str(old)]) == 0
    capsys.readouterr()
    assert main([str(old), str(new), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert [c["quantity"] for c in printed["regressions"]] == ["time"]
    assert len(printed["changes"]) == 2
    assert main([str(old), str(new), "--threshold", "2.5"]) == 0


def test_the_command_exits_with_two_where_a_file_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 2
    assert "a.json" in capsys.readouterr().err
