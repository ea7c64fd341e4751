"""Campaigns that begin with disordered boxes alone, and end when typical runs do not break."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from ase.data import atomic_masses
from attacks.campaign_trials.small_campaign import SMALL_BOXES as BOXES
from campaign_files import InThisProcess, products, run, run_with_interruptions

from maxvolt.campaign import Campaign, CampaignFolder, summarize
from maxvolt.campaign.record.iteration_summary import is_clean, sampling_summary
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.settings import Settings, settings_of
from maxvolt.campaign.steps.first_structures import FIRST
from maxvolt.cli import main
from maxvolt.cli.campaign_table import print_campaign
from maxvolt.errors import SettingsError
from maxvolt.selection import Committee
from maxvolt.units import G_CM3_PER_U_A3

COMMITTEE = (
    BOXES.replace("level = 4", "level = 4\nmembers = 3")
    .replace('mode = "neighborhood"', 'strategy = "committee"\nscale = "errors"')
    .replace("select = 1.1", "select = 3.0")
    .replace("break = 1.2", "break = 6.0")
    .replace(
        "[stopping]",
        """[[validation]]
kind = "boxes"
composition = { Al = 1 }
edges = 8.5
density = [1.8, 3.0]
count = 3

[stopping]""",
    )
)


def settings(text: str = BOXES) -> Settings:
    return settings_of(tomllib.loads(text), Path("al.toml")).stages[0]


def refusal(old: str, new: str, text: str = BOXES) -> str:
    assert text.count(old) == 1
    with pytest.raises(SettingsError) as caught:
        settings(text.replace(old, new))
    return str(caught.value)


def written(folder: Path, text: str = BOXES) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "al.toml"
    file.write_text(text)
    return file


def part(folder: CampaignFolder, iteration: int, number: int) -> dict[str, np.ndarray]:
    return read_result(folder.iteration(iteration).part_file("melts", number)).datasets


def test_from_random_boxes_until_the_median_run_does_not_break(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(written(tmp_path / "one"))
    assert result.status == "finished"
    assert "50% of the runs of each scenario of stage 'main', or more, reach their end" in (
        result.reason
    )
    folder = CampaignFolder(result.folder)
    rows = [one.outcome() for one in folder.iterations()]
    sampled = [row for row in rows if row["kind"] == "sampling"]
    assert len(sampled) >= 2  # it had something to learn
    assert all(row["finished"]["melts"] < 0.5 for row in sampled[:-1])
    assert sampled[-1]["finished"]["melts"] >= 0.5
    ended = sorted(one["steps"] for one in sampled[-1]["scenarios"])
    assert ended[2] == 60  # two of four, or more
    # Each run has begun in a box of its own, in each iteration.
    lasts = [part(folder, row["iteration"], k)["last"] for row in sampled for k in range(4)]
    cells = [last.n_atoms for last in lasts]
    assert len({last.cells.tobytes() for last in lasts}) == 4 * len(sampled)
    seeds = {
        read_result(folder.iteration(row["iteration"]).part_file("melts", k)).record["seed"]
        for row in sampled
        for k in range(4)
    }
    assert len(seeds) == 4 * len(sampled)
    mass = atomic_masses[13] * G_CM3_PER_U_A3
    assert min(cells) >= round(8.0**3 * 1.8 / mass)
    assert max(cells) <= round(9.0**3 * 3.0 / mass) + 1
    for row in sampled:
        for k in range(4):
            assert len(part(folder, row["iteration"], k)["extrapolative"]) <= 2
    print_campaign(summarize(folder))
    assert "finished: 50% of the runs" in capsys.readouterr().out
    # A program that is interrupted after each step comes to the same end.
    again, runs = run_with_interruptions(written(tmp_path / "other"))
    assert runs > 10
    assert again.status == "finished"
    assert products(again.folder) == products(result.folder)


def test_what_breaks_in_the_last_iteration_is_learnt(tmp_path: Path) -> None:
    text = BOXES.replace("finished = 0.5", "reliability = 0.001")
    result = run(written(tmp_path / "one", text))
    assert "reach a reliability of 0.001" in result.reason
    folder = CampaignFolder(result.folder)
    *_, before, last = (one.outcome() for one in folder.iterations())
    assert last["is_clean"]
    assert last["n_breaks"] > 0
    assert last["n_labelled"] > 0
    assert last["n_training"] == before["n_training"] + last["n_labelled"]
    assert set(last["files"].values()) == {last["iteration"]}
    (potential,) = folder.iteration(last["iteration"]).potential_files(settings(text).potential)
    assert (result.folder / "potential.almtp").read_bytes() == potential.read_bytes()
    again, _ = run_with_interruptions(written(tmp_path / "other", text))
    assert products(again.folder) == products(result.folder)


def test_without_a_training_set_boxes_are_labelled_first(tmp_path: Path) -> None:
    begin, end = BOXES.index("[[training]]"), BOXES.index("[stopping]")
    text = (BOXES[:begin] + BOXES[end:]).replace("max_iterations = 12", "max_iterations = 1")
    result = run(written(tmp_path, text))
    opening = CampaignFolder(result.folder).iteration(0).outcome()
    assert opening["n_candidates"] == FIRST  # and no displaced copies: nothing is symmetric
    assert opening["n_labelled"] == FIRST


def test_a_committee_in_multiples_of_held_out_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, COMMITTEE.replace("max_iterations = 12", "max_iterations = 2"))
    with InThisProcess() as executor:
        result = Campaign(file).run(executor=executor)
    folder = CampaignFolder(result.folder)
    row = folder.iteration(0).outcome()
    assert row["committee_scales"].startswith("spread of 3 potentials: energies in units of")
    held_out = read_result(folder.iteration(0).step_file("validation")).datasets["labelled"]
    files = folder.iteration(0).potential_files(settings(COMMITTEE).potential)
    from maxvolt.potentials import load

    ensemble = load(files)
    expected = Committee.from_errors(ensemble, held_out)
    assert expected.description == row["committee_scales"]
    sampled = folder.iteration(1).outcome()
    grades = [one["max_grade"] for one in sampled["scenarios"]]
    first = read_result(folder.iteration(1).part_file("melts", 0))
    last = first.datasets["last"]
    assert max(first.arrays["grades"]) == pytest.approx(grades[0])
    assert expected.grade(last)[0] == pytest.approx(first.arrays["grades"][-1], rel=1e-6)
    assert main(["status", str(result.folder)]) == 0
    assert "grades: spread of 3 potentials" in capsys.readouterr().out


def record(share: float, count: int = 10, **more: object) -> list[dict[str, object]]:
    """Runs of a scenario of which a share has reached the end."""
    one = {"scenario": "melts", "part": 0, "kind": "DrawnDynamics", "reason": "", "message": ""}
    one |= {"seconds": 1.0, "max_grade": 1.0, "n_extrapolative": 1, "total_steps": 100, **more}
    done = round(share * count)
    return [
        {**one, "part": k, "is_break": k >= done, "steps": 100 if k < done else 10}
        for k in range(count)
    ]


def test_a_share_of_the_runs_of_each_scenario_is_asked_for() -> None:
    stopping = settings().stopping
    assert is_clean(sampling_summary(record(0.5)), stopping)
    assert not is_clean(sampling_summary(record(0.4)), stopping)
    # The worst scenario counts, however many runs others have.
    both = [*record(1.0, 90), *record(0.4, scenario="solids")]
    summary = sampling_summary(both)
    assert summary["finished"] == {"melts": 1.0, "solids": 0.4}
    assert not is_clean(summary, stopping)
    # Of relaxations candidates count.
    relaxed = record(0.0, 1, kind="Relaxation", total_steps=100)
    assert sampling_summary(relaxed)["finished"] == {"melts": 0.1}
    # A reliability below 1 is asked for, too: 5 of 10 runs done make 55% of the steps.
    strict = settings(BOXES.replace("finished = 0.5", "finished = 0.5\nreliability = 0.6"))
    assert not is_clean(sampling_summary(record(0.5)), strict.stopping)
    assert is_clean(sampling_summary(record(0.6)), strict.stopping)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('until = "no break"', 'until = "no extrapolation"', "finished = 0.5 allows for runs"),
        ("finished = 0.5", "finished = 1.5", "finished: expected a number of at most 1"),
        ("edges = [8.0, 9.0]\n", "edges = [1.0, 9.0]\n", "edges: the shortest, 1 A"),
        ("density = [1.8, 2.0]\n", "density = [1.8, 9.0]\n", "fill 61% of the volume"),
        ("steps = 60\n", "", "steps is missing"),
        ("copies = 4\n", 'structure = "fcc"\ncopies = 4\n', "give one of structure"),
        ("start = [10, 900]", "start = [900, 10]", "start: expected a number of at least 0"),
        ("amplitude = [0.0, 0.03]", "amplitude = 0.99", "the smallest strain must lie"),
        ("timestep_fs = 2.0", 'ensemble = "npt"', "the barostat of npt sets the cell"),
    ],
)
def test_what_cannot_be_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    if "npt" in new:  # found when the scenario is made, before anything is calculated
        file = written(tmp_path, BOXES.replace(old, new))
        with pytest.raises(SettingsError, match=message):
            Campaign(file).check()
        return
    assert message in refusal(old, new)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('scale = "errors"', "scale = { of = 'error' }", "give energy (eV), force (eV/A), or both"),
        ('scale = "errors"', "scale = { force = -1.0 }", "force"),
        ('strategy = "committee"', 'strategy = "active set"', "scale is of the spread of a comm"),
    ],
)
def test_scales_that_cannot_be_are_refused(old: str, new: str, message: str) -> None:
    assert message in refusal(old, new, COMMITTEE)


def test_errors_need_held_out_labels() -> None:
    begin, end = COMMITTEE.index("[[validation]]"), COMMITTEE.index("[stopping]")
    for scale in ('"errors"', "{ of = 'error', force = 0.2 }"):
        text = (COMMITTEE[:begin] + COMMITTEE[end:]).replace('"errors"', scale)
        with pytest.raises(SettingsError, match=r"held-out labels: add \[\[validation\]\]"):
            settings(text)
    physical = COMMITTEE[:begin] + COMMITTEE[end:]
    settings(physical.replace('"errors"', "{ energy = 0.02, force = 0.2 }"))


def test_boxes_of_elements_that_the_potential_does_not_know(tmp_path: Path) -> None:
    text = BOXES.replace(
        'start = { kind = "random", composition = { Al = 1 }',
        'start = { kind = "random", composition = { Cu = 1 }',
    )
    with pytest.raises(SettingsError, match=r"\[scenario 1\]: holds Cu, but species"):
        Campaign(written(tmp_path, text)).check()
