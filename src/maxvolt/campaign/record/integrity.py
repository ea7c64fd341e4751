"""Which files of an iteration are not what was written: missing, cut short, changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.folder import IterationFolder, committee_file, errors_file
from maxvolt.campaign.record.iteration_summary import FINDINGS, MELTING, OPENING
from maxvolt.campaign.record.storage import (
    DamagedError,
    StepResult,
    digest_of_file,
    is_sound,
    read_document,
    read_result,
)
from maxvolt.campaign.settings.stages import Settings
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.contract import PotentialSection
from maxvolt.potentials import load

__all__ = [
    "DIGESTS",
    "check_potential",
    "damaged_files",
    "damaged_products",
    "inputs_of",
    "with_origin",
]

DIGESTS = "files"
"""Key of a step's record under which the digests of files beside its own stand."""


def inputs_of(path: Path) -> str | None:
    """Fingerprint of what a result was made from; None where it is missing or damaged."""
    try:
        return str(read_result(path).record.get("inputs"))
    except DamagedError:
        return None


def with_origin(made: StepResult, inputs: str, products: Sequence[Path]) -> StepResult:
    """Add to a result what it was made from, and what its files are.

    Parameters
    ----------
    made
        The result.
    inputs
        Fingerprint of what it was made from.
    products
        Files beside it; the record gets their SHA-256 by their names, None for missing ones.
    """
    record: dict[str, Any] = {"inputs": inputs, **made.record}
    if products:
        record[DIGESTS] = {path.name: digest_of_file(path) for path in products}
    return StepResult(record, made.datasets, made.arrays)


def damaged_products(record: Mapping[str, Any], products: Sequence[Path]) -> list[Path]:
    """Files of a step that are not what its record says; without digests, those that are empty."""
    digests = record.get(DIGESTS)
    if digests is None:
        return [path for path in products if not path.exists() or not path.stat().st_size]
    return [path for path in products if digest_of_file(path) != digests.get(path.name)]


def damaged_files(folder: IterationFolder) -> list[Path]:
    """Files that a complete iteration must have and that are missing or damaged."""
    found = [path for path in (folder.settings_file, folder.outcome_file) if not _reads(path)]
    if folder.outcome_file in found:
        return found
    settings, row = folder.settings(), folder.outcome()
    found += [path for path in _results(folder, settings, row) if not is_sound(path)]
    fit = folder.step_file("fit")
    if row["files"]["potential"] == folder.number and fit not in found:
        record, products = read_result(fit).record, folder.potential_files(settings.potential)
        scales = committee_file(products)
        if scales.name in record.get(DIGESTS, {}):
            products.append(scales)
        found += damaged_products(record, products)
        calibration = folder.step_file("calibration")
        if row.get("calibration") is not None and calibration not in found:
            kept = read_result(calibration).record
            found += damaged_products(kept, [errors_file(products)])
    return found


def check_potential(folder: IterationFolder, potential: PotentialSection) -> list[Path]:
    """Return the files of the potential of an iteration, which are as they were written.

    Raises
    ------
    DamagedError
        One of them is not.
    """
    files = folder.potential_files(potential)
    record = read_result(folder.step_file("fit")).record
    damaged = damaged_products(record, files)
    if damaged:
        raise DamagedError(damaged[0], "its content is not what was written")
    if DIGESTS not in record:  # of a version that kept none
        for path in files:
            _check_readable(path)
    return files


def _check_readable(path: Path) -> None:
    try:
        load(path)
    except MaxvoltError as error:
        raise DamagedError(path, error) from error


def _reads(path: Path) -> bool:
    try:
        read_document(path)
    except DamagedError:
        return False
    return True


def _results(folder: IterationFolder, settings: Settings, row: Mapping[str, Any]) -> list[Path]:
    """Archives that belong to an iteration with this outcome."""
    steps: list[str] = []
    parts = [folder.part_file(part["scenario"], part["part"]) for part in row.get("scenarios", ())]
    if row["kind"] == OPENING:
        steps += ["candidates", "labels", *(["validation"] if settings.validation else [])]
    elif row["kind"] == MELTING:
        steps += [MELTING]
    elif row["n_candidates"]:
        steps += ["selection", "labels"]
    elif row["n_labelled"] or row["n_quarantined"]:
        steps += ["labels"]  # of what searches found
    steps += [FINDINGS] if row.get(FINDINGS) is not None else []
    if row["files"]["potential"] == folder.number:
        steps += ["training", "fit"]
        steps += ["calibration"] if row.get("calibration") is not None else []
    return [*parts, *(folder.step_file(step) for step in steps)]
