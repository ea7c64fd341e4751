"""Sections of a campaign file: what may be written in it, with defaults and checks of values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from maxvolt import limits
from maxvolt.campaign.settings.network_section import NetworkSection
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.families import potential_sections
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.fitting.settings import (
    DEFAULT_SCALING,
    FitSettings,
    Resampling,
    Scaling,
    Weights,
)
from maxvolt.labelling import Reference
from maxvolt.labelling.limits import LONGEST_CALCULATION
from maxvolt.sampling import Thresholds
from maxvolt.sections import AddedLater, NonNegative, Positive, Section, Symbol, within
from maxvolt.uncertainty import MeasureName

if TYPE_CHECKING:
    from maxvolt.fitting.contract import PotentialSection
else:
    PotentialSection = potential_sections()
    """The potential to train: the section of its family."""

__all__ = [
    "CampaignSection",
    "FitSection",
    "General",
    "Name",
    "NonNegative",
    "Positive",
    "PotentialSection",
    "ReferenceSection",
    "ScaleSection",
    "Section",
    "SelectionSection",
    "StoppingSection",
    "Symbol",
    "within",
]


def _is_name(name: str) -> str:
    if not re.fullmatch(r"[^\s/\\.][^/\\\n\t]*(?<!\s)", name):
        raise ValueError("expected a name without slashes that does not start with a dot")
    return name


Name = Annotated[str, AfterValidator(_is_name)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Weight = Annotated[float, within(limits.WEIGHT)]
AtomEnergy = Annotated[float, within(limits.ATOM_ENERGY)]
Tolerance = Annotated[float, Field(gt=limits.TOLERANCE.least, lt=limits.TOLERANCE.most)]


_FIT = FitSettings()
"""Defaults of ``[fit]``."""


class CampaignSection(Section):
    """What concerns a campaign as a whole, of whatever kind."""

    name: Name = ""
    """Name in tables and on the page; by default that of the file."""
    folder: str = ""
    """Where results go, relative to the file; by default its name without suffix."""
    seed: int = Field(default=0, ge=0, le=limits.LARGEST_SEED)
    """Random seed; the same seed gives the same campaign."""
    workers: Annotated[int, within(limits.WORKERS, whole=True)] | None = None
    """Processes for sampling and labelling; by default every core this process may use."""
    max_iterations: Annotated[int, within(limits.ITERATIONS, whole=True)] = 100
    """Most iterations of a stage."""


class General(CampaignSection):
    """What concerns the campaign as a whole."""

    overlap: Annotated[bool, AddedLater(False)] = False
    """Run the scenarios of the next iteration while this one selects, labels and fits, with the
    potential that is there; results do not depend on the number of workers (of ANI networks, as
    far as sums of torch do not depend on the number of threads)."""


class RowWeightsSection(Section):
    """Which gradients make the rows of the active set, and how they count (as in MLIP)."""

    energy: Weight = 1.0
    """Rows of energies (configuration mode)."""
    force: Weight = 0.0
    """Rows of force components (configuration mode)."""
    stress: Weight = 0.0
    """Rows of stress components (configuration mode)."""
    scaling: int = Field(default=2, ge=0, le=2)
    """Energy rows are divided by N^(scaling / 2)."""

    @model_validator(mode="after")
    def _any_row(self) -> RowWeightsSection:
        if not self.energy + self.force + self.stress > 0:
            raise ValueError("all weights are 0; give at least one of them a value above 0")
        return self


_THRESHOLD = re.compile(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(m?)eV/(?:A|Å|Angstrom)\s*")


def _force_error(text: str) -> float:
    """Read an expected force error such as "0.15 eV/A", eV/Angstrom."""
    found = _THRESHOLD.fullmatch(text)
    try:
        value = float(found[1]) * (1e-3 if found[2] else 1.0) if found else 0.0
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(
            f"expected a grade, a number above 0 without quotes, or an expected force error such "
            f'as "0.15 eV/A"; found {text!r}'
        )
    return value


def _is_force_error(text: str) -> str:
    _force_error(text)
    return text


Threshold = Positive | Annotated[str, AfterValidator(_is_force_error)]
"""A grade, or an expected force error with its unit."""


class ScaleSection(Section):
    """Disagreement of a committee, in physical units, that counts as grade 1."""

    of: Literal["spread", "error"] = "spread"
    """The spread of the members itself, or the error expected at that spread by [[validation]]."""
    energy: Positive | None = None
    """Of energies over sqrt(N), eV; by default energies do not count."""
    force: Positive | None = None
    """Of the force on an atom, eV/Angstrom; by default forces do not count."""

    @model_validator(mode="after")
    def _any_scale(self) -> ScaleSection:
        if self.energy is None and self.force is None:
            raise ValueError("give energy (eV), force (eV/A), or both")
        return self


class SelectionSection(Section):
    """How extrapolation is measured and what is done about it."""

    strategy: Literal["active set", "committee"] = "active set"
    """Grades of D-optimality, or the spread of the potentials of an ensemble."""
    mode: Literal["configuration", "neighborhood"] = "configuration"
    """One grade per structure, or one per atom."""
    select: Threshold = 2.0
    """Structures with this grade or a higher one are candidates for the training set; or with this
    expected force error, "0.15 eV/A"."""
    break_: Threshold = Field(default=10.0, alias="break")
    """A scenario stops where the grade reaches this, or the expected force error: "1 eV/A"."""
    uncertainty: Annotated[MeasureName, AddedLater("grade")] = "grade"
    """What expected force errors are made of, where thresholds are such. A campaign begins with few
    structures, and grades tell what is new; which spares an alloy
    that is not known yet from being taken for well described."""
    grades: Annotated[tuple[Positive, Positive], AddedLater((2.0, 10.0))] = (2.0, 10.0)
    """Grades that stand for `select` and `break` in eV/A while the training set is too small for a
    calibration."""
    calibrate: Annotated[bool | None, AddedLater(None)] = None
    """Whether the force errors expected at the thresholds are found after each fit; by default so
    for thresholds in eV/A, and for grades of atoms by one potential."""
    scale: Annotated[Literal["training", "errors"] | ScaleSection, AddedLater("training")] = (
        "training"
    )
    """What counts as grade 1 of a committee: the largest spread on the training set ("training"),
    the spread at which the error on [[validation]] is expected ("errors"), or physical units."""
    swap: float = Field(default=1.001, gt=1)
    """A candidate enters the active set where its grade exceeds this (maxvol)."""
    limit: Count | None = None
    """Most structures to label in an iteration, by default all that are selected."""
    weights: RowWeightsSection = RowWeightsSection()
    """Rows of the active set."""

    @model_validator(mode="after")
    def _order(self) -> SelectionSection:
        select, stop = (_threshold_value(one) for one in (self.select, self.break_))
        if isinstance(self.select, str) != isinstance(self.break_, str):
            raise ValueError(
                f"select = {_shown(self.select)} and break = {_shown(self.break_)}: expected two "
                'grades, or two expected force errors such as "0.15 eV/A" and "1 eV/A"'
            )
        if stop < select:
            raise ValueError(
                f"break = {_shown(self.break_)} must not be below select = {_shown(self.select)}; "
                "raise break or lower select"
            )
        if self.grades[1] < self.grades[0]:
            raise ValueError(
                f"grades = [{self.grades[0]:g}, {self.grades[1]:g}]: the second, of break, must "
                "not be below the first"
            )
        return self

    @model_validator(mode="after")
    def _scale(self) -> SelectionSection:
        if self.scale != "training" and self.strategy != "committee":
            raise ValueError(
                'scale is of the spread of a committee: write strategy = "committee", or leave it '
                "out"
            )
        return self

    @property
    def needs_held_out(self) -> bool:
        """Whether grades are measured by errors on held-out labels."""
        scale = self.scale
        return scale == "errors" or (isinstance(scale, ScaleSection) and scale.of == "error")

    @model_validator(mode="after")
    def _calibration(self) -> SelectionSection:
        if self.unit and self.strategy == "committee":
            raise ValueError(
                'thresholds in eV/A go with strategy = "active set"; to make expected errors of a '
                'committee, write uncertainty = "committee"'
            )
        if self.unit and self.calibrate is False:
            raise ValueError(
                "thresholds in eV/A need a calibration; remove calibrate = false, or give grades"
            )
        if self.calibrate and not self.unit and not self.grades_atoms:
            raise ValueError(
                "calibrate = true tells the force error that is expected at a grade of an atom: "
                'write strategy = "active set" and mode = "neighborhood", or thresholds in eV/A'
            )
        return self

    @property
    def unit(self) -> str:
        """Of both thresholds: "eV/A", or "" for grades."""
        return "eV/A" if isinstance(self.select, str) else ""

    @property
    def thresholds(self) -> Thresholds:
        """Both thresholds, in their unit."""
        return Thresholds(_threshold_value(self.select), _threshold_value(self.break_), self.unit)

    @property
    def grade_thresholds(self) -> Thresholds:
        """Both thresholds as grades; where they are expected errors, those that stand for them."""
        return Thresholds(*self.grades) if self.unit else self.thresholds

    @property
    def grades_atoms(self) -> bool:
        """Whether grades are those of an active set, one for each atom."""
        return self.strategy == "active set" and self.mode == "neighborhood"

    @property
    def measure(self) -> MeasureName:
        """What expected errors are made of: where thresholds are grades, of the grade."""
        return self.uncertainty if self.unit else "grade"


def _threshold_value(value: float | str) -> float:
    return _force_error(value) if isinstance(value, str) else value


def _shown(value: float | str) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


class FitSection(Section):
    """How the potential is fitted: fields of `maxvolt.FitSettings`, with its defaults."""

    energy_weight: Weight = _FIT.weights.energy
    """Weight of energies in the loss, 1/eV^2."""
    force_weight: Weight = _FIT.weights.forces
    """Weight of forces, Angstrom^2/eV^2."""
    stress_weight: Weight = _FIT.weights.stress
    """Weight of stresses times volume, 1/eV^2."""
    scaling: Scaling = DEFAULT_SCALING
    """How energies, forces and stresses count by the number of atoms."""
    isolated_energies: Literal["fit", "data"] | dict[Symbol, AtomEnergy] = "fit"
    """Energies of isolated atoms: fitted, taken from the training set, or in eV by symbol."""
    resampling: Resampling = _FIT.resampling
    """Data of each member: random weights of the structures ("weights"), structures drawn with
    replacement ("bootstrap"), or the same ("none"); "auto": weights where there are several."""
    starts_apart: Annotated[bool, AddedLater(False)] = _FIT.starts_apart
    """Keep the members in different minima of the loss; they are then fitted one by one."""
    robust: Annotated[bool, AddedLater(False)] = _FIT.robust
    """Huber's loss: labels with large errors count less."""
    max_iterations: Annotated[int, within(limits.ITERATIONS, whole=True)] = _FIT.max_iterations
    """Most iterations of a fit."""
    tolerance: Tolerance = _FIT.tolerance
    """A fit ends when the loss falls by less than this, relative, three times in succession."""
    starts: Annotated[int, within(limits.STARTS, whole=True)] | None = _FIT.starts
    """Random starts of the first fit; by default 8, or 1 for each of several members."""
    start_iterations: Annotated[int, within(limits.ITERATIONS, whole=True)] = _FIT.start_iterations
    """Most iterations of each random start."""
    ridge: float = Field(default=_FIT.ridge, gt=0, lt=1)
    """Regularisation of the linear coefficients."""
    restart: bool = _FIT.restart_from_potential
    """Begin each fit with the coefficients of the iteration before."""
    best_of: Annotated[int, within(limits.STARTS, whole=True), AddedLater(1)] = 1
    """So many fits; the one with the lowest loss counts. Their starts are random, but for the first
    with `restart = true`, which begins with the potential before."""

    network: Annotated[NetworkSection | None, AddedLater(None)] = None
    """How neural networks are trained."""

    @model_validator(mode="after")
    def _any_weight(self) -> FitSection:
        if not self.energy_weight + self.force_weight + self.stress_weight > 0:
            raise ValueError("all weights are 0; give at least one of them a value above 0")
        return self

    def settings(self, members: int) -> FitSettings:
        """The settings of a fit of so many members."""
        return FitSettings(
            weights=Weights(self.energy_weight, self.force_weight, self.stress_weight),
            scaling=self.scaling,
            isolated_energies=self.isolated_energies,
            resampling=self.resampling,
            starts_apart=self.starts_apart,
            robust=self.robust,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            starts=self.starts,
            start_iterations=self.start_iterations,
            ridge=self.ridge,
            restart_from_potential=self.restart,
            ensemble=members,
            network=NetworkSettings() if self.network is None else self.network.settings(),
        )


