"""What a campaign does next."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from campaign_files import SMALL

from maxvolt.campaign.planning import Action, CompleteIteration, Plan, plan
from maxvolt.campaign.settings import CampaignSettings, settings_of
from maxvolt.errors import SettingsError

TWO_STAGES = """
[[stage]]
name = "first"
[[stage]]
name = "second"
"""


def file_of(text: str) -> CampaignSettings:
    return settings_of(tomllib.loads(text), Path("al.toml"))


def sampled(
    file: CampaignSettings, *, clean: bool, stage: int = 0, **row: Any
) -> CompleteIteration:
    outcome = {
        "kind": "sampling",
        "is_clean": clean,
        "n_labelled": 0 if clean else 2,
        "n_new_labels": 0 if clean else 2,
        "reason": "it broke",
    }
    return CompleteIteration(file.stages[stage], outcome | row)


def opened(file: CampaignSettings, stage: int = 0) -> CompleteIteration:
    return sampled(file, clean=False, stage=stage, kind="opening", is_clean=None)


def next_of(past: list[CompleteIteration], text: str) -> Plan:
    return plan(past, file_of(text))


def test_a_campaign_opens_then_samples() -> None:
    assert next_of([], SMALL).kind == "opening"
    following = next_of([opened(file_of(SMALL))], SMALL)
    assert (following.action, following.kind) == (Action.ITERATE, "sampling")


def test_it_is_finished_when_no_scenario_extrapolates() -> None:
    file = file_of(SMALL)
    following = next_of([opened(file), sampled(file, clean=True)], SMALL)
    assert following.action is Action.FINISHED
    assert "no scenario" in following.reason


@pytest.mark.parametrize(
    ("stopping", "reason"),
    [
        ('until = "no break"', "no scenario of stage 'main' breaks"),
        ('until = "no break"\nreliability = 0.9', "reach a reliability of 0.9"),
        ("reliability = 0.9", "no scenario of stage 'main' extrapolates"),
    ],
)
def test_the_reason_is_what_was_asked_for(stopping: str, reason: str) -> None:
    text = f"{SMALL}\n[stopping]\n{stopping}\n"
    file = file_of(text)
    assert reason in next_of([opened(file), sampled(file, clean=True)], text).reason


def test_repeats_must_follow_each_other() -> None:
    text = SMALL + "\n[stopping]\nrepeats = 2\n"
    file = file_of(text)
    clean, broken = sampled(file, clean=True), sampled(file, clean=False)
    assert next_of([opened(file), clean], text).action is Action.ITERATE
    assert next_of([clean, broken, clean], text).action is Action.ITERATE
    assert next_of([broken, clean, clean], text).action is Action.FINISHED


def test_a_stage_follows_the_other_without_opening_where_nothing_is_new() -> None:
    text = SMALL + TWO_STAGES
    file = file_of(text)
    following = next_of([opened(file), sampled(file, clean=True)], text)
    assert following.settings.stage.name == "second"
    assert following.kind == "sampling"


@pytest.mark.parametrize(
    "new",
    [
        "sparsify = true",
        '[stage.reference]\ncalculator = "ase.calculators.lj:LennardJones"',
        "[stage.potential]\nlevel = 6",
        "[stage.fit]\nforce_weight = 0.1",
    ],
)
def test_a_stage_opens_where_labels_or_potential_change(new: str) -> None:
    text = SMALL + TWO_STAGES + new + "\n"
    file = file_of(text)
    following = next_of([opened(file), sampled(file, clean=True)], text)
    assert (following.settings.stage.name, following.kind) == ("second", "opening")


def test_an_edit_reopens_a_finished_campaign() -> None:
    past = [opened(file_of(SMALL)), sampled(file_of(SMALL), clean=True)]
    edited = next_of(past, SMALL.replace("steps = 60", "steps = 80"))
    assert (edited.action, edited.kind) == (Action.ITERATE, "sampling")
    deeper = next_of(past, SMALL.replace("level = 4", "level = 6"))
    assert (deeper.action, deeper.kind) == (Action.ITERATE, "opening")


@pytest.mark.parametrize("harmless", ["workers = 2", "max_iterations = 8"])
def test_an_edit_of_no_consequence_does_not(harmless: str) -> None:
    past = [opened(file_of(SMALL)), sampled(file_of(SMALL), clean=True)]
    key = harmless.partition(" =")[0]
    assert next_of(past, SMALL.replace(harmless, f"{key} = 4")).action is Action.FINISHED


def test_the_limit_of_iterations_counts_within_a_stage() -> None:
    text = SMALL.replace("max_iterations = 8", "max_iterations = 2")
    file = file_of(text)
    broken = sampled(file, clean=False)
    assert next_of([opened(file), broken], text).action is Action.ITERATE
    stopped = next_of([opened(file), broken, broken], text)
    assert stopped.action is Action.STOPPED
    assert "max_iterations = 2; raise it" in stopped.reason
    raised = text.replace("max_iterations = 2", "max_iterations = 3")
    assert next_of([opened(file), broken, broken], raised).action is Action.ITERATE


def test_the_limit_of_labels() -> None:
    text = SMALL + "\n[stopping]\nmax_labels = 4\n"
    file = file_of(text)
    assert next_of([opened(file)], text).action is Action.ITERATE
    stopped = next_of([opened(file), sampled(file, clean=False)], text)
    assert stopped.action is Action.STOPPED
    assert "max_labels = 4 (4 reference calculations)" in stopped.reason


def test_iterations_that_bring_nothing_end_it() -> None:
    file = file_of(SMALL)
    idle = sampled(file, clean=False, n_labelled=0, n_new_labels=0)
    assert next_of([opened(file), idle, idle], SMALL).action is Action.ITERATE
    stopped = next_of([opened(file), idle, idle, idle], SMALL)
    assert stopped.action is Action.STOPPED
    assert "it broke" in stopped.reason
    edited = SMALL.replace("break = 3.0", "break = 4.0")
    assert next_of([opened(file), idle, idle, idle], edited).action is Action.ITERATE


def test_a_stage_that_vanished_is_named() -> None:
    file = file_of(SMALL + TWO_STAGES)
    with pytest.raises(SettingsError, match="'first', which the file no longer has"):
        next_of([opened(file)], SMALL)
