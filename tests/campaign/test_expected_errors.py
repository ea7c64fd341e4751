"""Campaigns whose thresholds are expected force errors, calibrated after each fit."""

from __future__ import annotations

import json
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from campaign_files import SMALL, Run, products, run, run_with_interruptions, write_campaign

import maxvolt
from maxvolt.campaign import CampaignFolder, Event, read_result, read_settings, summarize
from maxvolt.cli import main
from maxvolt.cli.campaign_progress import describe_event
from maxvolt.errors import DataError, SettingsError
from maxvolt.report.campaign_page import campaign_document, collect_campaign, write_campaign_page
from maxvolt.report.campaign_page.drawing import drawing_style
from maxvolt.report.campaign_page.expected_error_charts import expected_error_charts
from maxvolt.report.campaign_page.histograms import grade_bins, grade_counts
from maxvolt.report.campaign_page.tables import misses_table
from maxvolt.report.campaign_page.usage import error_lines
from maxvolt.sampling import Thresholds
from maxvolt.sampling.lammps.grading import Grading

ERRORS = {"select": '"0.09 eV/A"', "break": '"0.3 eV/A"'}


@pytest.fixture(scope="module")
def by_errors(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a campaign that ran by expected errors; do not change it."""
    file = write_campaign(tmp_path_factory.mktemp("errors"), **ERRORS)
    events: list[Event] = []
    return Run(file, run(file, events.append), tuple(events))


def calibrations(folder: CampaignFolder) -> dict[str, bytes]:
    """Files of calibrations by their iterations, without the time they took."""
    found = {str(path): path.read_bytes() for path in folder.path.rglob("*.uncertainty")}
    return {name.removeprefix(str(folder.path)): content for name, content in found.items()}


def test_it_goes_by_grades_until_there_are_enough_structures(by_errors: Run) -> None:
    assert by_errors.result.status == "finished"
    rows = summarize(by_errors.folder).iterations
    assert not rows[0]["calibration"]["calibrated"]
    assert "too few" in rows[0]["calibration"]["reason"]
    assert (rows[1]["unit"], rows[1]["select"], rows[1]["break"]) == ("", 2.0, 10.0)
    assert rows[-1]["calibration"]["calibrated"]
    assert (rows[-1]["unit"], rows[-1]["select"], rows[-1]["break"]) == ("eV/A", 0.09, 0.3)
    assert rows[-1]["max_grade"] < 0.09
    told = "\n".join(describe_event(event) for event in by_errors.events)
    assert "until then grades of 2 and 10 decide" in told
    assert "largest expected force error" in told


def test_selected_structures_are_expected_to_be_wrong(by_errors: Run) -> None:
    for folder in by_errors.folder.iterations():
        if not folder.step_file("selection").exists() or not folder.outcome()["unit"]:
            continue
        selection = read_result(folder.step_file("selection"))
        chosen = selection.arrays["grades"][selection.arrays["indices"]]
        assert (chosen > 0.09).all()
        assert "expected force error in eV/A by grade" in selection.record["description"]


def test_the_file_of_an_iteration_tells_errors(by_errors: Run) -> None:
    (last,) = sorted(by_errors.folder.path.rglob("*.uncertainty"))[-1:]
    uncertainty = maxvolt.read_uncertainty(last)
    training = maxvolt.read(by_errors.result.training)
    assert uncertainty.calibration.n_structures == len(training)
    assert np.isfinite(uncertainty.of(training).forces).all()


def test_interrupted_after_every_step(by_errors: Run, tmp_path: Path) -> None:
    result, _ = run_with_interruptions(write_campaign(tmp_path, **ERRORS))
    assert result.status == "finished"
    assert products(tmp_path) == products(by_errors.file.parent)
    assert calibrations(CampaignFolder(result.folder)) == calibrations(by_errors.folder)


@pytest.mark.parametrize("how", ["removed", "damaged"])
def test_a_lost_calibration_is_made_again(by_errors: Run, tmp_path: Path, how: str) -> None:
    copy = shutil.copytree(by_errors.file.parent, tmp_path / "copy")
    folder = CampaignFolder(copy / "small")
    before = calibrations(folder)
    (path,) = sorted(folder.path.rglob("*.uncertainty"))[:1]
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert run(copy / "small.toml").status == "finished"
    assert calibrations(folder) == before


def test_a_change_of_the_measure_calibrates_anew(by_errors: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(by_errors.file.parent, tmp_path / "copy")
    file = copy / "small.toml"
    file.write_text(file.read_text().replace("limit = 3", 'limit = 3\nuncertainty = "posterior"'))
    events: list[Event] = []
    run(file, events.append)
    kinds = [event.content["kind"] for event in events if event.kind == "iteration"]
    assert kinds[0] == "opening"
    rows = summarize(CampaignFolder(copy / "small")).iterations
    assert rows[-1]["calibration"]["measure"] == "posterior"


def test_status(by_errors: Run, finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(by_errors.file)]) == 0
    text = capsys.readouterr().out
    assert "at select 0.09 eV/A, at break 0.3 eV/A" in text
    assert "in brackets: largest grades" in text
    assert max(map(len, text.splitlines()[:12])) <= 80
    assert main(["status", str(finished.file)]) == 0
    text = capsys.readouterr().out
    assert "expected force error by grade: at select (grade 1.5)" in text
    assert main(["status", str(finished.file), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["iterations"][-1]
    first, last = row["calibration"]["thresholds"]
    assert (first["grade"], last["grade"]) == (1.5, 3.0)
    assert 0 < first["expected_eV_per_A"] <= last["expected_eV_per_A"]


def test_the_page_says_how_far_errors_can_be_believed(by_errors: Run) -> None:
    data = collect_campaign(by_errors.folder)
    assert data.expected_errors is not None
    with drawing_style():
        charts = expected_error_charts(data)
    assert [chart.name for chart in charts] == ["reliability-diagram", "coverage"]
    assert "Reliability diagram" in charts[0].description
    table = str(misses_table(data))
    assert "Large force errors that the thresholds miss" in table
    assert ">0.09<" in table
    document = campaign_document(data)
    assert len(document["expected_errors"]["reliability"]["diagram"]) == 10
    json.dumps(document, allow_nan=False, default=float)


def test_the_page_says_expected_error_where_it_decided(by_errors: Run) -> None:
    data = collect_campaign(CampaignFolder(by_errors.result.folder))
    decided = [one for one in data.iterations if one.unit and one.runs]
    assert decided
    broken = [run for one in decided for run in one.runs if run.reason == "grade"]
    assert all(run.ended == "expected error" for run in broken)
    assert all(run.ended == run.reason for run in data.runs if not run.unit)
    # No expected error is below the bins, as a grade of a hundredth would be.
    edges = grade_bins(decided)
    grades = np.concatenate([one.grades for one in decided])
    assert edges[0] < max(grades.min(), 1e-3)
    assert sum(grade_counts(one, edges).sum() for one in decided) == len(grades)


def test_the_script_of_the_page_tells_expected_errors(
    by_errors: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = by_errors.result.folder
    data = collect_campaign(CampaignFolder(folder))
    assert data.expected_errors is not None
    monkeypatch.chdir(folder)
    atoms = maxvolt.read("training.xyz")[0]
    script = error_lines(data.potential, data.expected_errors.file)
    exec(compile(script, "script", "exec"), {"maxvolt": maxvolt, "atoms": atoms})
    expected = maxvolt.read_uncertainty(data.expected_errors.file).of(atoms).forces
    assert atoms.calc.results["force_errors"] == pytest.approx(expected)
    assert script in unescape(write_campaign_page(CampaignFolder(folder)).read_text())


def test_no_calibration_where_none_is_wanted(tmp_path: Path) -> None:
    text = SMALL.replace("limit = 3", "limit = 3\ncalibrate = false")
    file = write_campaign(tmp_path, text, max_iterations="1")
    result = run(file)
    rows = summarize(CampaignFolder(result.folder)).iterations
    assert all(row["calibration"] is None for row in rows)
    assert not list(result.folder.rglob("calibration.npz"))
    assert collect_campaign(CampaignFolder(result.folder)).expected_errors is None


def test_a_spread_far_below_the_error_is_told(tmp_path: Path) -> None:
    """Members from one start on the same data agree with each other, and are all wrong."""
    text = SMALL.replace("level = 4", "level = 4\nmembers = 2").replace(
        "max_iterations = 10", 'max_iterations = 200\nresampling = "none"\ntolerance = 1e-12'
    )
    file = write_campaign(tmp_path, text, max_iterations="1")
    result = run(file)
    folder = CampaignFolder(result.folder)
    warnings = summarize(folder).iterations[0]["warnings"]
    assert any("spread" in text and "validation" in text for text in warnings), warnings
    page = write_campaign_page(folder).read_text()
    assert "Warnings of fits" in page
    assert "spread" in page


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"select": '"0.1 eV/A"'}, "expected two grades, or two expected force errors"),
        ({"select": '"0.1 eV"', "break": '"1 eV/A"'}, "such as \"0.15 eV/A\"; found '0.1 eV'"),
        ({"select": '"2 eV/A"', "break": '"1 eV/A"'}, 'break = "1 eV/A" must not be below'),
        (
            {**ERRORS, "limit": '3\nstrategy = "committee"'},
            'write uncertainty = "committee"',
        ),
        ({**ERRORS, "limit": "3\ncalibrate = false"}, "need a calibration"),
        ({**ERRORS, "level": "4\nmembers = 2"}, "set members = 1"),
        ({"limit": "3\ngrades = [3, 2]"}, "the second, of break, must not be below"),
        ({"mode": '"configuration"\ncalibrate = true'}, 'mode = "neighborhood"'),
    ],
)
def test_files_that_are_refused(tmp_path: Path, replaced: dict[str, str], message: str) -> None:
    file = write_campaign(tmp_path, **replaced)
    with pytest.raises(SettingsError) as caught:
        read_settings(file)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["150 meV/A", "0.15 eV/Å", "1.5e-1 eV/Angstrom"])
def test_units(tmp_path: Path, text: str) -> None:
    file = write_campaign(tmp_path, **{"select": f'"{text}"', "break": '"1 eV/A"'})
    (settings,) = read_settings(file).stages
    assert settings.selection.thresholds.select == pytest.approx(0.15, rel=1e-15)
    assert settings.selection.unit == "eV/A"


class TestInLammps:
    """LAMMPS expects errors itself, where it can compute the measure."""

    def test_expected_errors_are_compared_as_they_are(self, by_errors: Run) -> None:
        (last,) = sorted(by_errors.folder.path.rglob("*.uncertainty"))[-1:]
        uncertainty = maxvolt.read_uncertainty(last)
        asked = Thresholds(0.1, 1.0, unit="eV/A")
        query = maxvolt.ErrorQuery(uncertainty)
        grading = Grading.of(maxvolt.Calculator(uncertainty.potential, query=query), asked)
        assert grading.by is uncertainty
        assert grading.thresholds is asked
        assert grading.column == "2"

    def test_other_measures_are_refused(self, by_errors: Run) -> None:
        (potential,) = by_errors.result.potential
        training = maxvolt.read(by_errors.result.training)
        found = maxvolt.calibrate(potential, training=training, measures=["posterior forces"])
        calculator = maxvolt.Calculator(found.potential, query=maxvolt.ErrorQuery(found))
        with pytest.raises(DataError, match="calibrate with the measure posterior, grade, or both"):
            Grading.of(calculator, Thresholds(0.1, 1.0, unit="eV/A"))