class ReferenceSection(Section):
    """What computes labels."""

    calculator: str
    """Short name (emt, gpaw, espresso, vasp, abinit, cp2k, gaussian, dftpy, pyscf, tblite,
    potential) or "module:Class" of ASE's."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What decides the result, as the keywords of the calculator in ASE; the rest has defaults."""
    machine: dict[str, Any] = Field(default_factory=dict)
    """How it runs here: command, environment ...; labels stay valid when this is changed."""
    workers: Annotated[int, within(limits.WORKERS, whole=True)] | None = None
    """Calculations at once; by default one per core, or one where its command starts several."""
    manual: bool = False
    """Write inputs, and wait until they have been calculated elsewhere."""
    max_force: Positive = 50.0
    """Results with a larger force are quarantined, eV/Angstrom."""
    timeout: Positive | None = LONGEST_CALCULATION
    """Seconds after which a calculation is given up, by default a day."""
    retries: Annotated[int, within(limits.RETRIES, whole=True)] = 2
    """How often a calculation that fails or hangs is tried again."""

    @model_validator(mode="after")
    def _known(self) -> ReferenceSection:
        try:
            self.reference()
        except MaxvoltError as error:
            raise ValueError(str(error)) from error
        return self

    def reference(self) -> Reference:
        """The calculator with all its settings."""
        return Reference(self.calculator, self.settings, self.machine)


