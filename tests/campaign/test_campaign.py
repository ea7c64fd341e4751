"""Campaigns from their beginning to their end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from campaign_files import (
    RELAXATION,
    InterruptedRunError,
    InThisProcess,
    Run,
    products,
    run,
    run_with_interruptions,
    write_campaign,
)

import maxvolt
from maxvolt.campaign import Campaign, CampaignFolder, Event, Settings, summarize
from maxvolt.campaign.record.locking import is_locked, locked
from maxvolt.campaign.record.storage import read_document, read_result, write_document
from maxvolt.campaign.steps.grading import calculator_of
from maxvolt.cli import main
from maxvolt.cli.campaign_progress import describe_event
from maxvolt.errors import CampaignError
from maxvolt.sampling import strain
from maxvolt.selection import read_active_set


class TestFinished:
    def test_it_ends_when_no_scenario_extrapolates(self, finished: Run) -> None:
        assert finished.result.status == "finished"
        rows = summarize(finished.folder).iterations
        assert [row["kind"] for row in rows] == ["opening"] + ["sampling"] * (len(rows) - 1)
        assert not any(row["is_clean"] for row in rows[:-1])
        assert rows[-1]["is_clean"]
        assert rows[-1]["reliability"] == 1.0
        assert rows[1]["reliability"] < 1.0
        assert rows[-1]["max_grade"] < 1.5

    def test_the_training_set_grows_by_what_was_labelled(self, finished: Run) -> None:
        rows = summarize(finished.folder).iterations
        total = 0
        for row in rows:
            total += row["n_labelled"]
            assert row["n_training"] == total
            assert row["n_selected"] <= 3
        training = maxvolt.read(finished.result.training)
        assert len(training) == total
        assert training.has_energy.all()
        assert training.has_forces.all()
        assert training.has_stress.all()
        assert rows[-1]["n_labels_total"] == total + 2  # and those of the validation set

    def test_labels_are_those_of_the_reference(self, finished: Run) -> None:
        from ase.calculators.emt import EMT

        atoms = maxvolt.read(finished.result.training)[-1]
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = EMT()
        assert energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
        np.testing.assert_allclose(forces, atoms.get_forces(), atol=1e-12)

    def test_selected_structures_extrapolated(self, finished: Run) -> None:
        for folder in finished.folder.iterations()[1:-1]:
            selection = read_result(folder.step_file("selection"))
            chosen = selection.arrays["grades"][selection.arrays["indices"]]
            assert (chosen >= 1.5).all()
            assert set(selection.datasets["structures"].groups) == {"warm"}

    def test_grades_of_the_training_set_are_at_most_one(self, finished: Run) -> None:
        (potential,) = finished.result.potential
        grades = read_active_set(potential).grade(maxvolt.read(finished.result.training))
        assert grades.max() < 1.001 + 1e-6

    def test_the_rank_of_the_active_set_is_told(self, finished: Run) -> None:
        rows = summarize(finished.folder).iterations
        assert all(row["largest_rank"] == 6 for row in rows)
        fits = [event for event in finished.events if event.content.get("step") == "fit"]
        told = [describe_event(event) for event in fits if event.kind == "step"]
        assert told
        assert all("active set: rank 6 of 7 (6 possible)" in text for text in told)

    def test_warnings_of_fits_are_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = write_campaign(tmp_path, max_iterations="1")
        file.write_text(file.read_text().replace("max_iterations = 10", "max_iterations = 1"))
        with InThisProcess() as executor:
            result = Campaign(file).run(executor=executor)
        rows = summarize(CampaignFolder(result.folder)).iterations
        assert "reached the limit of 1 iterations" in rows[-1]["warnings"][0]
        assert main(["status", str(file)]) == 0
        assert "warning: 1 of 1 fits reached the limit" in capsys.readouterr().out

    def test_errors_of_unseen_structures_are_kept(self, finished: Run) -> None:
        rows = summarize(finished.folder).iterations
        assert rows[0]["new"] is None
        assert rows[1]["new"]["force_rmse"] > 0
        assert rows[-1]["validation"]["n_structures"] == 2
        assert rows[-1]["validation"]["force_rmse"] < rows[0]["validation"]["force_rmse"]

    def test_the_potential_runs_in_ase(self, finished: Run) -> None:
        (potential,) = finished.result.potential
        atoms = maxvolt.read(finished.result.training)[0]
        atoms.calc = maxvolt.Calculator(potential)
        assert np.isfinite(atoms.get_forces()).all()

    def test_journal_and_listeners_hear_the_same(self, finished: Run) -> None:
        journal = [line["event"] for line in finished.folder.journal()]
        assert journal == [event.kind for event in finished.events if event.kind != "progress"]
        assert journal[0] == "started"
        assert journal[-1] == "finished"

    def test_running_again_changes_nothing(self, finished: Run, tmp_path: Path) -> None:
        copy = shutil.copytree(finished.file.parent, tmp_path / "copy")
        before = products(copy)
        result = run(copy / finished.file.name)
        assert result.status == "finished"
        assert products(copy) == before
        events = [line["event"] for line in CampaignFolder(copy / "small").journal()]
        assert events[-3:] == ["finished", "started", "finished"]

    def test_the_same_file_gives_the_same_campaign(self, finished: Run, tmp_path: Path) -> None:
        """With processes of its own, as on the command line."""
        file = write_campaign(tmp_path)
        assert Campaign(file).run().status == "finished"
        assert products(tmp_path) == products(finished.file.parent)


def test_interrupted_after_every_step(finished: Run, tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    result, runs = run_with_interruptions(file)
    assert result.status == "finished"
    assert runs > 30
    assert products(tmp_path) == products(finished.file.parent)
    steps = [
        (line["iteration"], line["step"], line.get("part"))
        for line in CampaignFolder(result.folder).journal()
        if line["event"] == "step"
    ]
    assert len(set(steps)) == len(steps), "a step was written down twice"


def test_a_state_beside_its_result_is_removed(finished: Run, tmp_path: Path) -> None:
    """A kill may come between both."""
    file, left = write_campaign(tmp_path), []

    def interrupt(event: Event) -> None:
        if event.kind == "step" and event.content["step"] == "selection" and not left:
            folder = CampaignFolder(file.parent / "small").iteration(event.iteration).sampling
            left.extend(path.with_suffix(".state") for path in folder.glob("*.npz"))
            for path in left:
                path.write_bytes(b"a state")
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        run(file, interrupt)
    assert left
    assert all(path.exists() for path in left)
    assert run(file).status == "finished"
    assert not any(path.exists() for path in left)
    assert products(tmp_path) == products(finished.file.parent)


def test_another_process_is_kept_out(tmp_path: Path) -> None:
    from multiprocessing import get_context

    file = write_campaign(tmp_path)
    folder = tmp_path / "small"
    folder.mkdir()
    context = get_context("spawn")
    ready, leave = context.Event(), context.Event()
    process = context.Process(target=hold_lock, args=(folder / ".lock", ready, leave))
    process.start()
    try:
        assert ready.wait(60)
        with pytest.raises(CampaignError, match="another process"):
            run(file)
    finally:
        leave.set()
        process.join()


def test_a_look_from_inside_keeps_the_lock(tmp_path: Path) -> None:
    from multiprocessing import get_context

    path = tmp_path / ".lock"
    with locked(path):
        assert is_locked(path)
        with pytest.raises(CampaignError, match="this process"), locked(path):
            pass
        with get_context("spawn").Pool(1) as others:
            assert others.apply(is_locked, [path])
    assert not is_locked(path)


def hold_lock(path: Path, ready: object, leave: object) -> None:
    with locked(path):
        ready.set()
        leave.wait(60)


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a campaign whose file was edited after its first sampling."""
    file = write_campaign(tmp_path_factory.mktemp("steered"))

    def edit(event: Event) -> None:
        if event.kind == "outcome" and event.iteration == 1:
            text = file.read_text().replace("break = 3.0", "break = 4.0")
            hot = '[[scenario]]\nname = "hot"\nkind = "md"\nstructure = "fcc"\n'
            file.write_text(f"{text}\n{hot}temperature = 900\nsteps = 20\n")

    events: list[Event] = []
    return Run(file, run(file, events.append, edit), tuple(events))


