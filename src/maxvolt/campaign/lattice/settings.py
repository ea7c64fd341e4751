"""A campaign file of an alloy on a lattice: what may be written in it, with defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from ase.data import atomic_numbers
from pydantic import AfterValidator, Field, ValidationError, model_validator

from maxvolt import limits
from maxvolt.campaign.settings.executor_sections import DaskSection, ExecutorSection, LocalSection
from maxvolt.campaign.settings.messages import describe_errors
from maxvolt.campaign.settings.sections import CampaignSection, Count, ReferenceSection
from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.executors.resources import ClusterPlan
from maxvolt.fitting.lattice.ensemble_fit import Resampling
from maxvolt.fitting.lattice.low_rank_fit import LowRankSettings
from maxvolt.labelling.reference import with_files
from maxvolt.potentials.lattice import VACANCY, ParentLattice, named_lattice
from maxvolt.sections import NonNegative, Positive, Section, Symbol, within
from maxvolt.selection.lattice.active_set import DAMPING

__all__ = ["KIND", "LatticeFile", "LatticeSettings", "lattice_schema", "lattice_settings_of"]

KIND = "lattice"


def _is_species(symbol: str) -> str:
    if symbol not in atomic_numbers:
        raise ValueError(f"expected a chemical symbol, or {VACANCY!r} for an empty site")
    return symbol


Species = Annotated[str, AfterValidator(_is_species)]
Share = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, within(limits.TEMPERATURE), Field(gt=0)]


class LatticeGeneral(CampaignSection):
    """What concerns the campaign as a whole."""

    kind: Literal["lattice"]
    """Makes it a campaign of an alloy on a lattice."""


class ParentSection(Section):
    """The lattice, and what may be on its sites."""

    cell: str
    """Primitive cell: sc, fcc, bcc, diamond or hcp with the lattice constant in Angstrom,
    "fcc:4.09" ("hcp:3.2:5.1" with both); or a file, relative to the campaign file."""
    species: tuple[Species, ...] | dict[Symbol, tuple[Species, ...]]
    """Symbols that each site may have, "X" for empty; or, for each symbol of the structure, what
    its sites may have: {Mg = ["Mg", "Ca"]}, the others being spectators."""

    def parent(self, root: Path) -> ParentLattice:
        """Make the lattice; names of files are relative to a folder.

        Raises
        ------
        MaxvoltError
            The file cannot be used, or there is no choice of species.
        """
        return named_lattice(self.cell, self.species, root)


class LowRankSection(Section):
    """The potentials to train."""

    shells: Annotated[int, Field(ge=1, le=20)] = 1
    """Shells of neighbours in an environment."""
    rank: Annotated[int, Field(ge=1, le=100)] = 2
    """Of the tensors."""
    symmetric: bool = True
    """Average environments over the symmetry of the site; needs spglib."""
    members: Annotated[int, Field(ge=2, le=1000)] = 10
    """Potentials of the ensemble, whose mean is the energy."""


class LowRankFitSection(Section):
    """How each potential is fitted."""

    ridge: NonNegative = 1e-3
    """Weight of the mean square of a tensor relative to the mean squared error."""
    sweeps: Count = 10
    """Of alternating least squares, at most."""
    iterations: Annotated[int, within(limits.ITERATIONS, whole=True)] = 20
    """Of Gauss-Newton, at most."""
    tolerance: Positive = 1e-3
    """Relative change of the loss at which both end."""
    starts: Annotated[int, within(limits.STARTS, whole=True)] = 1
    """Random starts of each member, of which the best counts."""
    resampling: Resampling = "weights"
    """Data of each member: with random weights, drawn with replacement ("bootstrap"), or the same
    ("none")."""

    def settings(self, potential: LowRankSection, seed: int) -> LowRankSettings:
        """Settings of the fits of such potentials."""
        return LowRankSettings(
            shells=potential.shells,
            rank=potential.rank,
            symmetric=potential.symmetric,
            ridge=self.ridge,
            sweeps=self.sweeps,
            iterations=self.iterations,
            tolerance=self.tolerance,
            starts=self.starts,
            seed=seed,
        )


class DrawnSection(Section):
    """Which arrangements are drawn at random, to begin with and for walks."""

    sites: tuple[Count, Count] = (4, 16)
    """Least and most sites with a choice of a supercell."""
    composition: dict[Species, tuple[Share, Share]] = Field(default_factory=dict)
    """Least and largest share of species, {Cu = [0, 0.5]}; by default any composition."""
    first: Count = 10
    """Arrangements to begin with, besides one of each species alone."""
    held_out: Annotated[int, Field(ge=0, le=10**6)] = 40
    """Arrangements on which the spread of the members is watched; they are never trained on."""
    label_held_out: bool = False
    """Label these, too, for errors beside the spread."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.sites[1] < self.sites[0]:
            raise ValueError(f"sites = {list(self.sites)}: the second must not be below the first")
        for name, (least, most) in self.composition.items():
            if most < least:
                raise ValueError(f"composition of {name}: the second must not be below the first")
        if sum(least for least, _ in self.composition.values()) > 1:
            raise ValueError("composition: the least shares add up to more than 1")
        return self