class StoppingSection(Section):
    """When a stage is complete."""

    until: Literal["no extrapolation", "no break"] = "no extrapolation"
    """No scenario reaches a grade of `select`, or merely none of `break`."""
    reliability: float = Field(default=1.0, gt=0, le=1)
    """Share of the steps (of relaxations: of the candidates) to be done without a break."""
    finished: Annotated[float | None, Field(gt=0, le=1), AddedLater(None)] = None
    """Share of the runs of each scenario (of relaxations: of the candidates) to reach their end
    without a break, for until = "no break"; 0.5: the median run. A `reliability` of 1 is then not
    asked for."""
    repeats: Count = 1
    """Iterations in succession, with different random numbers, in which this must hold."""
    max_labels: Count | None = None
    """Most reference calculations of a stage."""
    patience: Count = 3
    """Give up after so many iterations in succession that gave no label."""

    @model_validator(mode="after")
    def _finished(self) -> StoppingSection:
        if self.finished is not None and self.until != "no break":
            raise ValueError(
                f"finished = {self.finished:g} allows for runs that break, and until = "
                '"no extrapolation" for none: write until = "no break", or leave out finished'
            )
        return self

    @property
    def least_reliability(self) -> float:
        """Share of the steps that is asked for; 0 where one of the runs is asked for instead."""
        return 0.0 if self.reliability == 1 and self.finished is not None else self.reliability
