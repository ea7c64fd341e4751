"""Campaign files: what they may say, and what is said of those that cannot be used."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from campaign_files import SMALL

from maxvolt.campaign import Settings, campaign_schema, read_settings
from maxvolt.campaign.settings import settings_of
from maxvolt.campaign.settings.comparison import changed_settings
from maxvolt.cli.campaign_table import describe_change
from maxvolt.errors import SettingsError

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "campaigns" / "campaign.schema.json"


def checked(text: str) -> tuple[Settings, ...]:
    return settings_of(tomllib.loads(text), Path("al.toml")).stages


def refusal(text: str) -> list[str]:
    """Return the lines of the error."""
    with pytest.raises(SettingsError) as caught:
        checked(text)
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1
    return SMALL.replace(old, new)


class TestWhatIsRead:
    def test_values_and_defaults(self) -> None:
        (settings,) = checked(SMALL)
        assert settings.campaign.name == "al"
        assert settings.campaign.folder == "al"
        assert settings.potential.species == ("Al",)
        assert settings.selection.break_ == 3.0
        assert settings.reference.retries == 2
        assert settings.stage.name == "main"

    def test_a_whole_number_is_a_number(self) -> None:
        (settings,) = checked(changed("select = 1.5", "select = 2"))
        assert settings.selection.select == 2.0

    def test_settings_survive_json(self) -> None:
        (settings,) = checked(SMALL)
        again = Settings.model_validate_json(settings.model_dump_json(by_alias=True))
        assert again == settings

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "copper.toml"
        path.write_text(SMALL)
        read = read_settings(path)
        assert read.folder == tmp_path / "copper"
        assert read.general.name == "copper"


class TestExamples:
    def test_emt(self) -> None:
        read = read_settings(ROOT / "examples" / "aluminium_emt" / "aluminium.toml")
        assert [stage.reference.calculator for stage in read.stages] == ["emt", "emt"]

    def test_dft(self) -> None:
        """It is read where GPAW is not installed."""
        read = read_settings(ROOT / "examples" / "aluminium_dft" / "aluminium.toml")
        assert [stage.stage.name for stage in read.stages] == ["solid", "solid and liquid"]
        for stage in read.stages:
            reference = stage.reference.reference()
            assert reference.calculator == "gpaw"
            # No setting is left to a default that may change: the kept report is of these.
            assert set(stage.reference.settings) | {"maxiter"} == set(reference.complete_settings)


class TestStages:
    TWO = (
        SMALL
        + """
[[stage]]
name = "cheap"
scenarios = ["warm"]

