"""`maxvolt property` and `maxvolt card`."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import maxvolt
from embedded_atoms import Analytic
from maxvolt.cli import main
from maxvolt.properties.described_settings import described_settings
from maxvolt.properties.registry import registered

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

QUICK = ("--only", "lattice", "cold-curves", "--set", 'cold-curves.structures=["fcc","bcc"]')
POINTS = ("--set", "cold-curves.points=7", "--workers", "1")


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    return Analytic(("Al",)).write(tmp_path / "Al.eam.alloy", 301, 301)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    try:
        code = main(list(words))
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    return " ".join(capsys.readouterr().err.split())


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["property", "--list"]) == 0
    out = capsys.readouterr().out
    assert "stacking-faults" in out
    assert main(["property", "--list", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["vacancies"]["settings"]["size"] is None
    assert known["phonons"]["in_every_card"] is False


def test_settings_of_a_property_have_units_defaults_and_meanings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["property", "viscosity", "--settings"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"production_time +ps +50 +Time that is averaged over", out)
    assert main(["property", "viscosity", "--settings", "--json"]) == 0
    known = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert known["pressure"]["unit"] == "GPa"
    assert known["cutoff_time"]["default"] is None
    assert "twenty times" in known["cutoff_time"]["meaning"]
    assert main(["property", "lattice", "--settings"]) == 0
    assert "no settings" in capsys.readouterr().out
    assert "NAME of a property" in refused(capsys, "property", "--settings")


def test_every_setting_is_described() -> None:
    for one in registered().values():
        names = [field.name for field in fields(one.settings)]
        described = described_settings(one.settings)
        assert [setting.name for setting in described] == names
        assert [name for name in names if not described[names.index(name)].meaning] == []
        pressures = [each for each in described if each.name == "pressure"]
        assert all(each.unit == "GPa" for each in pressures)


CODE = 'calculator = "emt"\n[settings]\nasap_cutoff = true\n'


def test_a_code_stands_for_a_potential(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "code.toml").write_text(CODE)
    found = []
    for given in ("emt", "ase.calculators.emt:EMT", str(tmp_path / "code.toml")):
        assert main(["property", "lattice", given, "fcc:Cu", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["values"]["a"]["value"])
    assert found[0] == found[1] == pytest.approx(3.59, abs=0.01)
    assert found[2] != found[0]
    page = str(tmp_path / "card.html")
    words = ["card", "emt", str(tmp_path / "code.toml"), "--species", "Cu", "-o", page, "--json"]
    assert main([*words, "--only", "lattice", "--workers", "1"]) == 0
    lattice = json.loads(capsys.readouterr().out)["properties"]["lattice"]
    assert [one["values"]["a"]["value"] for one in lattice.values()] == found[1:]
    file = tmp_path / "card_results" / "code.toml.lattice.json"
    first = file.stat().st_mtime_ns
    (tmp_path / "code.toml").write_text(CODE.replace("true", "false"))
    assert main([*words, "--only", "lattice", "--workers", "1"]) == 0
    assert file.stat().st_mtime_ns > first
    said = refused(capsys, "property", "lattice", "nobody", "fcc:Cu")
    assert "unknown calculator 'nobody'" in said
    assert "unknown calculator 'nobody'" in refused(
        capsys, "card", "nobody", "--species", "Cu", "-o", page
    )
    assert "no such file" in refused(capsys, "property", "lattice", "missing.mtp", "fcc:Cu")


def test_a_number_that_is_not_there_is_none(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["property", "cold-curves", str(potential), "Al", "--set", 'structures=["fcc"]']
    words += ["--set", "points=6", "--set", "smallest=0.6", "--set", "largest=0.7"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert re.search(r"fcc energy .* none", out)
    assert "nan" not in out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"]["fcc energy"]["value"] is None


def test_a_property_with_a_reference(potential: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["property", "cold-curves", str(potential), "fcc:Al:4.0", "--reference", "emt"]
    words += ["--set", 'structures=["fcc"]', "--set", "points=7"]
    picture = potential.with_name("curves.png")
    assert main([*words, "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "fcc energy" in out
    assert "reference" in out
    assert "root mean square difference" in out
    assert picture.stat().st_size > 1000
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["values"]["fcc energy"]["unit"] == "eV/atom"
    assert found["values"]["fcc energy"]["reference"] is not None
    assert found["settings"]["points"] == 7


def test_an_ensemble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = copper()
    maxvolt.Ensemble((one, one)).write(tmp_path / "two.mtp")
    words = ["cold-curves", str(tmp_path / "two.mtp"), "Cu", "--set", 'structures=["fcc"]']
    assert main(["property", *words, "--set", "points=5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["members"] == 2
    assert found["values"]["fcc volume"]["two_sigma"] in (0.0, None)


def test_what_a_property_refuses(potential: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = str(potential)
    assert "NAME POT STRUCTURE" in refused(capsys, "property", "lattice", given)
    assert "did you mean lattice" in refused(capsys, "property", "latice", given, "Al")
    assert "no such file" in refused(capsys, "property", "lattice", given, "missing.xyz")
    assert "is no element" in refused(capsys, "property", "lattice", given, "Xx")
    for length in ("nan", "-4.05", "0", "inf", "four"):
        said = refused(capsys, "property", "lattice", given, f"fcc:Al:{length}")
        assert f"fcc:Al:{length}: '{length}' is no lattice constant" in said
    assert "do not interact" in refused(capsys, "property", "lattice", given, "fcc:Al:40.5")
    none = ("--set", "timestep=None", "--set", "temperature=-3")  # None as --settings has it
    assert "temperature must lie" in refused(capsys, "property", "density", "emt", "Cu", *none)
    wrong = refused(capsys, "property", "vacancies", given, "Al", "--set", "sice=3")
    assert "did you mean size" in wrong
    assert "expected NAME=VALUE" in refused(
        capsys, "property", "vacancies", given, "Al", "--set", "size"
    )
    picture = str(potential.with_name("a.png"))
    assert "no curves" in refused(capsys, "property", "lattice", given, "Al", "--plot", picture)
    assert not Path(picture).exists()


def test_a_card_goes_on_from_what_is_kept(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Analytic(("Al",), seed=1).write(potential.with_name("other.eam.alloy"), 301, 301)
    page = potential.with_name("card.html")
    words = ["card", str(potential), str(other), "--species", "Al", "-o", str(page)]
    words += ["--reference", "emt", *QUICK, *POINTS]
    assert main(words) == 0
    text = page.read_text(encoding="utf-8")
    assert "Al.eam.alloy" in text
    assert "other.eam.alloy" in text
    assert "Cold curves" in text
    assert text.count("data:image/svg+xml") == 1
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    kept = potential.with_name("card_results")
    assert len(list(kept.iterdir())) == 6
    # What is kept is believed, what is damaged or of another potential is computed again.
    file = kept / "Al.eam.alloy.lattice.json"
    document = json.loads(file.read_text())
    document["result"]["values"]["a"]["value"] = 4.321
    file.write_text(json.dumps(document))
    (kept / "other.eam.alloy.lattice.json").write_text("{")
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    lattice = json.loads(capsys.readouterr().out)["properties"]["lattice"]
    assert lattice["Al.eam.alloy"]["values"]["a"]["value"] == 4.321
    assert 3.5 < lattice["other.eam.alloy"]["values"]["a"]["value"] < 4.5
    Analytic(("Al",), seed=2).write(potential, 301, 301)
    assert main([*words, "--json"]) == 0
    lattice = json.loads(capsys.readouterr().out)["properties"]["lattice"]
    assert lattice["Al.eam.alloy"]["values"]["a"]["value"] != 4.321


def test_a_card_has_one_property_in_several_states(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = potential.with_name("card.html")
    words = ["card", str(potential), "--species", "Al", "-o", str(page), "--workers", "1", "--json"]
    words += ["--reference", str(potential.rename(potential.with_name("reference.eam.alloy")))]
    Analytic(("Al",)).write(potential, 301, 301)
    words += ["--only", "lattice", "cold-curves:wide range", "cold-curves:12 K"]
    for setting in ("wide range.largest=2.5", "wide range.points=8", "12 K.points=7"):
        words += ["--set", f"cold-curves:{setting}"]
    words += ["--set", 'cold-curves:wide range.structures=["fcc"]']
    words += ["--set", 'cold-curves:12 K.structures=["fcc"]']
    assert main(words) == 0
    out = capsys.readouterr()
    assert "6 of 6" in out.err
    found = json.loads(out.out)["properties"]
    assert list(found) == ["lattice", "cold-curves:wide range", "cold-curves:12 K"]
    (wide, _), (narrow, _) = (list(found[name].values()) for name in list(found)[1:])
    assert max(wide["curves"][0]["x"]) > max(narrow["curves"][0]["x"])
    assert (len(wide["curves"][0]["x"]), len(narrow["curves"][0]["x"])) == (8, 7)
    text = page.read_text(encoding="utf-8")
    for title, place in (("wide range", "wide-range"), ("12 K", "12-k")):
        assert f'<h2 id="cold-curves-{place}">Cold curves, {title}</h2>' in text
        assert f'href="#cold-curves-{place}"' in text
    # The folder of the reference is none of the reader's business; equal potentials differ by 0 %.
    assert "compared with reference.eam.alloy" in text
    assert str(potential.parent) not in text
    assert "+0.0 %" in text


def test_numbers_of_a_page_are_those_of_the_card(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = potential.with_name("card.html")
    words = ["card", str(potential), "--species", "Al", "-o", str(page), *POINTS, "--json"]
    words += ["--reference", "emt", "--only", "cold-curves"]
    words += ["--set", 'cold-curves.structures=["fcc","diamond"]']
    words += ["--set", "cold-curves.smallest=0.6", "--set", "cold-curves.largest=0.9"]
    assert main(words) == 0
    whole = json.loads(capsys.readouterr().out)["properties"]["cold-curves"]
    link = re.search(r'data:application/gzip;base64,([^"]+)', page.read_text(encoding="utf-8"))
    assert link is not None

    def no_number(text: str) -> float:
        raise AssertionError(f"{text} is no JSON")

    inside = json.loads(gzip.decompress(base64.b64decode(link[1])), parse_constant=no_number)
    short = inside["properties"]["cold-curves"]
    assert whole["reference"]["values"]["diamond energy"]["value"] is None  # no minimum
    for label in ("Al.eam.alloy", "reference"):
        assert short[label]["values"]["diamond energy"]["value"] is None
        for curve, other in zip(whole[label]["curves"], short[label]["curves"], strict=True):
            assert other["y"] == pytest.approx(curve["y"], rel=1e-7)
    assert "reference_curves" not in short["Al.eam.alloy"]


def test_a_card_of_another_version_is_computed_again(
    potential: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = potential.with_name("card.html")
    words = ["card", str(potential), "--species", "Al", "-o", str(page), "--workers", "1"]
    assert main([*words, "--only", "lattice"]) == 0
    file = potential.with_name("card_results") / "Al.eam.alloy.lattice.json"
    first = file.stat().st_mtime_ns
    assert main([*words, "--only", "lattice"]) == 0
    assert file.stat().st_mtime_ns == first
    monkeypatch.setattr("maxvolt.report.card.card.__version__", "0.0.1")
    assert main([*words, "--only", "lattice"]) == 0
    assert file.stat().st_mtime_ns > first


def test_a_card_asks_the_reference_for_frames(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = potential.with_name("card.html")
    words = ["card", str(potential), "--species", "Al", "-o", str(page), "--workers", "1"]
    words += ["--reference", "emt", "--only", "lattice", "heating-cooling", "--json"]
    for setting in (
        "temperature=50", "highest=100", "atoms=32", "checked_frames=2", "held_share=0",
        "equilibration_time=0.5", "heating_time=0.5", "cooling_time=0.5",
    ):  # fmt: skip
        words += ["--set", f"heating-cooling.{setting}"]
    assert main(words) == 0
    out = capsys.readouterr()
    assert "3 of 3" in out.err
    properties = json.loads(out.out)["properties"]
    assert set(properties["lattice"]) == {"Al.eam.alloy", "reference"}
    (found,) = properties["heating-cooling"].values()
    assert found["values"]["force error in cooling"]["value"] > 0
    kept = potential.with_name("card_results")
    assert len(list((kept / "simulations").glob("frame-*.json"))) == 4
    file = kept / "Al.eam.alloy.heating-cooling.json"
    written = file.stat().st_mtime_ns
    assert main(words) == 0
    assert file.stat().st_mtime_ns == written
    words[words.index("emt")] = str(potential)  # another reference, other errors
    capsys.readouterr()
    assert main(words) == 0
    (found,) = json.loads(capsys.readouterr().out)["properties"]["heating-cooling"].values()
    assert found["values"]["force error in cooling"]["value"] == pytest.approx(0.0, abs=1e-6)


def test_a_code_that_simulates_is_named(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["property", "density", str(potential), "Al", "--reference", "emt"]
    for setting in ("atoms=8", "temperature=20", "equilibration_time=0.05", "production_time=0.05"):
        words += ["--set", setting]
    assert main(words) == 0
    assert "emt simulates as many steps as the potential for density" in capsys.readouterr().err


def test_a_card_says_what_could_not_be_computed(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = potential.with_name("card.html")
    words = ["card", str(potential), "--species", "Al", "-o", str(page), "--workers", "1"]
    words += ["--lattice-constant", "6.5", "--only", "lattice", "cold-curves", *POINTS[:2]]
    assert main(words) == 0
    assert "not computed: lattice of Al.eam.alloy" in capsys.readouterr().err
    assert "not computed" in page.read_text(encoding="utf-8")


def test_what_a_card_refuses(potential: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = str(potential.with_name("card.html"))
    words = ("card", str(potential), "-o", page, "--species")
    assert "not Cu" in refused(capsys, *words, "Cu")
    assert "is no element" in refused(capsys, *words, "Xx")
    assert "--species: expected one element; got Al,Cu" in refused(capsys, *words, "Al,Cu")
    assert "no setting 'foo'; it takes none" in refused(
        capsys, *words, "Al", "--only", "lattice", "--set", "lattice.foo=1"
    )
    pdf = potential.with_suffix(".pdf")
    assert f"{pdf}: a card is an .html file" in refused(
        capsys, "card", str(potential), "-o", str(pdf), "--species", "Al"
    )
    assert "did you mean phonons" in refused(capsys, *words, "Al", "--include", "phonon")
    assert "this one is sc" in refused(
        capsys, *words, "Al", "--structure", "sc", "--only", "stacking-faults"
    )
    assert "got '.melt'" in refused(capsys, *words, "Al", "--only", "lattice:.melt")
    assert "PROPERTY.NAME=VALUE" in refused(capsys, *words, "Al", "--set", "size=3")
    assert "unknown calculator" in refused(capsys, *words, "Al", "--reference", "nobody")
    html = potential.rename(potential.with_name("Al.html"))
    assert "overwrite" in refused(capsys, "card", str(html), "-o", str(html), "--species", "Al")
    assert not Path(page).exists()