class WalksSection(Section):
    """Monte Carlo in drawn supercells, at temperatures that fall."""

    temperatures: Annotated[tuple[Temperature, ...], Field(min_length=1)] = (
        *(3000.0, 2000.0, 1500.0, 1000.0, 700.0, 500.0, 300.0),
    )
    """In this order, K."""
    walks: Count = 20
    """In each iteration; each follows one of the members, in turn."""
    sweeps: Count = 40
    """At each temperature, of as many attempts as there are sites."""
    snapshots: Count = 4
    """Arrangements at each temperature that are graded."""

    @model_validator(mode="after")
    def _multiple(self) -> Self:
        if self.sweeps % self.snapshots:
            raise ValueError("sweeps must be a multiple of snapshots")
        return self


class LatticeSelectionSection(Section):
    """How extrapolation is measured and what is done about it."""

    strategy: Literal["active set", "committee"] = "active set"
    """Grades of D-optimality, or the spread of the members."""
    select: Positive = 2.0
    """Arrangements with a larger grade are candidates."""
    break_: Positive = Field(default=10.0, alias="break")
    """A walk ends where the grade reaches this."""
    damping: Positive = DAMPING
    """Of the active set: novelty of grade 1, in units of the root mean square of the rows."""
    scale: Positive = 0.002
    """Of a committee: spread of grade 1, eV per site."""
    limit: Count | None = 10
    """Most arrangements to label in an iteration."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.break_ < self.select:
            raise ValueError("break must not be below select")
        return self


class RelaxedSection(Section):
    """Labels are energies of relaxed structures; without this section, of ideal sites."""

    cell: bool = False
    """Relax the cell, too."""
    force_tolerance: Positive = 0.02
    """Largest force left on any atom, eV/Angstrom."""
    stress_tolerance: Positive = 0.1
    """Largest component of the stress left, GPa."""
    max_steps: Count = 200
    """Calculations after which an arrangement is given up."""
    largest_displacement: Positive = 0.8
    """Distance of an atom from its site, Angstrom, above which it is refused; atoms must also be
    nearest to the sites that they began on."""


class LatticeStoppingSection(Section):
    """When the campaign is complete."""

    until: Literal["no extrapolation", "no break"] = "no extrapolation"
    """No walk finds a grade above `select`, or merely none of `break`."""
    spread: Positive | None = None
    """Root mean square spread on the held-out arrangements, eV per site, that must be reached."""
    repeats: Count = 2
    """Iterations in succession in which this must hold."""
    max_labels: Count | None = None
    """Most reference calculations."""
    patience: Count = 3
    """Give up after so many iterations in succession that gave no label."""


class LatticeSettings(Section):
    """Everything that an iteration depends on."""

    campaign: LatticeGeneral
    executor: ExecutorSection = LocalSection()
    """Where reference calculations run."""
    lattice: ParentSection
    potential: LowRankSection = LowRankSection()
    fit: LowRankFitSection = LowRankFitSection()
    drawn: DrawnSection = DrawnSection()
    walks: WalksSection = WalksSection()
    selection: LatticeSelectionSection = LatticeSelectionSection()
    reference: ReferenceSection
    relaxation: RelaxedSection | None = None
    stopping: LatticeStoppingSection = LatticeStoppingSection()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.relaxation is not None and self.reference.manual:
            raise ValueError(
                "[relaxation] calculates step by step, and manual = true in [reference] waits for "
                "somebody at each: leave out one of them"
            )
        if self.stopping.spread is not None and not self.drawn.held_out:
            raise ValueError(
                "spread in [stopping] is that of held-out arrangements: set held_out in [drawn]"
            )
        return self


class LatticeFile:
    """A campaign file, and where it is."""

    def __init__(self, path: Path, settings: LatticeSettings) -> None:
        self.path = path
        self.settings = settings

    @property
    def general(self) -> LatticeGeneral:
        """What concerns the campaign as a whole."""
        return self.settings.campaign

    @property
    def folder(self) -> Path:
        """Where results go."""
        return self.path.parent / self.general.folder

    def cluster_plan(self) -> ClusterPlan | None:
        """What there is on a cluster; None where everything runs on this machine."""
        section = self.settings.executor
        if not isinstance(section, DaskSection):
            return None
        reference = self.settings.reference.reference()
        return section.plan(
            parallel_reference=reference.code.processes(reference.machine) is not None
        )


def lattice_settings_of(document: Mapping[str, Any], path: Path) -> LatticeFile:
    """Check what a campaign file says.

    Raises
    ------
    SettingsError
        Names every key at fault, what is expected there and what to do.
    """
    document = dict(document)
    general = {"name": path.stem, "folder": path.stem, **document["campaign"]}
    try:
        if isinstance(reference := document.get("reference"), dict):
            document["reference"] = with_files(reference, path.parent)
        settings = LatticeSettings.model_validate_json(
            json.dumps({**document, "campaign": general})
        )
    except ValidationError as error:
        messages = describe_errors(error, None, (), LatticeSettings)
        listed = "\n".join(f"  {message}" for message in dict.fromkeys(messages))
        raise SettingsError(f"{path}: cannot be used:\n{listed}") from error
    except MaxvoltError as error:
        raise SettingsError(f"{path}: [reference]: {error}") from error
    except TypeError as error:
        raise SettingsError(
            f"{path}: holds a date or time ({error}); write it as text, in quotes"
        ) from error
    return LatticeFile(path, settings)


def lattice_schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of campaign files of kind "lattice"."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **LatticeSettings.model_json_schema(by_alias=True),
        "title": "maxvolt campaign of an alloy on a lattice",
    }
