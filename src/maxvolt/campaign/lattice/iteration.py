"""One iteration of a campaign on a lattice: walks, selection, labels, fit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from maxvolt.campaign.lattice.arrangement_arrays import arrangements_in, arrays_of, digest_of
from maxvolt.campaign.lattice.drawing import draw_arrangement, first_arrangements, new_among
from maxvolt.campaign.lattice.labels import labelled_arrangements
from maxvolt.campaign.lattice.settings import LatticeSettings
from maxvolt.campaign.lattice.steps import LatticeSteps
from maxvolt.campaign.lattice.walks import grader_of, run_walks
from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.record.iteration_summary import OPENING, SAMPLING
from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.steps.labelling import labels_of
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError
from maxvolt.fitting.lattice import Arrangement, fit_low_rank_ensemble
from maxvolt.potentials.lattice import (
    Environment,
    LowRankEnsemble,
    ParentLattice,
    environments_of,
    read_low_rank_ensemble,
    write_low_rank,
)

__all__ = ["POTENTIAL", "REFIT", "LatticeIteration", "LatticeState"]

REFIT = "refit"
"""Kind of an iteration that only fits, to settings that have changed."""

POTENTIAL = "potential.lattice.npz"


@dataclass(frozen=True)
class LatticeState:
    """What iterations have led to.

    Attributes
    ----------
    training
        Labelled arrangements.
    structures
        The same as they were labelled.
    held_out
        Arrangements that are never trained on; with energies where they are labelled.
    refused
        Arrangements that have no label: those that left the lattice, or that the reference failed
        on. They are not asked for again.
    ensemble
        The newest potentials; None at first.
    row
        Of the table, of the last iteration.
    """

    training: tuple[Arrangement, ...] = ()
    structures: Dataset = field(default_factory=lambda: Dataset.from_atoms([]))
    held_out: tuple[Arrangement, ...] = ()
    refused: tuple[Arrangement, ...] = ()
    ensemble: LowRankEnsemble | None = None
    row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Name of what walks and selections depend on."""
        potential = "" if self.ensemble is None else self.ensemble.digest
        sets = (self.training, self.held_out, self.refused)
        return "-".join((*map(digest_of, sets), potential))


