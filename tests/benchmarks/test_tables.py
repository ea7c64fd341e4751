"""Tables and figures of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxvolt.errors import DataError
from performance.plots import write_figures
from performance.registry import SECTIONS
from performance.results import (
    Conditions,
    Document,
    Findings,
    Machine,
    Measurement,
    Section,
    Series,
)
from performance.selection import Lines, picked
from performance.tables import section_report, update_readme
from performance.views import FIGURES, TABLES

MACHINE = Machine("Some processor", "Linux", "c++ 12", 2, 2**34, {"L2": "2048K"}, ("avx2",))
CONDITIONS = Conditions("2026-01-01T00:00:00", 1.5, True, 0.1, 0.9, "", {"maxvolt": "0.1.0"})


def evaluation() -> Section:
    kernel = {"structure": "Mo2000", "program": "maxvolt, kernel"}
    return Section(
        CONDITIONS,
        Findings(
            (
                Measurement("time per atom", 1.2345, "us", {**kernel, "level": 16}),
                Measurement("time per atom", 0.5, "us", {**kernel, "level": 8}),
            ),
            not_measured=("times of motep: not installed",),
        ),
    )


def test_lines_take_what_fits_them_exactly() -> None:
    given = [
        Measurement("time", 1.0, "s", {"level": 8, "program": "a"}),
        Measurement("time", 2.0, "s", {"level": 8, "program": "a", "threads": 2}),
        Measurement("other", 3.0, "s", {"level": 8, "program": "a"}),
    ]
    found = picked(given, Lines("time", "{program}"), "level")
    assert {label: {k: m.value for k, m in row.items()} for label, row in found.items()} == {
        "a": {8: 1.0}
    }
    found = picked(given, Lines("time", "{program}, two", {"threads": 2}), "level")
    assert found["a, two"][8].value == 2.0


def test_a_report_has_the_table_in_order_and_what_is_missing() -> None:
    report = section_report("evaluation", evaluation())
    assert "| maxvolt, kernel | 0.5 | 1.23 |" in report
    assert "| 8 | 16 |" in report
    assert "- times of motep: not installed" in report
    assert "quick form" in report


def test_the_readme_changes_between_its_marks_only(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(
        "above\n<!-- results of evaluation -->\nold\n<!-- end -->\nbetween\n"
        "<!-- results of peak -->\nkept\n<!-- end -->\nbelow\n"
    )
    for _ in range(2):  # the second time over its own output
        update_readme(path, Document(MACHINE, {"evaluation": evaluation()}))
        text = path.read_text()
        assert text.startswith("above\n")
        assert "old" not in text
        assert text.count("| maxvolt, kernel | 0.5 | 1.23 |") == 1
        assert "between\n<!-- results of peak -->\nkept\n<!-- end -->\nbelow\n" in text


def test_an_unknown_mark_is_named(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("<!-- results of nothing -->\n<!-- end -->\n")
    with pytest.raises(DataError, match="nothing"):
        update_readme(path, Document(MACHINE, {}))


def test_the_readme_of_the_project_has_a_place_for_every_section() -> None:
    folder = Path(__file__).parents[2] / "docs" / "benchmarks"
    text = (folder / "README.md").read_text()
    for name in ("machine", *SECTIONS):
        assert f"<!-- results of {name} -->" in text


def test_views_belong_to_sections() -> None:
    assert TABLES.keys() <= SECTIONS.keys()
    assert FIGURES.keys() <= SECTIONS.keys()


def test_figures_are_drawn_where_there_is_something(tmp_path: Path) -> None:
    curve = Series("a", "Mo_train100, level 8", "time (s)", "loss", (0.1, 1.0), (2.0, 0.5))
    sections = {
        "evaluation": evaluation(),
        "curves": Section(CONDITIONS, Findings(series=(curve,))),
        "memory": Section(CONDITIONS, Findings()),
    }
    written = write_figures(Document(MACHINE, sections), tmp_path)
    assert sorted(path.name for path in written) == ["curves.svg", "evaluation.svg"]
    first = [path.read_bytes() for path in written]
    write_figures(Document(MACHINE, sections), tmp_path)
    assert [path.read_bytes() for path in written] == first
