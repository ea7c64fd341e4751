"""What the page of a campaign shows, in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign import CampaignSummary
from maxvolt.report.campaign_page.coverage import CampaignCoverage
from maxvolt.report.campaign_page.physical_checks import PhysicalChecks
from maxvolt.sampling import StopReason

__all__ = [
    "CampaignData",
    "ExpectedErrors",
    "Iteration",
    "Parity",
    "Quarantined",
    "Run",
    "Stage",
]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a scenario.

    Attributes
    ----------
    iteration, scenario, part
    kind
        Class of the scenario.
    reason
        Value of a `StopReason`.
    is_break
        Whether the potential ended it.
    message
    steps, total_steps
        Done; to be done. Time steps, or for relaxations structures.
    seconds : s or None
    max_grade
        None without grades.
    unit
        "eV/A" where that is an expected force error; else "".
    """

    iteration: int
    scenario: str
    part: int
    kind: str
    reason: str
    is_break: bool
    message: str
    steps: int
    total_steps: int
    seconds: float | None
    max_grade: float | None
    unit: str = ""

    @property
    def ended(self) -> str:
        """Why it ended, as the page says it."""
        return "expected error" if self.unit and self.reason == StopReason.GRADE else self.reason


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A reference calculation that was not used, and why."""

    iteration: int
    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, as its last iteration ran it.

    Attributes
    ----------
    name
    calculator
        Of the reference.
    stand_in
        What the reference is, where it stands in for a quantum-mechanical code; else "".
    settings
        All settings.
    """

    name: str
    calculator: str
    stand_in: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Iteration:
    """A complete iteration.

    Attributes
    ----------
    row
        As in ``outcome.json``.
    training_before
        Structures that its first potential was trained on; None for the first iteration.
    select, stop
        Thresholds, in the unit of the grades.
    runs
        Of its scenarios.
    grades : shape (n,)
        At the recorded steps of all runs, NaN left out; of half a million some evenly chosen ones,
        with the largest of each run.
    unit
        "eV/A" where grades are expected force errors; else "".
    """

    row: Mapping[str, Any]
    training_before: int | None
    select: float
    stop: float
    runs: tuple[Run, ...]
    grades: NDArray[np.float64]
    unit: str = ""

    @property
    def number(self) -> int:
        """Counted through all stages."""
        return int(self.row["iteration"])

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return str(self.row["stage"])

    @property
    def reliability(self) -> float | None:
        """Steps before a break over all steps; None where nothing was sampled."""
        value = self.row.get("reliability")
        return None if value is None else float(value)

    @property
    def is_fitted(self) -> bool:
        """Whether it ended with a new fit."""
        return bool(self.row["files"]["potential"] == self.number)


@dataclass(frozen=True, slots=True, eq=False)
class Parity:
    """Reference and prediction side by side.

    Attributes
    ----------
    name
        Which structures.
    energies : shape (n, 2), eV/atom
        Reference, prediction.
    forces : shape (3 N, 2), eV/Angstrom
        Components.
    """

    name: str
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedErrors:
    """Force errors of the training set that are expected, and those found, by cross-validation.

    Attributes
    ----------
    record
        Of the calibration: measure, source, thresholds.
    reliability
        As of `maxvolt.uncertainty.Reliability.to_dict`, null for NaN.
    expected, errors : shape (N,), eV/Angstrom
        Of atoms, by calibrations that had not seen their structures.
    file
        Potential and calibration, relative to the folder of the campaign.
    """

    record: Mapping[str, Any]
    reliability: Mapping[str, Any]
    expected: NDArray[np.float64]
    errors: NDArray[np.float64]
    file: str


@dataclass(frozen=True, slots=True, eq=False)
class CampaignData:
    """All that the page of a campaign shows.

    Attributes
    ----------
    summary
        Where it stands.
    stages
        Those that were started.
    iterations
        Those that are complete.
    parities
        By the newest potential, and by those before the structures were trained on.
    quarantined
        Labels that were not used.
    potential
        Files of the newest potential.
    training
        File of the newest training set, or None.
    began, ended
        Times (UTC) of the first and of the newest event.
    species
        Elements of the newest potential.
    checks
        Physical checks of the newest potential; None without one.
    expected_errors
        Of the newest potential; None where they are not calibrated.
    coverage
        Map of the environments of the training set; None without a potential.
    """

    summary: CampaignSummary
    stages: tuple[Stage, ...]
    iterations: tuple[Iteration, ...]
    parities: tuple[Parity, ...]
    quarantined: tuple[Quarantined, ...]
    potential: tuple[Path, ...]
    training: Path | None
    began: str
    ended: str
    species: tuple[str, ...] = ()
    checks: PhysicalChecks | None = None
    expected_errors: ExpectedErrors | None = None
    coverage: CampaignCoverage | None = None

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return Path(self.summary.folder).name

    @property
    def runs(self) -> tuple[Run, ...]:
        """Runs of all scenarios."""
        return tuple(run for iteration in self.iterations for run in iteration.runs)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names, in the order in which they were first run."""
        return tuple(dict.fromkeys(run.scenario for run in self.runs))

    @property
    def n_labels(self) -> int:
        """Reference calculations so far."""
        return int(self.iterations[-1].row["n_labels_total"]) if self.iterations else 0

    @property
    def stand_ins(self) -> tuple[Stage, ...]:
        """Stages whose labels come from a stand-in."""
        return tuple(stage for stage in self.stages if stage.stand_in)