class LatticeIteration:
    """Makes an iteration, or what is left of it.

    Parameters
    ----------
    steps
        Makes its steps.
    settings
        Those that it uses.
    parent
        The lattice.
    state
        Before it.
    """

    def __init__(
        self,
        steps: LatticeSteps,
        settings: LatticeSettings,
        parent: ParentLattice,
        state: LatticeState,
    ) -> None:
        self.steps = steps
        self.settings = settings
        self.parent = parent
        self.state = state

    def run(self, kind: str) -> tuple[LatticeState, dict[str, Any]]:
        """Return the state after it, and its row of the table."""
        last = {name: self.state.row.get(name) for name in _OF_A_FIT}
        made = {OPENING: self._open, REFIT: self._refit, SAMPLING: self._sample}[kind]()
        row = {"kind": kind, **_NOTHING, **last, **made}
        return replace(self.state, row=row), row

    @cached_property
    def _kinds(self) -> tuple[Environment, ...]:
        potential = self.settings.potential
        return environments_of(self.parent, potential.shells, symmetric=potential.symmetric)

    @property
    def _lattice(self) -> tuple[Any, ...]:
        """What stands for the lattice in fingerprints."""
        parent = self.parent
        return (parent.cell.tolist(), parent.places.tolist(), parent.allowed)

    def _open(self) -> dict[str, Any]:
        settings = self.settings
        drawn = self.steps.step(
            "candidates", (settings.drawn, settings.campaign.seed, self._lattice), self._drawn
        )
        arrangements = arrangements_in(drawn.arrays)
        first, others = np.split(np.arange(len(arrangements)), [drawn.record["n_first"]])
        held_out = [arrangements[number] for number in others]
        if settings.drawn.label_held_out:
            labels = self._label("validation", held_out)
            held_out = arrangements_in(labels.arrays)
        self.state = replace(self.state, held_out=tuple(held_out))
        return self._learn([arrangements[number] for number in first], "labelled and fitted")

    def _drawn(self) -> StepResult:
        """The first arrangements, then those that are held out."""
        drawn, seed = self.settings.drawn, self.settings.campaign.seed
        generator = np.random.default_rng(derived_seed(seed, "first"))
        first = first_arrangements(self.parent, drawn, generator)
        first = [first[number] for number in new_among(self.parent, self._kinds, [], first)]
        if not first:
            raise CampaignError("nothing was drawn to begin with; raise first in [drawn]")
        generator = np.random.default_rng(derived_seed(seed, "held out"))
        more = [draw_arrangement(self.parent, drawn, generator) for _ in range(drawn.held_out)]
        more = [more[number] for number in new_among(self.parent, self._kinds, first, more)]
        record = {"n_first": len(first), "n_held_out": len(more)}
        return StepResult(record, arrays=arrays_of([*first, *more]))

    def _refit(self) -> dict[str, Any]:
        return {**self._fit(), "reason": "fitted"}

    def _sample(self) -> dict[str, Any]:
        settings = self.settings
        on = (settings.walks, settings.drawn, settings.selection, settings.campaign.seed)
        walks = self.steps.step("sampling", (self.state.digest, *on), self._walks)
        row = {
            name: walks.record[name]
            for name in ("reliability", "n_breaks", "n_scenarios", "max_grade", "n_candidates")
        }
        chosen = self.steps.step(
            "selection",
            (self.state.digest, walks.record["inputs"], settings.selection, settings.stopping),
            lambda: self._selected(arrangements_in(walks.arrays), row["n_breaks"]),
        )
        row |= {"n_selected": chosen.record["n_selected"], "is_clean": chosen.record["is_clean"]}
        arrangements = arrangements_in(chosen.arrays)
        if row["is_clean"] or not arrangements:
            return {**row, "reason": chosen.record["reason"]}
        return {**row, **self._learn(arrangements, chosen.record["reason"])}

    def _walks(self) -> StepResult:
        began, ensemble = time.perf_counter(), self.state.ensemble
        assert ensemble is not None
        grader = grader_of(ensemble, self.state.training, self.settings)
        walks = run_walks(
            ensemble,
            grader,
            self.settings,
            self.steps.folder.number,
            self.state.refused,
            self.steps.context.workers,
            lambda done, total: self.steps.progress("sampling", done, total),
        )
        candidates = [one for walk in walks for one in walk.candidates]
        known = [*self.state.training, *self.state.refused]
        new = new_among(self.parent, self._kinds, known, candidates)
        steps, total = sum(one.steps for one in walks), sum(one.total for one in walks)
        breaks = sum(one.is_break for one in walks)
        record = {
            "n_scenarios": len(walks),
            "n_breaks": breaks,
            "n_candidates": len(new),
            "steps": steps,
            "total_steps": total,
            "reliability": steps / total,
            "max_grade": max(one.largest for one in walks),
            "seconds": time.perf_counter() - began,
        }
        return StepResult(record, arrays=arrays_of([candidates[number] for number in new]))

    def _selected(self, candidates: Sequence[Arrangement], n_breaks: int) -> StepResult:
        """Choose what is labelled; say whether the iteration is one with which to end."""
        settings, ensemble = self.settings, self.state.ensemble
        assert ensemble is not None
        selection, stopping = settings.selection, settings.stopping
        grader = grader_of(ensemble, self.state.training, settings)
        found = grader.select(candidates, threshold=selection.select, limit=selection.limit)
        chosen = [candidates[number] for number in found.indices]
        needed = n_breaks > 0 or (bool(chosen) and stopping.until == "no extrapolation")
        reason = "labelled and fitted" if chosen else "walks broke, but found nothing new to label"
        if not needed:
            reason = "no walk broke" if chosen else "no walk extrapolated"
            if stopping.spread is not None and (spread := self._known_spread()) > stopping.spread:
                needed = True
                chosen = self._widest(selection.limit or settings.walks.walks)
                taken = "drawn ones of the largest spread were taken"
                reason += (
                    f", but the spread on held-out arrangements is {1000 * spread:.2f} meV per "
                    f"site: {taken if chosen else 'no drawn one is new'}"
                )
        record = {
            "n_candidates": len(candidates),
            "n_selected": len(chosen),
            "is_clean": not needed,
            "reason": reason,
        }
        return StepResult(record, arrays=arrays_of(chosen))

    def _widest(self, count: int) -> list[Arrangement]:
        """Drawn arrangements that the members disagree about most."""
        ensemble = self.state.ensemble
        assert ensemble is not None
        seed = derived_seed(self.settings.campaign.seed, "widest", self.steps.folder.number)
        generator = np.random.default_rng(seed)
        drawn = [
            draw_arrangement(self.parent, self.settings.drawn, generator) for _ in range(20 * count)
        ]
        known = [*self.state.training, *self.state.held_out, *self.state.refused]
        drawn = [drawn[number] for number in new_among(self.parent, self._kinds, known, drawn)]
        spreads = [
            ensemble.spread(one.supercell, one.occupation) / len(one.occupation) for one in drawn
        ]
        largest = np.argsort(spreads, kind="stable")[::-1][:count]
        return [drawn[number] for number in sorted(largest.tolist())]

    def _label(self, name: str, arrangements: Sequence[Arrangement]) -> StepResult:
        settings = self.settings
        return self.steps.step(
            name,
            (
                digest_of(arrangements),
                self._lattice,
                settings.reference.reference().key,
                _relaxation(settings),
            ),
            lambda: self._labelled(name, arrangements),
        )

    def _labelled(self, name: str, arrangements: Sequence[Arrangement]) -> StepResult:
        began, steps, section = time.perf_counter(), self.steps, self.settings.reference
        found = labelled_arrangements(
            self.parent,
            arrangements,
            lambda wanted: labels_of(
                wanted,
                section,
                steps.context,
                steps.folder.number,
                lambda news: steps.progress(name, news.done, news.total),
            ),
            self.settings.relaxation,
        )
        refused = [{"index": number, "reason": reason} for number, reason in found.refused]
        if not found.arrangements and self.state.ensemble is None:
            first = refused[0]["reason"] if refused else "there are no arrangements"
            raise CampaignError(
                f"the reference {section.calculator!r} labelled none of {len(arrangements)} "
                f"arrangements: {first}; correct the campaign file, then run again with --retry"
            )
        record = {
            "n_structures": len(arrangements),
            "n_labelled": len(found.arrangements),
            "n_new": found.calculated,
            "quarantined": refused,
            "largest_displacement_A": max(found.displacements, default=0.0),
            "errors_before": self._errors(found.arrangements),
            "seconds": time.perf_counter() - began,
        }
        structures = Dataset.from_atoms(found.structures)
        return StepResult(record, {"structures": structures}, arrays_of(found.arrangements))

    def _errors(self, labelled: Sequence[Arrangement]) -> dict[str, Any] | None:
        """Errors of the potential so far, per site."""
        ensemble = self.state.ensemble
        if ensemble is None or not labelled:
            return None
        errors = [
            (ensemble.energy(one.supercell, one.occupation) - one.energy) / len(one.occupation)
            for one in labelled
        ]
        return {"energy_rmse": float(np.sqrt(np.mean(np.square(errors)))), "force_rmse": None}

    def _spread(self) -> float | None:
        """Root mean square spread on the held-out arrangements, eV per site."""
        ensemble, held_out = self.state.ensemble, self.state.held_out
        if ensemble is None or not held_out:
            return None
        spreads = [
            ensemble.spread(one.supercell, one.occupation) / len(one.occupation) for one in held_out
        ]
        return float(np.sqrt(np.mean(np.square(spreads))))

    def _known_spread(self) -> float:
        """The same, where the end depends on it."""
        spread = self._spread()
        if spread is None:
            raise CampaignError(
                "spread in [stopping] is that of held-out arrangements, and this campaign has "
                "none, since held_out in [drawn] was 0 when it began, or since all that were drawn "
                "are among the first ones; remove spread, or begin in another folder, with more "
                "sites or less in first"
            )
        return spread

    def _learn(self, arrangements: Sequence[Arrangement], reason: str) -> dict[str, Any]:
        labels = self._label("labels", arrangements)
        record = labels.record
        row = {
            "n_selected": len(arrangements),
            "n_labelled": record["n_labelled"],
            "n_quarantined": len(record["quarantined"]),
            "new": record["errors_before"],
        }
        refused = tuple(arrangements[one["index"]] for one in record["quarantined"])
        self.state = replace(self.state, refused=(*self.state.refused, *refused))
        if not record["n_labelled"]:
            return {**row, "reason": f"no label: {record['quarantined'][0]['reason']}"}
        self.state = replace(
            self.state,
            training=(*self.state.training, *arrangements_in(labels.arrays)),
            structures=Dataset.concatenate([self.state.structures, labels.datasets["structures"]]),
        )
        return {**row, **self._fit(), "reason": reason}

    def _fit(self) -> dict[str, Any]:
        settings, training = self.settings, self.state.training
        path = self.steps.folder.path / POTENTIAL
        on = (settings.potential, settings.fit, settings.campaign.seed)
        fitted = self.steps.step(
            "fit",
            (digest_of(training), digest_of(self.state.held_out), self._lattice, *on),
            self._fitted,
            products=[path],
        )
        self.state = replace(self.state, ensemble=read_low_rank_ensemble(path))
        return {name: fitted.record[name] for name in _OF_A_FIT}

    def _fitted(self) -> StepResult:
        began, settings = time.perf_counter(), self.settings
        fit = fit_low_rank_ensemble(
            self.parent,
            self.state.training,
            settings.fit.settings(settings.potential, settings.campaign.seed),
            settings.potential.members,
            resampling=settings.fit.resampling,
            threads=self.steps.context.workers,
            progress=lambda done, total: self.steps.progress("fit", done, total),
        )
        write_low_rank(fit.ensemble, self.steps.folder.path / POTENTIAL)
        self.state = replace(self.state, ensemble=fit.ensemble)
        labelled = settings.drawn.label_held_out
        record = {
            "n_training": len(self.state.training),
            "n_parameters": fit.ensemble.members[0].n_parameters,
            "training": {"energy_rmse": fit.rmse, "force_rmse": None},
            "validation": self._errors(self.state.held_out) if labelled else None,
            "spread": self._spread(),
            "warnings": [],
            "seconds": time.perf_counter() - began,
        }
        return StepResult(record)


_NOTHING: dict[str, Any] = {
    "is_clean": None,
    "reliability": None,
    "n_breaks": 0,
    "n_scenarios": 0,
    "max_grade": None,
    "n_candidates": 0,
    "n_selected": 0,
    "n_labelled": 0,
    "n_quarantined": 0,
    "new": None,
}
"""A row of an iteration in which nothing was found."""

_OF_A_FIT = ("n_training", "n_parameters", "training", "validation", "spread")
"""What a row has of the last fit."""


def _relaxation(settings: LatticeSettings) -> Any:
    return settings.relaxation if settings.relaxation is not None else "none"
