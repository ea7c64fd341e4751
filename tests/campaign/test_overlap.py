"""Campaigns that sample the next batch while they select, label and fit."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attacks.campaign_trials.small_campaign import SMALL_NETWORKS
from campaign_files import (
    SMALL,
    InterruptedRunError,
    InThisProcess,
    Run,
    products,
    run,
    run_with_interruptions,
    write_campaign,
)

from maxvolt.campaign import Campaign, CampaignFolder, Event, read_result, summarize
from maxvolt.campaign.iteration import CLEAN_BUT_STALE
from maxvolt.campaign.settings import read_settings
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.grading import query_of
from maxvolt.cli import main
from maxvolt.executors.kinds import Kind, given_executors
from promises import needs

NO_BREAK = '\n[stopping]\nuntil = "no break"\npatience = 1\n'
"""One iteration without labels ends a campaign; those of stale runs do not count."""

LATE = 120.0
"""Seconds after which a test gives up waiting."""


def overlapping(folder: Path, text: str = SMALL + NO_BREAK, **replaced: str) -> Path:
    """A campaign in which some stale candidates are new to the newest potential, others are not."""
    overlap = {"workers": "2\noverlap = true", "max_iterations": "30"}
    return write_campaign(folder, text, **{"break": "4.0", **overlap, **replaced})


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Such a campaign with one worker, so that nothing runs at once; do not change it."""
    file, events = overlapping(tmp_path_factory.mktemp("serial")), []
    return Run(file, run(file, events.append), tuple(events))


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two processes that stay."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def assert_alike(folder: Path, whole: Run, fits: int = 4) -> None:
    """Demand the iterations of another campaign, as far as this one has come."""
    expected = products(whole.file.parent)
    found = {name: file for name, file in products(folder).items() if "iterations" in name}
    assert len({Path(name).parent for name in found}) >= fits
    assert found == {name: expected[name] for name in found}


def rows(done: Run) -> list[Any]:
    return [row for row in summarize(done.folder).iterations if row["kind"] == "sampling"]


def test_runs_are_made_with_the_potential_before_the_newest(serial: Run) -> None:
    settings = read_settings(serial.file).stages[0]
    newest, stale = [0], 0
    for row in rows(serial):
        # What was newest when the iteration before had its runs; at first the only one.
        expected = newest[max(0, len(newest) - 2)]
        assert row["runs_with"] == expected
        assert row["is_stale"] == (expected != newest[-1])
        newest.append(row["files"]["potential"])
        files = serial.folder.iteration(expected).potential_files(settings.potential)
        for part in row["scenarios"]:
            path = serial.folder.iteration(row["iteration"]).part_file("warm", part["part"])
            kept = read_result(path).datasets["extrapolative"]
            if len(kept):
                grades = query_of(files, settings.selection).grade(kept, threads=1)
                assert max(grades) == pytest.approx(part["max_grade"], rel=1e-8)
                stale += row["is_stale"]
    assert stale >= 3


def test_what_is_not_new_to_the_newest_potential_is_not_labelled(serial: Run) -> None:
    settings = read_settings(serial.file).stages[0]
    dropped = labelled = 0
    for row in rows(serial):
        if not row["is_stale"] or not row["n_candidates"]:
            continue
        folder = serial.folder.iteration(row["iteration"])
        kept = [
            read_result(folder.part_file("warm", part)).datasets["extrapolative"]
            for part in range(2)
        ]
        before = serial.folder.iteration(row["iteration"] - 1).outcome()["files"]["potential"]
        files = serial.folder.iteration(before).potential_files(settings.potential)
        query = query_of(files, settings.selection)
        grades = np.concatenate([query.grade(one, threads=1) for one in kept if len(one)])
        found = read_result(folder.step_file("selection")).arrays
        np.testing.assert_allclose(found["grades"], grades, rtol=1e-10)
        assert all(grades[found["indices"]] >= settings.selection.select)
        dropped += int(sum(grades < settings.selection.select))
        labelled += row["n_labelled"]
    assert dropped >= 3
    assert labelled >= 1


def test_it_ends_with_runs_of_the_final_potential(serial: Run) -> None:
    """What stale runs do counts neither for the end nor for giving up."""
    found = rows(serial)
    assert serial.result.status == "finished"
    assert found[-1]["is_clean"]
    assert not found[-1]["is_stale"]
    assert found[-1]["runs_with"] == found[-1]["files"]["potential"]
    assert not any(row["is_clean"] for row in found if row["is_stale"])
    nothing = [row for row in found if row["is_stale"] and not row["n_labelled"]]
    clean = [row for row in nothing if row["reason"] == CLEAN_BUT_STALE]
    assert clean
    assert not any(row["n_breaks"] for row in clean)
    assert len(nothing) > len(clean)  # patience = 1 would have ended it there