class TestSteering:
    def test_it_holds_from_the_next_iteration_on(self, steered: Run) -> None:
        rows = summarize(steered.folder).iterations
        assert {part["scenario"] for part in rows[1]["scenarios"]} == {"warm"}
        for row in rows[2:]:
            assert {part["scenario"] for part in row["scenarios"]} == {"warm", "hot"}
        iterations = steered.folder.iterations()
        assert iterations[1].settings().selection.break_ == 3.0
        assert iterations[2].settings().selection.break_ == 4.0

    def test_the_change_is_recorded(self, steered: Run) -> None:
        changes = summarize(steered.folder).changes
        assert {"iteration": 2, "key": "selection.break", "before": 3.0, "after": 4.0} in changes
        assert any(change["key"] == "scenario.hot" for change in changes)

    def test_a_file_that_became_wrong_stops_it(self, tmp_path: Path) -> None:
        file = write_campaign(tmp_path)
        good = file.read_text()

        def spoil(event: Event) -> None:
            if event.kind == "outcome" and event.iteration == 1:
                file.write_text(good.replace("break = 3.0", "brake = 3.0"))

        with pytest.raises(maxvolt.MaxvoltError, match="did you mean 'break'"):
            run(file, spoil)
        file.write_text(good)
        assert run(file).status == "finished"


