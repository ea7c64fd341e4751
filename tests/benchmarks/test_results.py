"""Files of results: what is written is read, what is none is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maxvolt.errors import FileFormatError
from performance.results import (
    Conditions,
    Document,
    Findings,
    Machine,
    Measurement,
    Section,
    Series,
    read_document,
    write_document,
)

MACHINE = Machine("Some processor", "Linux", "c++ 12", 2, 2**34, {"L2": "2048K"}, ("avx2",))
CONDITIONS = Conditions("2026-01-01T00:00:00", 1.5, True, 0.1, 0.9, "abc", {"maxvolt": "0.1.0"})


def document() -> Document:
    found = Findings(
        (Measurement("time", 1.5, "us", {"level": 8, "program": "maxvolt"}),),
        (Series("maxvolt", "level 8", "time (s)", "loss", (0.0, 1.0), (2.0, 0.5)),),
        ("motep: not installed",),
    )
    return Document(MACHINE, {"evaluation": Section(CONDITIONS, found)})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_document(path, document())
    assert read_document(path) == document()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.update(format="something else"),
        lambda data: data.pop("machine"),
        lambda data: data["machine"].pop("cores"),
        lambda data: data["sections"]["evaluation"].pop("conditions"),
        lambda data: data["sections"]["evaluation"]["findings"]["measurements"][0].pop("case"),
        lambda data: data["sections"]["evaluation"]["findings"]["measurements"][0].update(
            value="1"
        ),
        lambda data: data["sections"]["evaluation"]["findings"]["measurements"][0].update(
            better=""
        ),
        lambda data: data["sections"]["evaluation"]["findings"]["series"][0].update(more=1),
    ],
)
def test_other_files_are_refused_by_name(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    path = tmp_path / "results.json"
    write_document(path, document())
    data = json.loads(path.read_text())
    damage(data)
    path.write_text(json.dumps(data))
    with pytest.raises(FileFormatError, match=r"results\.json.*run\.py"):
        read_document(path)


def test_text_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("not json")
    with pytest.raises(FileFormatError):
        read_document(path)


def test_cases_are_identified_whatever_the_order_of_their_keys() -> None:
    one = Measurement("time", 1.0, "s", {"level": 8, "atoms": 10})
    other = Measurement("time", 2.0, "s", {"atoms": 10, "level": 8})
    assert one.identity == other.identity
    assert one.identity != Measurement("time", 1.0, "s", {"level": 8}).identity