def test_two_clean_batches_in_succession_have_the_final_potential(
    serial: Run, processes: Executor, tmp_path: Path
) -> None:
    """What was clean but stale is not the first of them; all before is as with one."""
    events: list[Event] = []
    file = overlapping(tmp_path, SMALL + NO_BREAK + "repeats = 2\n")
    result = Campaign(file).run([events.append], executor=processes)
    assert result.status == "finished"
    found = rows(Run(file, result, tuple(events)))
    assert [row["is_clean"] for row in found] == [False] * (len(found) - 2) + [True] * 2
    for row in found[-2:]:
        assert not row["is_stale"]
        assert row["runs_with"] == found[-1]["files"]["potential"]
    expected, made = products(serial.file.parent), products(tmp_path)
    assert len(found) == len(rows(serial)) + 1
    before = {name: file for name, file in expected.items() if "iterations" in name}
    assert before == {name: made[name] for name in before}
    assert any(event.kind == "sampling ahead" for event in events)


def test_one_worker_samples_nothing_ahead(serial: Run) -> None:
    assert not any(event.kind == "sampling ahead" for event in serial.events)


def test_processes_of_this_machine_give_the_same(serial: Run, tmp_path: Path) -> None:
    events: list[Event] = []
    Campaign(overlapping(tmp_path, max_iterations="5")).run([events.append])
    assert_alike(tmp_path, serial)
    ahead = [event.iteration for event in events if event.kind == "sampling ahead"]
    assert ahead
    assert all(row["n_candidates"] for row in rows(serial) if row["iteration"] + 1 in ahead)


def test_interrupted_after_every_step(serial: Run, processes: Executor, tmp_path: Path) -> None:
    _, runs = run_with_interruptions(overlapping(tmp_path, max_iterations="5"), processes)
    assert runs > 30
    assert_alike(tmp_path, serial)
    names = [
        tuple(line.get(key) for key in ("iteration", "step", "scenario", "part"))
        for line in CampaignFolder(tmp_path / "small").journal()
        if line["event"] == "step"
    ]
    assert len(names) == len(set(names))


class Held(Executor):
    """Two processes that begin nothing while they are held."""

    _max_workers = 2

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.free = threading.Event()
        self.free.set()

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        assert self.free.wait(LATE)
        return self._executor.submit(work, *arguments, **options)


def test_sampling_and_fitting_overlap(processes: Executor, tmp_path: Path) -> None:
    """Runs of iteration 2 begin after the fit of iteration 1 has begun, and end before its end."""
    file, held = overlapping(tmp_path, max_iterations="2"), Held(processes)
    first = CampaignFolder(tmp_path / "small").iteration(2).part_file("warm", 0)
    seen = []

    def tell(event: Event) -> None:
        if event.kind == "sampling ahead":
            held.free.clear()
        elif event.kind == "progress" and (event.iteration, event.content["step"]) == (1, "fit"):
            seen.append(first.exists())
            held.free.set()
            give_up = time.monotonic() + LATE
            while not first.exists():
                assert time.monotonic() < give_up, "no run ended during the fit"
                time.sleep(0.02)

    with InThisProcess() as here:
        Campaign(file).run([tell], executor={"sampling": held, "labelling": here})
    assert seen[0] is False
    journal = CampaignFolder(tmp_path / "small").journal()
    order = [(line["event"], line.get("iteration"), line.get("step")) for line in journal]
    begun, run_done = order.index(("sampling ahead", 2, None)), order.index(("step", 2, "sampling"))
    assert begun < order.index(("step", 1, "training")) < run_done
    assert run_done < order.index(("step", 1, "fit")) < order.index(("iteration", 2, None))


def test_an_edit_drops_what_was_begun_ahead(processes: Executor, tmp_path: Path) -> None:
    """Other steps: other runs, with the newest potential. Another fit: no run before it."""
    file = overlapping(tmp_path, max_iterations="3")
    edits = {2: ("steps = 60", "steps = 50"), 3: ("starts = 1\n", "starts = 2\n")}

    def tell(event: Event) -> None:
        if event.kind == "sampling ahead" and event.iteration in edits:
            file.write_text(file.read_text().replace(*edits.pop(event.iteration)))

    Campaign(file).run([tell], executor=processes)
    folder = CampaignFolder(tmp_path / "small")
    second, third = (folder.iteration(number) for number in (2, 3))
    assert second.outcome()["runs_with"] == 1
    assert not second.outcome()["is_stale"]
    assert {part["total_steps"] for part in second.outcome()["scenarios"]} == {50}
    assert third.outcome()["kind"] == "opening"
    assert not list(third.sampling.iterdir())