class TestEditDuringAnIteration:
    """A program that is killed in an iteration and started again after an edit."""

    def made_again(self, tmp_path: Path, old: str, new: str) -> set[str]:
        """Names of results of scenarios that were made again, or removed."""
        file = write_campaign(tmp_path)
        text = file.read_text() + SECOND_SCENARIO
        file.write_text(text)

        def interrupt(event: Event) -> None:
            if event.iteration == 1 and event.content.get("step") == "selection":
                raise InterruptedRunError

        with pytest.raises(InterruptedRunError):
            run(file, interrupt)
        folder = CampaignFolder(tmp_path / "small").iteration(1)
        before = {path.name: path.stat().st_ino for path in folder.sampling.glob("*.npz")}
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
        with pytest.raises(InterruptedRunError):
            run(file, interrupt)
        after = {path.name: path.stat().st_ino for path in folder.sampling.glob("*.npz")}
        assert after.keys() <= before.keys()
        return {name for name in before if before[name] != after.get(name)}

    def test_a_limit_leaves_simulations_as_they_are(self, tmp_path: Path) -> None:
        assert self.made_again(tmp_path, "limit = 3", "limit = 2") == set()

    def test_a_threshold_concerns_all_of_them(self, tmp_path: Path) -> None:
        again = self.made_again(tmp_path, "break = 3.0", "break = 4.0")
        assert again == {"warm.0.npz", "warm.1.npz", "hot_900_K.0.npz"}

    def test_a_scenario_that_is_gone_leaves_nothing(self, tmp_path: Path) -> None:
        assert self.made_again(tmp_path, SECOND_SCENARIO, "") == {"hot_900_K.0.npz"}
        assert len(list((tmp_path / "small/iterations/0001/sampling").iterdir())) == 2

    def test_a_scenario_concerns_itself(self, tmp_path: Path) -> None:
        again = self.made_again(tmp_path, "temperature = 900", "temperature = 800")
        assert again == {"hot_900_K.0.npz"}


SECOND_SCENARIO = """
[[scenario]]
name = "hot 900 K"
kind = "md"
structure = "fcc"
temperature = 900
steps = 20
"""


