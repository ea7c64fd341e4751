"""Sections of a campaign file: what may be written in it, with defaults and checks of values."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from ase.data import atomic_numbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from maxvolt import limits
from maxvolt.errors import MaxvoltError
from maxvolt.labelling import Reference
from maxvolt.labelling.limits import LONGEST_CALCULATION

__all__ = [
    "FitSection",
    "General",
    "Name",
    "NonNegative",
    "Positive",
    "PotentialSection",
    "ReferenceSection",
    "Section",
    "SelectionSection",
    "StoppingSection",
    "Symbol",
]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are not converted, nothing changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        populate_by_name=True,
    )


def _is_element(symbol: str) -> str:
    if symbol not in atomic_numbers or symbol == "X":
        raise ValueError("expected a chemical symbol such as 'Al'")
    return symbol


def _is_name(name: str) -> str:
    if not re.fullmatch(r"[^\s/\\.][^/\\\n\t]*(?<!\s)", name):
        raise ValueError("expected a name without slashes that does not start with a dot")
    return name


Symbol = Annotated[str, AfterValidator(_is_element)]
Name = Annotated[str, AfterValidator(_is_name)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]


def within(limit: limits.Limit, *, whole: bool = False) -> Any:
    """Constrain a number to a limit, for pydantic."""
    least, most = limit.least, limit.most
    return Field(ge=int(least), le=int(most)) if whole else Field(ge=least, le=most)


Count = Annotated[int, Field(ge=1, le=10**9)]
Weight = Annotated[float, within(limits.WEIGHT)]
AtomEnergy = Annotated[float, within(limits.ATOM_ENERGY)]
Tolerance = Annotated[float, Field(gt=limits.TOLERANCE.least, lt=limits.TOLERANCE.most)]


class General(Section):
    """What concerns the campaign as a whole."""

    name: Name = ""
    """Shown in tables and on the page; by default the name of the file."""
    folder: str = ""
    """Where results go, relative to the file; by default the name of the file without suffix."""
    seed: int = Field(default=0, ge=0, le=limits.LARGEST_SEED)
    """Of every random number; the same seed gives the same campaign."""
    workers: Annotated[int, within(limits.WORKERS, whole=True)] | None = None
    """Processes for sampling and labelling; by default every core this process may use."""
    max_iterations: Annotated[int, within(limits.ITERATIONS, whole=True)] = 100
    """Most iterations of a stage."""


class PotentialSection(Section):
    """The potential to train."""

    species: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    """Chemical symbols, for example ["Ti", "Al"]."""
    level: int = Field(default=16, ge=2, le=32, multiple_of=2)
    """Level of the basis: even, from 2 to 32; higher is more accurate and slower."""
    cutoff: Annotated[float, within(limits.CUTOFF)] = 5.0
    """Distance in Angstrom beyond which atoms do not interact."""
    min_dist: Literal["auto"] | NonNegative = "auto"
    """Where the radial basis begins, Angstrom; "auto" follows the training set."""
    radial_basis_size: Annotated[int, within(limits.RADIAL_SIZE, whole=True)] = 8
    """Number of radial basis functions."""
    radial_basis: Literal["RBChebyshev", "RBChebyshev_repuls", "RBShapeev"] = "RBChebyshev"
    """Kind of radial basis, as MLIP names it."""
    zbl: tuple[Positive, Positive] | None = None
    """Short-range repulsion: inner and outer radius in Angstrom."""
    members: Annotated[int, within(limits.MEMBERS, whole=True)] = 1
    """Potentials, each with random weights of the structures; a committee needs two or more."""

    @model_validator(mode="after")
    def _range(self) -> PotentialSection:
        if self.min_dist != "auto" and self.cutoff - self.min_dist < limits.NARROWEST_BASIS:
            raise ValueError(
                f"min_dist = {self.min_dist:g} must be below cutoff = {self.cutoff:g} by "
                f"{limits.NARROWEST_BASIS:g} A or more; "
                'write min_dist = "auto"'
            )
        if len(set(self.species)) < len(self.species):
            raise ValueError("species names an element twice; name each once")
        return self


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


class SelectionSection(Section):
    """How extrapolation is measured and what is done about it."""

    strategy: Literal["active set", "committee"] = "active set"
    """Grades of D-optimality, or the spread of the potentials of an ensemble."""
    mode: Literal["configuration", "neighborhood"] = "configuration"
    """One grade per structure, or one per atom."""
    select: Positive = 2.0
    """Structures with a higher grade are candidates for the training set."""
    break_: Positive = Field(default=10.0, alias="break")
    """A scenario stops where the grade exceeds this."""
    swap: float = Field(default=1.001, gt=1)
    """A candidate enters the active set where its grade exceeds this (maxvol)."""
    limit: Count | None = None
    """Most structures to label in an iteration, by default all that are selected."""
    weights: RowWeightsSection = RowWeightsSection()
    """Rows of the active set."""

    @model_validator(mode="after")
    def _order(self) -> SelectionSection:
        if self.break_ < self.select:
            raise ValueError(
                f"break = {self.break_:g} must not be below select = {self.select:g}; "
                "raise break or lower select"
            )
        return self


class FitSection(Section):
    """How the potential is fitted."""

    energy_weight: Weight = 1.0
    """Weight of energies in the loss, 1/eV^2."""
    force_weight: Weight = 0.01
    """Weight of forces, Angstrom^2/eV^2."""
    stress_weight: Weight = 0.001
    """Weight of stresses times volume, 1/eV^2."""
    scaling: Literal["vibrations", "molecules", "structures"] = "vibrations"
    """How energies, forces and stresses count by the number of atoms."""
    isolated_energies: Literal["fit", "data"] | dict[Symbol, AtomEnergy] = "fit"
    """Energies of isolated atoms: fitted, taken from the training set, or in eV by symbol."""
    max_iterations: Annotated[int, within(limits.ITERATIONS, whole=True)] = 100
    """Most iterations of a fit."""
    tolerance: Tolerance = 1e-4
    """A fit ends when the loss falls by less than this, relative, three times in succession."""
    starts: Annotated[int, within(limits.STARTS, whole=True)] = 3
    """Random starts of the first fit; 1 by default where there are several members."""
    start_iterations: Count = 30
    """Most iterations of each random start."""
    ridge: float = Field(default=1e-12, gt=0, lt=1)
    """Regularisation of the linear coefficients."""
    restart: bool = True
    """Begin each fit with the coefficients of the iteration before."""

    @model_validator(mode="after")
    def _any_weight(self) -> FitSection:
        if not self.energy_weight + self.force_weight + self.stress_weight > 0:
            raise ValueError("all weights are 0; give at least one of them a value above 0")
        return self


class ReferenceSection(Section):
    """What computes labels."""

    calculator: str
    """Short name (emt, gpaw, espresso, vasp, abinit) or "module:Class" of an ASE calculator."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What decides the result, as the keywords of the calculator in ASE; the rest has defaults."""
    machine: dict[str, Any] = Field(default_factory=dict)
    """How it runs here: command, environment ...; labels stay valid when this is changed."""
    workers: Annotated[int, within(limits.WORKERS, whole=True)] | None = None
    """Calculations at once; by default one a core, or one where its command starts several."""
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
    """No scenario meets a grade above `select`, or merely none above `break`."""
    reliability: float = Field(default=1.0, gt=0, le=1)
    """Part of the steps (of relaxations: of the candidates) that must be done without a break."""
    repeats: Count = 1
    """Iterations in succession, with different random numbers, in which this must hold."""
    max_labels: Count | None = None
    """Most reference calculations of a stage."""
    patience: Count = 3
    """Give up after so many iterations in succession that brought no label."""