@pytest.mark.parametrize("until", ["the end", "the fit"])
def test_a_campaign_that_is_stopped_goes_on(
    serial: Run, processes: Executor, tmp_path: Path, until: str
) -> None:
    """Limits change nothing of what follows when they are raised."""
    limit = {"max_iterations": "2"} if until == "the end" else {}
    text = SMALL + NO_BREAK + ("max_labels = 6\n" if until == "the fit" else "")
    file = overlapping(tmp_path, text, **limit)
    assert Campaign(file).run(executor=processes).status == "stopped"
    number = len(summarize(CampaignFolder(tmp_path / "small")).iterations)
    begun = CampaignFolder(tmp_path / "small").iteration(number).path
    assert begun.exists() == (until == "the fit")
    overlapping(tmp_path)
    assert run(file).status == "finished"
    assert products(tmp_path) == products(serial.file.parent)


def test_damage_is_mended_with_the_potential_of_then(serial: Run, tmp_path: Path) -> None:
    shutil.copytree(serial.file.parent, tmp_path, dirs_exist_ok=True)
    row = next(row for row in rows(serial) if row["is_stale"] and row["n_labelled"])
    folder = CampaignFolder(tmp_path / "small").iteration(row["iteration"])
    damaged = [folder.part_file("warm", 0), folder.step_file("selection"), folder.step_file("fit")]
    before = [read_result(path) for path in damaged]
    for path in damaged:
        path.write_bytes(b"")
    assert run(tmp_path / "small.toml").status == "finished"
    after = [read_result(path) for path in damaged]
    assert [one.record["inputs"] for one in before] == [one.record["inputs"] for one in after]
    np.testing.assert_array_equal(before[0].arrays["grades"], after[0].arrays["grades"])
    np.testing.assert_array_equal(before[1].arrays["indices"], after[1].arrays["indices"])
    assert products(tmp_path) == products(serial.file.parent)


def test_settings_lost_beside_runs_made_ahead(
    serial: Run, processes: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of the next iteration does not count as that of a later one; status tells it."""
    file, folder = overlapping(tmp_path, max_iterations="3"), CampaignFolder(tmp_path / "small")

    def interrupt(event: Event) -> None:
        if event.kind == "progress" and (event.iteration, event.content["step"]) == (1, "fit"):
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        Campaign(file).run([interrupt], executor=processes)
    assert folder.iteration(2).sampling.exists()
    assert main(["status", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["current"]["iteration"], told["ahead"]["iteration"]) == (1, 2)
    assert told["current"]["stage"] == told["ahead"]["stage"] != ""
    assert set(told["current"]["scenarios"]) == {"warm.0", "warm.1"}
    assert main(["status", str(file)]) == 0
    assert "iteration 2, stage main, begun ahead: " in capsys.readouterr().out
    folder.iteration(1).settings_file.unlink()
    Campaign(file).run(executor=processes)
    assert summarize(folder).ahead is None
    assert_alike(tmp_path, serial, fits=3)


def test_networks_give_the_same_with_two_workers(processes: Executor, tmp_path: Path) -> None:
    needs("ani")
    files = [
        overlapping(tmp_path / name, SMALL_NETWORKS, max_iterations="3") for name in ("one", "two")
    ]
    events: list[Event] = []
    run(files[0])
    Campaign(files[1]).run([events.append], executor=processes)
    assert any(event.kind == "sampling ahead" for event in events)
    assert products(tmp_path / "one") == products(tmp_path / "two")
    found = [
        row["is_stale"] for row in summarize(CampaignFolder(tmp_path / "two/small")).iterations[1:]
    ]
    assert True in found


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
def test_cores_are_shared_out(workers: int, tmp_path: Path) -> None:
    context = RunContext(CampaignFolder(tmp_path), tmp_path, workers, [])
    assert context.threads(Kind.FITTING) == workers
    assert context.labels_at_once is None
    context.share(True)
    assert context.ahead_workers + context.threads(Kind.FITTING) == workers
    assert context.threads(Kind.FITTING) == context.labels_at_once >= 1
    assert context.ahead_workers >= (workers > 1)


def test_threads_of_this_process_are_no_workers(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        context = RunContext(CampaignFolder(tmp_path), tmp_path, 4, [], given_executors(threads))
        assert context.ahead_workers == 0