[[stage]]
name = "accurate"
sparsify = true
[stage.selection]
break = 5
[stage.reference]
calculator = "ase.calculators.lj:LennardJones"
[[stage.scenario]]
name = "hot"
kind = "md"
structure = "fcc"
temperature = "ramp 300 900 100"
"""
    )

    def test_a_stage_takes_from_above_what_it_leaves_out(self) -> None:
        cheap, accurate = checked(self.TWO)
        assert cheap.selection.break_ == 3.0
        assert accurate.selection.break_ == 5.0
        assert accurate.selection.select == 1.5
        assert [s.name for s in cheap.active_scenarios] == ["warm"]
        assert [s.name for s in accurate.active_scenarios] == ["hot"]
        assert accurate.stage.sparsify

    def test_a_stage_without_scenarios(self) -> None:
        messages = refusal(self.TWO.replace('scenarios = ["warm"]', "scenarios = []"))
        assert "stage 'cheap' runs no scenario; name some in scenarios" in "".join(messages)

    def test_only_the_first_stage_begins_with_the_training_structures(self) -> None:
        cheap, accurate = checked(self.TWO)
        assert len(cheap.training) == 1
        assert accurate.training == ()

    def test_settings_belong_to_their_calculator(self) -> None:
        text = self.TWO.replace(
            'calculator = "emt"', 'calculator = "emt"\nsettings = { asap_cutoff = true }'
        )
        cheap, accurate = checked(text)
        assert cheap.reference.settings == {"asap_cutoff": True}
        assert accurate.reference.settings == {}

    def test_errors_name_the_stage(self) -> None:
        assert refusal(self.TWO.replace("break = 5", "brake = 5"))[1:] == [
            "  [stage 2.selection] brake: unknown key; did you mean 'break'?"
        ]

    def test_two_stages_of_one_name(self) -> None:
        (line,) = refusal(self.TWO.replace('"accurate"', '"cheap"'))[1:]
        assert "two stages are called 'cheap'" in line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("level = 4", "level = 5", ["[potential] level", "multiple of 2", "found 5"]),
        ("level = 4", 'level = "4"', ["[potential] level", "whole number", "without quotes"]),
        ("level = 4", "levl = 4", ["[potential] levl", "unknown key", "'level'"]),
        ("level = 4", "frobnicate = 4", ["[potential] frobnicate", "unknown key", "radial_basis"]),
        ('species = ["Al"]', 'species = "Al"', ["[potential] species", "a list", "[...]"]),
        ('species = ["Al"]', 'species = ["Zz"]', ["[potential] species 1", "chemical symbol"]),
        ("cutoff = 4.5", "cutoff = -1", ["[potential] cutoff", "at least 0.5", "found -1"]),
        ("cutoff = 4.5", "cutoff = nan", ["[potential] cutoff", "finite"]),
        ("break = 3.0", "break = 1", ["[selection]", "break = 1", "raise break"]),
        ('mode = "neighborhood"', 'mode = "atoms"', ["[selection] mode", "'configuration'"]),
        ('kind = "md"', 'kind = "mc"', ["[scenario 1]", "'md'", "'relaxation'", "'mc'"]),
        ('kind = "md"\n', "", ["[scenario 1]", "kind is missing", "'md'"]),
        ("steps = 60\n", "", ["[scenario 1]", "steps is missing", "schedule"]),
        ("steps = 60\n", "steps = 60\ngrade_every = 7\n", ["multiple of grade_every = 7"]),
        ("steps = 60", "stepz = 60", ["[scenario 1] stepz", "'steps'"]),
        ("temperature = 600", 'temperature = "hot"', ["[scenario 1] temperature", "ramp 300"]),
        ("[campaign]", "[campain]", ["[campain]", "unknown key", "'campaign'"]),
        ('calculator = "emt"', "", ["[reference] calculator", "is missing", "emt"]),
        ('calculator = "emt"', 'calculator = "vesp"', ["[reference]", "vesp"]),
        ("rattle = 0.02", 'rattle = "a"', ["[training 1] rattle", "a number", "'a'"]),
        ("a = 4.05", "a = 0", ["[structures.fcc] a", "above 0"]),
        ('crystal = "fcc"', "", ["[structures.fcc]", "file", "crystal", "random"]),
        ('crystal = "fcc"', 'crystal = "fcc"\nfile = "a"', ["[structures.fcc]", "give one of"]),
        ("[structures.fcc]", "[structures.bcc]", ["'fcc'", "[structures.fcc]", "'bcc'"]),
        ("seed = 1", "seed = -1", ["[campaign] seed", "at least 0"]),
        ("limit = 3", "limit = 2.5", ["[selection] limit", "whole number"]),
        ("limit = 3", "weights = { energy = 0.0 }", ["[selection] weights", "above 0"]),
        ("starts = 1", "isolated_energies = { Cu = -1.0 }", ["isolated_energies", "lacks Al"]),
    ],
)
def test_every_error_names_the_key_and_what_is_expected(
    old: str, new: str, words: list[str]
) -> None:
    text = SMALL.replace(old, new, 1)
    assert text != SMALL
    message = "\n".join(refusal(text))
    assert message.startswith("al.toml: ")
    for word in words:
        assert word in message


def test_a_list_that_is_too_short_says_how_many_it_has() -> None:
    search = '[[scenario]]\nname = "crystals"\nkind = "search"\natoms = [2]\nvolume = [140.0]\n'
    assert refusal(SMALL.replace("[[scenario]]", f"{search}\n[[scenario]]", 1))[1:] == [
        "  [scenario 1] atoms: expected 2 entries, found [2]; complete the list (Fewest and most "
        "atoms of a cell, or of a cluster)",
        "  [scenario 1] volume: expected 2 entries, found [140.0]; complete the list (Least and "
        "largest volume of an atom in new structures, Angstrom^3)",
    ]


def test_an_error_between_sections_begins_with_what_it_is_about() -> None:
    search = '[[scenario]]\nname = "crystals"\nkind = "search"\natoms = [1, 2]\nspecies = ["Cu"]\n'
    (line,) = refusal(SMALL.replace("[[scenario]]", f"{search}\n[[scenario]]", 1))[1:]
    assert line.startswith("  scenario 'crystals' searches for Cu")


def test_all_errors_are_told_at_once() -> None:
    text = changed("level = 4", "level = 5").replace("seed = 1", "seed = -1")
    assert len(refusal(text)) == 3


def test_a_committee_needs_members() -> None:
    (line,) = refusal(changed('mode = "neighborhood"', 'strategy = "committee"'))[1:]
    assert "members = 5" in line


def test_dates_are_refused() -> None:
    assert "in quotes" in "".join(refusal(changed("seed = 1", "seed = 2026-01-01")))


@pytest.mark.parametrize(
    ("content", "word"), [(b"a = ", "TOML"), (b"\xff", "TOML"), (None, "no such file")]
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, word: str) -> None:
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=word):
        read_settings(path)


class TestDocumentation:
    """The examples of the documentation can be used as they stand."""

    def test_the_whole_file(self) -> None:
        (settings,) = checked(examples()[0])
        assert settings.selection.mode == "neighborhood"
        assert settings.scenario[0].name == "solid 900 K"

    def test_stages(self) -> None:
        explore, accurate = checked(examples()[0] + examples()[1])
        assert explore.reference.calculator == "emt"
        assert accurate.selection.break_ == 4.0


def examples() -> list[str]:
    text = (SCHEMA.parent / "README.md").read_text()
    return re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


class TestSchema:
    def test_the_published_schema_is_the_one_of_the_code(self) -> None:
        assert json.loads(SCHEMA.read_text()) == campaign_schema()

    def test_sections_of_a_stage_require_nothing(self) -> None:
        stage = campaign_schema()["$defs"]["Stage"]
        families = stage["properties"]["potential"]["anyOf"]
        assert [one["properties"]["family"]["const"] for one in families] == ["mtp", "ani"]
        for one in families:
            assert "required" not in one
            assert "species" in one["properties"]

    def test_a_file_without_family_is_of_the_first_only(self) -> None:
        schema = campaign_schema()
        first, *others = schema["properties"]["potential"]["oneOf"]
        assert "required" not in first
        assert [one["required"] for one in others] == [["family"]]

    def test_every_key_is_described(self) -> None:
        schema = campaign_schema()
        for name, definition in schema["$defs"].items():
            for key, content in definition.get("properties", {}).items():
                known = {"description", "$ref", "const"} & set(content)
                assert known, f"{name}.{key} has no description"


def test_changes_name_the_keys() -> None:
    (before,) = checked(SMALL)
    (after,) = checked(changed("steps = 60", "steps = 80").replace("break = 3.0", "break = 4.0"))
    assert changed_settings(before, after) == [
        {"key": "selection.break", "before": 3.0, "after": 4.0},
        {"key": "scenario.warm.steps", "before": 60, "after": 80},
    ]


def test_a_scenario_that_is_new_or_gone_is_one_change() -> None:
    (before,) = checked(SMALL)
    (after,) = checked(changed('name = "warm"', 'name = "hot"'))
    gone, new = changed_settings(before, after)
    assert (gone["key"], gone["after"]) == ("scenario.warm", None)
    assert (new["key"], new["before"]) == ("scenario.hot", None)
    assert new["after"]["temperature"] == 600
    assert describe_change(gone) == "scenario.warm removed"
    assert describe_change(new) == "scenario.hot added"
    assert describe_change({"key": "a.b", "before": 1, "after": None}) == "a.b: 1 is now None"
