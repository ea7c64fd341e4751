"""Suites of cards: their settings are those of known properties, and deviations are differences."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from embedded_atoms import Analytic
from maxvolt.cli import main
from maxvolt.errors import DataError
from maxvolt.properties import Curve, PropertyResult, Value
from maxvolt.properties.registry import settings_of
from maxvolt.report.card import (
    SUITES,
    Card,
    CardSource,
    deviation_rows,
    deviations,
    find_suite,
    published_deviations,
)
from maxvolt.report.card.states import property_of

SOURCE, REFERENCE = CardSource("pot.mtp", "pot.mtp"), CardSource("reference", "eam", None, True)


def result(name: str, values: dict[str, Value], **more: Any) -> PropertyResult:
    return PropertyResult(name, name, "Al", {}, values, **more)


def card(name: str, own: PropertyResult, other: PropertyResult | None) -> Card:
    results = {("pot.mtp", name): own}
    if other is not None:
        results["reference", name] = other
    return Card("fcc Al", (SOURCE,), REFERENCE, (name,), results)


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("suite", list(SUITES.values()), ids=list(SUITES))
def test_settings_of_a_suite_are_those_of_properties(suite: Any, quick: bool) -> None:
    found = suite.settings(1200.0, quick=quick)
    assert list(found) == list(suite.settings(933.0))
    assert set(suite.small) <= set(found)
    assert set(suite.headline) <= {name.partition(":")[0] for name in found}
    for name, values in found.items():
        settings_of(property_of(name), values)


def test_temperatures_follow_from_the_melting_point() -> None:
    found = SUITES["discovery"].settings(933.0)
    assert found["density:melt"]["temperature"] == 1000.0
    assert found["heating-cooling"]["highest"] == 1600.0
    twice = SUITES["discovery"].settings(1866.0)
    assert twice["density:melt"]["temperature"] == 2000.0
    assert twice["melting"]["guess"] == 1866.0


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(DataError, match="did you mean discovery"):
        find_suite("discovry")


def test_a_difference_has_the_errors_of_both() -> None:
    own = result("density", {"density": Value(2.5, "g/cm³", statistical_error=0.03)})
    other = result("density", {"density": Value(2.0, "g/cm³", statistical_error=0.04)})
    (one,) = deviations(card("density:melt", own, other), "pot.mtp")
    assert (one.property, one.value, one.reference) == ("density:melt", 2.5, 2.0)
    assert one.difference == 0.5
    assert one.error == pytest.approx(0.05)
    assert one.percent == pytest.approx(25.0)
    published = published_deviations("fcc Al")
    assert deviation_rows([one], published)[0][5:] == ["+0.5 ± 0.05", "+25.0", ""]


def test_per_cent_of_nothing_is_left_out() -> None:
    own = {"lowest": Value(2e-7, "THz"), "highest": Value(8.0, "THz"), "gap": Value(math.nan)}
    other = {"lowest": Value(1e-7, "THz"), "highest": Value(10.0, "THz"), "gap": Value(1.0)}
    found = deviations(card("phonons", result("a", own), result("a", other)), "pot.mtp")
    assert [(one.quantity, one.percent) for one in found] == [("lowest", None), ("highest", -20.0)]


def test_curves_and_frames_are_root_mean_square_differences() -> None:
    curve = Curve.of("Bain", [0, 1], [0, 1], ("c/a", "energy above fcc, Bain path (meV/atom)"))
    own = result(
        "paths", {}, curves=(curve,),
        curve_errors={"Bain: energy above fcc, Bain path (meV/atom)": 3.0},
    )  # fmt: skip
    (one,) = deviations(card("paths", own, result("paths", {})), "pot.mtp")
    assert (one.unit, one.value, one.difference) == ("meV/atom", None, 3.0)
    values = {"force error in heating": Value(30.0, "meV/Å"), "fcc before": Value(1.0)}
    frames = deviations(card("heating-cooling", result("x", values), None), "pot.mtp")
    assert [(each.quantity, each.difference) for each in frames] == [("force error in heating", 30)]
    published = published_deviations("fcc Al")
    assert [row[-1] for row in deviation_rows([one, *frames], published)] == ["4.5", "23"]


def test_what_is_published_is_about_quantities_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each published deviation finds its number in a card, but those of long simulations."""
    potential = Analytic(("Al",)).write(tmp_path / "Al.eam.alloy", 301, 301)
    words = ["card", str(potential), "--species", "Al", "--suite", "discovery", "--quick"]
    words += ["--reference", str(potential), "-o", str(tmp_path / "card.html"), "--workers", "1"]
    names = ("elastic", "cold-curves", "paths", "stacking-faults", "vacancies", "interstitials")
    assert main([*words, "--only", *names, "surfaces", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = {(one["property"], one["quantity"]) for one in document["deviations"]["Al.eam.alloy"]}
    published = published_deviations("fcc Al")
    assert published is not None
    there = {key for key in published.texts if key[0] != "heating-cooling"}
    assert there <= found
    assert {one["difference"] for one in document["deviations"]["Al.eam.alloy"]} == {0.0}
    assert {one["property"] for one in document["published"]["deviations"]} > {"elastic"}
    assert document["properties"]["stacking-faults"]["reference"]["settings"]["points"] == 5
    page = (tmp_path / "card.html").read_text()
    assert "Deviations from the reference" in page
    assert "within 6.6 %" in page
    assert "of no use" in page


def test_the_table_of_a_suite_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    potential = Analytic(("Al",)).write(tmp_path / "Al.eam.alloy", 301, 301)
    words = ["card", str(potential), "--species", "Al", "--suite", "discovery", "--only", "lattice"]
    words += ["elastic", "--reference", "emt", "-o", str(tmp_path / "c.html"), "--workers", "1"]
    assert main([*words, "--set", "elastic.strain=0.004"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"elastic +C11 +GPa .* \+10 %", out)
    assert "volume" not in out  # no headline of the lattice
    kept = json.loads((tmp_path / "c_results" / "Al.eam.alloy.elastic.json").read_text())
    assert kept["result"]["settings"]["strain"] == 0.004


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--species", "Al", "--quick"], "--quick: is of a suite"),
        (["--species", "Al", "--melting-point", "900"], "--melting-point: is of a suite"),
        (["--species", "Al", "--suite", "discovry"], "did you mean discovery"),
        (["--species", "Cu", "--suite", "discovery"], "give it with --melting-point"),
    ],
)
def test_what_a_suite_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["card", "emt", "-o", str(tmp_path / "card.html"), *words]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
