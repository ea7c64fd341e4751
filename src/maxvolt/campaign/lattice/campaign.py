"""Campaigns of alloys on a lattice, from an empty training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxvolt.campaign.lattice.drawing import draw_arrangement
from maxvolt.campaign.lattice.file import read_lattice_settings
from maxvolt.campaign.lattice.iteration import POTENTIAL, LatticeIteration, LatticeState
from maxvolt.campaign.lattice.planning import Past, check_unchanged, what_is_next
from maxvolt.campaign.lattice.settings import KIND, LatticeFile, LatticeSettings
from maxvolt.campaign.lattice.steps import STAGE, LatticeSteps
from maxvolt.campaign.planning import Action
from maxvolt.campaign.record.folder import IterationFolder
from maxvolt.campaign.record.journal import Event
from maxvolt.campaign.record.storage import DamagedError, write_bytes
from maxvolt.campaign.running import CampaignResult, ResumableCampaign
from maxvolt.campaign.settings.comparison import changed_settings
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.labelling import WaitingError, count_labels
from maxvolt.errors import CampaignError, MaxvoltError, SettingsError
from maxvolt.executors.kinds import Kind
from maxvolt.files import make_folder
from maxvolt.io import write
from maxvolt.labelling import check_reference
from maxvolt.potentials.lattice import VACANCY, ParentLattice, environments_of

__all__ = ["LatticeCampaign"]


class LatticeCampaign(ResumableCampaign[LatticeFile]):
    """A campaign of an alloy on a lattice: Monte Carlo, select, label, refit, until nothing is new.

    Everything it knows is in its folder; `run` starts it, goes on after a kill, or finds that there
    is nothing left to do. Iterations that are complete keep the settings that they had.

    Parameters
    ----------
    path
        The campaign file, see docs/lattice/campaigns.md.

    Raises
    ------
    SettingsError
        The file cannot be used; the message names every key at fault.

    Examples
    --------
    ``LatticeCampaign("campaign.toml").run(callbacks=[print])``
    """

    @property
    def _kind(self) -> dict[str, str]:
        return {"kind": KIND}

    def settings(self) -> LatticeFile:
        """Read the file as it is now."""
        return read_lattice_settings(self.path)

    def check(self) -> None:
        """Find what is wrong with the file beyond its keys, calculating and writing nothing.

        Raises
        ------
        SettingsError
            Names the section at fault.
        """
        file = self.settings()
        plan = file.cluster_plan()
        self._checked(file, here=plan is None or not plan.has_queue)

    def _checked(self, file: LatticeFile, *, here: bool) -> ParentLattice:
        """Make the lattice, draw an arrangement, look for what the reference needs."""
        settings = file.settings
        where = "[lattice]"
        try:
            parent = settings.lattice.parent(self.path.parent)
            potential = settings.potential
            where = "[potential]"
            environments_of(parent, potential.shells, symmetric=potential.symmetric)
            where = "[drawn]"
            draw_arrangement(parent, settings.drawn, np.random.default_rng(0))
            where = "[reference]"
            if here and not settings.reference.manual:
                elements = {symbol for one in parent.allowed for symbol in one} - {VACANCY}
                check_reference(settings.reference.reference(), sorted(elements))
        except MaxvoltError as error:
            raise SettingsError(f"{self.path}: cannot be used:\n  {where}: {error}") from error
        return parent

    def _run(self, context: RunContext, *, file_decides: bool) -> CampaignResult:
        file, state = self.settings(), LatticeState()
        here = context.executors.of(Kind.LABELLING) is None
        parent = self._checked(file, here=here)
        past: list[Past] = []
        self._start(context)
        try:
            for folder in self.folder.iterations():
                if not folder.is_complete:
                    break
                used = folder.settings_as(LatticeSettings)
                check_unchanged(used, file)
                state = self._repeat(context, folder, used, parent, state)
                past.append((used, state.row))
            while True:
                if past:
                    self._publish(past, state)
                following = what_is_next(past, file.settings)
                if following.action is not Action.ITERATE:
                    return self._end(context, str(following.action), following.reason)
                folder = self.folder.iteration(len(past))
                self._prepare(context, folder, file.settings, past, following.kind)
                state = self._iterate(context, folder, file.settings, parent, state, following.kind)
                past.append((file.settings, state.row))
                following_file = self.settings()
                if following_file.settings != file.settings:
                    file = following_file
                    check_unchanged(past[0][0], file)
                    parent = self._checked(file, here=here)
        except WaitingError as waiting:
            return self._end(context, "waiting", str(waiting))

    def _prepare(
        self,
        context: RunContext,
        folder: IterationFolder,
        settings: LatticeSettings,
        past: Sequence[Past],
        kind: str,
    ) -> None:
        """Write the settings of an iteration down; say what changed since those used last."""
        make_folder(folder.path)
        try:
            used = folder.settings_as(LatticeSettings)
        except DamagedError:  # of an iteration that begins, or whose settings are lost
            used = None
        before = used if used is not None else past[-1][0] if past else None
        if used != settings:
            folder.write_settings(settings)
        content = {"kind": kind, "reason": "" if used is None else "goes on"}
        event = Event("iteration", folder.number, STAGE, content)
        if used is None:
            context.record(event)
        else:
            context.tell(event)
        changes = [] if before is None else changed_settings(before, settings)
        if changes:
            event = Event("settings changed", folder.number, STAGE, {"changes": changes})
            context.record(event)

    def _iterate(
        self,
        context: RunContext,
        folder: IterationFolder,
        settings: LatticeSettings,
        parent: ParentLattice,
        state: LatticeState,
        kind: str,
    ) -> LatticeState:
        """Make what is left of an iteration; its outcome is written last."""
        steps = LatticeSteps(context, folder)
        after, row = LatticeIteration(steps, settings, parent, state).run(kind)
        total = count_labels(context.folder.labels)
        new = max(total - state.row.get("n_labels_total", 0), 0)
        row |= {"n_labels_total": total, "n_new_labels": new}
        head = {"iteration": folder.number, "stage": STAGE}
        folder.write_outcome({**head, **row}, settings)
        context.record(Event("outcome", folder.number, STAGE, row))
        return replace(after, row={**head, **row})

    def _repeat(
        self,
        context: RunContext,
        folder: IterationFolder,
        settings: LatticeSettings,
        parent: ParentLattice,
        state: LatticeState,
    ) -> LatticeState:
        """Read what an iteration has led to; what is damaged of it is made again."""
        try:
            row = folder.outcome()
        except DamagedError as damage:
            raise CampaignError(
                f"{folder.outcome_file}: damaged; remove it: the iteration is then completed again "
                "from its other files"
            ) from damage
        steps = LatticeSteps(context, folder)
        after, _ = LatticeIteration(steps, settings, parent, state).run(row["kind"])
        return replace(after, row=row)

    def _publish(self, past: Sequence[Past], state: LatticeState) -> None:
        """Copy the newest potential and training set to the top of the folder."""
        sources = [self.folder.iteration(number).path / POTENTIAL for number in range(len(past))]
        content = [source for source in sources if source.exists()][-1].read_bytes()
        if not self._potential.exists() or self._potential.read_bytes() != content:
            write_bytes(self._potential, content)
        write(self.folder.training_file, state.structures)

    @property
    def _potential(self) -> Path:
        return self.folder.path / POTENTIAL

    def _end(self, context: RunContext, status: str, reason: str) -> CampaignResult:
        made = [self._potential] if self._potential.exists() else []
        return self._ended(context, status, reason, made)
