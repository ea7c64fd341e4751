"""Reads the folder of a campaign; also while the campaign runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign import CampaignFolder, IterationFolder, Settings, summarize
from maxvolt.campaign.record.folder import errors_file
from maxvolt.campaign.record.storage import read_array, read_result
from maxvolt.dataset import Dataset
from maxvolt.report.campaign_page.coverage import campaign_coverage
from maxvolt.report.campaign_page.data import (
    CampaignData,
    ExpectedErrors,
    Iteration,
    Parity,
    Quarantined,
    Run,
    Stage,
)
from maxvolt.report.campaign_page.physical_checks import PhysicalChecks, physical_checks
from maxvolt.report.campaign_page.stand_ins import describe_stand_in

__all__ = ["collect_campaign"]

_MOST_GRADES = 500_000
"""Of an iteration: more than anybody sees in a histogram, and four megabytes."""

_LABELLED = ("labels", "validation")


def collect_campaign(folder: CampaignFolder) -> CampaignData:
    """Read all that the page of a campaign shows.

    Raises
    ------
    CampaignError
        A file is damaged.
    """
    summary = summarize(folder)
    begun = folder.iterations()
    complete = begun[: len(summary.iterations)]
    settings = [one.settings() for one in begun]
    iterations = [
        _iteration(one, used, row, before)
        for one, used, row, before in zip(
            complete, settings, summary.iterations, [None, *summary.iterations], strict=False
        )
    ]
    events = list(folder.journal())
    potential = _potential(folder, settings, summary.iterations)
    return CampaignData(
        summary=summary,
        stages=_stages(settings),
        iterations=tuple(iterations),
        parities=_parities(folder, complete, settings, summary.iterations),
        quarantined=tuple(found for one in complete for found in _quarantined(one)),
        potential=potential,
        training=folder.training_file if folder.training_file.exists() else None,
        began=str(events[0]["time"]) if events else "",
        ended=str(events[-1]["time"]) if events else "",
        species=settings[len(complete) - 1].potential.species if complete else (),
        expected_errors=_expected_errors(folder, summary.iterations),
        checks=_checks(folder, potential, settings, summary.iterations),
        coverage=campaign_coverage(folder, potential),
    )


def _checks(
    folder: CampaignFolder,
    potential: tuple[Path, ...],
    settings: Sequence[Settings],
    rows: Sequence[Mapping[str, Any]],
) -> PhysicalChecks | None:
    if not rows or not potential:
        return None
    training = read_result(folder.iteration(rows[-1]["files"]["training"]).step_file("training"))
    used = settings[len(rows) - 1]
    return physical_checks(
        potential, used, training.datasets["training"], folder.path.resolve().parent
    )


def _expected_errors(
    folder: CampaignFolder, rows: Sequence[Mapping[str, Any]]
) -> ExpectedErrors | None:
    """How far expected errors of the newest potential can be believed, where that is known."""
    if not rows or not (rows[-1].get("calibration") or {}).get("calibrated"):
        return None
    iteration = folder.iteration(rows[-1]["files"]["potential"])
    found = read_result(iteration.step_file("calibration"))
    if "reliability" not in found.arrays:
        return None
    return ExpectedErrors(
        record=found.record,
        reliability=json.loads(str(found.arrays["reliability"])),
        expected=found.arrays["expected"],
        errors=found.arrays["errors"],
        file=errors_file([iteration.path / "potential"]).relative_to(folder.path).as_posix(),
    )


def _iteration(
    folder: IterationFolder,
    settings: Settings,
    row: Mapping[str, Any],
    before: Mapping[str, Any] | None,
) -> Iteration:
    unit = row.get("unit", "")
    runs = tuple(_run(folder.number, found, unit) for found in row.get("scenarios", ()))
    grades = [_grades(folder, run, _MOST_GRADES // len(runs)) for run in runs]
    return Iteration(
        row=row,
        training_before=None if before is None else before["n_training"],
        select=row.get("select", settings.selection.grade_thresholds.select),
        stop=row.get("break", settings.selection.grade_thresholds.stop),
        unit=row.get("unit", ""),
        runs=runs,
        grades=np.concatenate([np.empty(0), *grades]),
    )


def _grades(folder: IterationFolder, run: Run, most: int) -> NDArray[np.float64]:
    """Grades along a run; of very many some evenly chosen ones, and the largest."""
    grades = read_array(folder.part_file(run.scenario, run.part), "grades")
    grades = grades[~np.isnan(grades)]
    if len(grades) <= max(most, 2):
        return np.asarray(grades)
    chosen = np.linspace(0, len(grades) - 1, max(most, 2)).round().astype(int)
    return np.asarray(grades[np.unique([*chosen, int(grades.argmax())])])


def _run(iteration: int, record: Mapping[str, Any], unit: str) -> Run:
    names = (name for name in Run.__dataclass_fields__ if name not in ("iteration", "unit"))
    return Run(iteration=iteration, unit=unit, **{name: record[name] for name in names})


def _stages(settings: Sequence[Settings]) -> tuple[Stage, ...]:
    newest = {used.stage.name: used for used in settings}
    return tuple(
        Stage(
            name=name,
            calculator=used.reference.calculator,
            stand_in=describe_stand_in(used.reference.calculator),
            settings=used.model_dump(mode="json", by_alias=True),
        )
        for name, used in newest.items()
    )


def _potential(
    folder: CampaignFolder, settings: Sequence[Settings], rows: Sequence[Mapping[str, Any]]
) -> tuple[Path, ...]:
    """Files of the newest potential: of as many members as its iteration fitted."""
    if not rows:
        return ()
    section = settings[rows[-1]["files"]["potential"]].potential
    return tuple(path for path in folder.potential_files(section) if path.exists())


def _quarantined(folder: IterationFolder) -> list[Quarantined]:
    paths = [path for step in _LABELLED if (path := folder.step_file(step)).exists()]
    return [
        Quarantined(folder.number, one["index"], one["reason"])
        for path in paths
        for one in read_result(path).record["quarantined"]
    ]


# --------------------------------------------------------------------- parity


def _parities(
    folder: CampaignFolder,
    complete: Sequence[IterationFolder],
    settings: Sequence[Settings],
    rows: Sequence[Mapping[str, Any]],
) -> tuple[Parity, ...]:
    if not rows:
        return ()
    files = rows[-1]["files"]
    fitted = read_result(folder.iteration(files["potential"]).step_file("fit")).arrays
    training = read_result(folder.iteration(files["training"]).step_file("training"))
    parities = [_fitted_parity("training set", training.datasets["training"], fitted, "training")]
    if "validation" in files and "validation_energies" in fitted:
        labelled = read_result(folder.iteration(files["validation"]).step_file("validation"))
        validation = labelled.datasets["labelled"]
        parities.append(_fitted_parity("validation set", validation, fitted, "validation"))
    parities.append(_foretold(complete, settings))
    return tuple(parity for parity in parities if len(parity.energies))


def _fitted_parity(
    name: str, dataset: Dataset, arrays: Mapping[str, NDArray[Any]], prefix: str
) -> Parity:
    return _parity(name, dataset, arrays[f"{prefix}_energies"], arrays[f"{prefix}_forces"])


def _foretold(complete: Sequence[IterationFolder], settings: Sequence[Settings]) -> Parity:
    """What was predicted of selected structures before they were trained on.

    Only under the newest reference: the zero of energy of another is another.
    """
    newest = settings[len(complete) - 1].reference.reference().key
    found = [
        read_result(one.step_file("labels"))
        for one, used in zip(complete, settings, strict=False)
        if one.step_file("selection").exists()
        and one.step_file("labels").exists()
        and used.reference.reference().key == newest
    ]
    parts = [
        _parity(
            "",
            result.datasets["labelled"],
            result.arrays["predicted_energies"],
            result.arrays["predicted_forces"],
        )
        for result in found
        if "predicted_energies" in result.arrays
    ]
    nothing = np.empty((0, 2))
    return Parity(
        name="selected structures, before they were trained on",
        energies=np.concatenate([nothing, *(part.energies for part in parts)]),
        forces=np.concatenate([nothing, *(part.forces for part in parts)]),
    )


def _parity(
    name: str, dataset: Dataset, energies: NDArray[np.float64], forces: NDArray[np.float64]
) -> Parity:
    """Pair labels with predictions; structures without the label are left out."""
    pairs = np.stack([dataset.energies, energies], axis=1) / dataset.counts[:, None]
    components = np.stack([dataset.forces.ravel(), forces.ravel()], axis=1)
    labelled = np.repeat(dataset.has_forces[dataset.structure_of_atom], 3)
    return Parity(name, pairs[dataset.has_energy], components[labelled])