def test_relaxations_drive_a_campaign(tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    crystal = bulk("Al", cubic=True, a=4.05) * (2, 1, 1)
    candidates = [strain(crystal, 0.05, seed=seed)[0] for seed in range(6)]
    maxvolt.write(tmp_path / "candidates.xyz", maxvolt.Dataset.from_atoms(candidates))
    text = file.read_text()
    begin, end = text.index("[[scenario]]"), text.index("[reference]")
    file.write_text(text[:begin] + RELAXATION + text[end:])
    result = run(file)
    assert result.status == "finished"
    rows = summarize(CampaignFolder(result.folder)).iterations
    assert rows[1]["total_steps"] == 6
    assert rows[1]["n_breaks"] == 1
    assert rows[-1]["steps"] == 6
    assert rows[-1]["reliability"] == 1.0


def test_a_look_while_results_are_written(finished: Run, tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path / "small")
    shutil.copytree(finished.folder.path, folder.path)
    last = folder.iterations()[-1]
    last.outcome_file.unlink()
    (last.sampling / ".warm.0.a1b2c3d4.tmp.npz").write_bytes(b"half of a")
    current = summarize(folder).current
    assert current is not None
    assert set(current.scenarios) == {"warm.0", "warm.1"}


def test_an_outcome_that_was_removed_is_made_again(finished: Run, tmp_path: Path) -> None:
    """As the message about a damaged one advises, also where later iterations are complete."""
    file = write_campaign(tmp_path)
    folder = CampaignFolder(tmp_path / "small")
    shutil.copytree(finished.folder.path, folder.path)
    before = summarize(folder)
    folder.iteration(1).outcome_file.unlink()
    assert [row["iteration"] for row in summarize(folder).iterations] == [0]
    assert run(file).status == "finished"
    after = summarize(folder)
    assert [row["files"] for row in after.iterations] == [row["files"] for row in before.iterations]
    assert products(folder.path) == products(finished.folder.path)


def test_files_of_others_stay(finished: Run, tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    shutil.copytree(finished.folder.path, tmp_path / "small")
    for name in ("potential.mtp", "potential.png", "potential.2.mtp"):
        (tmp_path / "small" / name).touch()
    run(file)
    left = sorted(path.name for path in (tmp_path / "small").glob("potential.*"))
    assert left == ["potential.almtp", "potential.mtp", "potential.png"]


def test_grades_and_forces_come_from_one_pass(finished: Run) -> None:
    last = finished.folder.iterations()[-1]
    calculator = calculator_of(finished.result.potential, last.settings().selection)
    assert calculator.query is not None
    assert calculator.query.members == (calculator.potential,)


def test_settings_of_another_version_are_refused(finished: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(finished.result.folder, tmp_path / "copy")
    path = copy / "iterations" / "0001" / "settings.json"
    content = read_document(path)
    content["potential"]["radial_size"] = content["potential"].pop("radial_basis_size")
    write_document(path, content)
    with pytest.raises(CampaignError, match="another version"):
        CampaignFolder(copy).iteration(1).settings()


STAGES = """
[[stage]]
name = "cheap"

[[stage]]
name = "accurate"
sparsify = true
[stage.reference]
calculator = "ase.calculators.morse:MorsePotential"
settings = { epsilon = 0.3, r0 = 2.86, rho0 = 4.0 }
"""


def test_stages_follow_each_other(tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    file.write_text(file.read_text() + STAGES)
    result = run(file)
    assert result.status == "finished"
    folder = CampaignFolder(result.folder)
    rows = summarize(folder).iterations
    first = next(row for row in rows if row["stage"] == "accurate")
    before = rows[first["iteration"] - 1]
    assert before["is_clean"]
    assert first["kind"] == "opening"
    assert first["n_training"] < before["n_training"]
    candidates = read_result(folder.iteration(first["iteration"]).step_file("candidates"))
    assert candidates.record["n_dropped"] == before["n_training"] - first["n_training"]
    from ase.calculators.morse import MorsePotential

    for atoms in maxvolt.read(result.training):
        energy = atoms.get_potential_energy()
        atoms.calc = MorsePotential(epsilon=0.3, r0=2.86, rho0=4.0)
        assert energy == pytest.approx(atoms.get_potential_energy(), abs=1e-10)


def test_a_committee_drives_a_campaign(tmp_path: Path) -> None:
    file = write_campaign(
        tmp_path,
        mode='"configuration"\nstrategy = "committee"',
        level="4\nmembers = 3",
        **{"select": "2.0", "break": "10.0", "max_iterations": "12"},
    )
    result = run(file)
    assert result.status == "finished"
    assert [path.name for path in result.potential] == [f"potential.{k}.mtp" for k in range(3)]
    rows = summarize(CampaignFolder(result.folder)).iterations
    sampled = [row for row in rows if row["kind"] == "sampling"]
    assert sampled[0]["n_breaks"] == 2
    assert sampled[0]["max_grade"] > 10
    assert sampled[-1]["reliability"] == 1.0
    assert sampled[-1]["max_grade"] < 2
    assert rows[-1]["n_training"] > rows[0]["n_training"]
    assert rows[1]["rank"] is None


class TestReference:
    def test_that_labels_nothing(self, tmp_path: Path) -> None:
        file = write_campaign(tmp_path)
        text = file.read_text()
        file.write_text(text + "max_force = 1e-9\n")
        with pytest.raises(CampaignError, match="labelled none of 3 structures") as caught:
            run(file)
        assert "above the limit" in str(caught.value)
        file.write_text(text)
        with pytest.raises(CampaignError, match="--retry"):
            run(file)
        assert run(file, retry=True).status == "finished"

    def test_a_manual_one_waits_and_goes_on_with_what_came_back(self, tmp_path: Path) -> None:
        file = write_campaign(tmp_path, max_iterations="1")
        file.write_text(file.read_text() + "manual = true\n")
        # A kill while the first folder was written.
        (tmp_path / "small" / "jobs" / "0000" / "half").mkdir(parents=True)
        waiting = run(file)
        assert waiting.status == "waiting"
        assert "0 of 3" in waiting.reason
        (tmp_path / "small" / "jobs" / "0000" / "half").rmdir()
        jobs = sorted((tmp_path / "small" / "jobs" / "0000").iterdir())
        assert len(jobs) == 3
        calculate(jobs[:2])
        assert "2 of 3" in run(file).reason
        waiting = run(file, partial=True)
        assert "0 of 2" in waiting.reason  # now for the validation set
        calculate(sorted((tmp_path / "small" / "jobs" / "0000").iterdir()))
        waiting = run(file)
        rows = summarize(CampaignFolder(waiting.folder)).iterations
        assert rows[0]["n_labelled"] == rows[0]["n_training"] == 2
        assert rows[0]["n_quarantined"] == 1
        assert waiting.status == "waiting"
        calculate(sorted((tmp_path / "small" / "jobs" / "0001").iterdir()))
        assert run(file).status == "stopped"


def calculate(jobs: list[Path]) -> None:
    """Do what a cluster would do with input folders."""
    for job in jobs:
        subprocess.run(["sh", "run.sh"], cwd=job, check=True, capture_output=True)


class TestCommands:
    def test_status(self, finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["status", str(finished.file)]) == 0
        text = capsys.readouterr().out
        assert "finished: no scenario" in text
        assert "100.0 %" in text
        assert "active set: rank 6 of 6 possible" in text
        table = text.partition("reference calculations")[0]
        assert max(map(len, table.splitlines())) <= 80
        assert main(["status", str(finished.result.folder), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["status"] == "finished"
        assert said["reliability"] == 1.0
        assert len(said["iterations"]) == len(finished.folder.iterations())

    def test_status_of_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = write_campaign(tmp_path)
        assert main(["status", str(file)]) == 2
        assert "no campaign was started there" in capsys.readouterr().err

    def test_a_file_in_the_place_of_the_folder(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = write_campaign(tmp_path)
        (tmp_path / "small").write_text("mine")
        assert main(["run", str(file)]) == 2
        assert "but a file has it; move the file away" in capsys.readouterr().err

    def test_schema(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run", "--schema"]) == 0
        assert "Stage" in json.loads(capsys.readouterr().out)["$defs"]

    def test_run_needs_a_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run"]) == 2
        assert "FILE.toml" in capsys.readouterr().err

    def test_errors_of_the_file_are_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = write_campaign(tmp_path, level="5")
        assert main(["run", str(file)]) == 2
        assert "[potential] level" in capsys.readouterr().err


def test_settings_of_an_iteration_can_be_read_alone(finished: Run) -> None:
    document = read_document(finished.folder.iteration(1).settings_file)
    assert Settings.model_validate_json(json.dumps(document)).scenario[0].name == "warm"
