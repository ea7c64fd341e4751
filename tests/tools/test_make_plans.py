"""The plans that come with the LAMMPS plugin are what the script makes, one for each level."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from make_plans import FOLDER, INDEX, LEVELS, PlanFile, differences, own_plan, plan_of_file

MOST_BYTES = 5_000_000
"""Of all plans."""


def index() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((FOLDER / INDEX).read_text())
    return found


def assert_kept(plan: PlanFile) -> None:
    assert differences((FOLDER / plan.name).read_bytes(), plan.contents) == []
    kept = index()[plan.name]
    assert kept["products"] == plan.products
    assert kept["level"] == plan.level


@pytest.mark.parametrize("level", range(2, 20, 2))
def test_plans_of_own_tables(level: int) -> None:
    assert_kept(own_plan(level))


@pytest.mark.parametrize("level", range(2, 24, 2))
def test_plans_of_tables_of_mlip(level: int, shared: Path) -> None:
    path = shared / "reference" / "mlip3" / "cases" / f"L{level:02}_1sp.mtp"
    plan = plan_of_file(path)
    assert plan.level == level
    assert_kept(plan)


def test_untrained_and_trained_files_of_a_level_have_one_plan(shared: Path) -> None:
    folder = shared / "reference" / "mlip3"
    paths = ("cases/L06_1sp.mtp", "cases/L06_3sp.mtp", "examples/01.train/06.almtp")
    assert len({plan_of_file(folder / path).name for path in paths}) == 1


def test_the_index_names_what_is_there() -> None:
    files = {path.name: path.stat().st_size for path in FOLDER.glob("*.plan")}
    assert {name: facts["bytes"] for name, facts in index().items()} == files
    levels = [facts["level"] for facts in index().values()]
    # Both programs have the same tables at levels 2 and 4 only.
    assert sorted(levels) == sorted([2, 4, *LEVELS[2:], *LEVELS[2:]])
    assert sum(files.values()) < MOST_BYTES


def test_a_changed_plan_is_noticed() -> None:
    contents = own_plan(8).contents
    assert differences(contents, contents) == []
    place = contents.index(b"expansion_values") + len("expansion_values") + 1 + 8
    changed = bytearray(contents)
    changed[place + 6] ^= 1
    assert differences(bytes(changed), contents) == ["expansion_values"]
    assert differences(own_plan(10).contents, contents)
