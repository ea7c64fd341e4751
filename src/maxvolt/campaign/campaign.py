"""Active learning from a file of settings: a loop that any kill leaves ready to go on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxvolt.campaign.iteration import prepare_iteration, run_iteration
from maxvolt.campaign.planning import Action, plan
from maxvolt.campaign.preflight import check_campaign
from maxvolt.campaign.record.history import CompleteIteration, read_history, state_after
from maxvolt.campaign.record.publication import publish, published_potential
from maxvolt.campaign.repair import repair
from maxvolt.campaign.running import CampaignResult, ResumableCampaign
from maxvolt.campaign.settings.stages import CampaignSettings, read_settings
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.labelling import WaitingError
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.executors.kinds import Executors, Kind

__all__ = ["Campaign", "CampaignResult"]


class Campaign(ResumableCampaign[CampaignSettings]):
    """A campaign: sample, select, label, refit, until nothing extrapolates any more.

    Everything it knows is in its folder; `run` starts it, goes on after a kill, or finds that there
    is nothing left to do. The file is read again before each iteration, so that it can be edited
    meanwhile.

    Parameters
    ----------
    path
        The campaign file, see docs/campaigns.

    Raises
    ------
    SettingsError
        The file cannot be used; the message names every key at fault.

    Examples
    --------
    ``maxvolt.Campaign("campaign.toml").run(callbacks=[print])``
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._checked: CampaignSettings | None = None

    def settings(self) -> CampaignSettings:
        """Read the file as it is now."""
        return read_settings(self.path)

    def check(self) -> None:
        """Find what is wrong with the file beyond its keys, calculating and writing nothing.

        Raises
        ------
        SettingsError
            Names every section at fault.
        """
        self._check(self.settings(), None)

    def _check(self, file: CampaignSettings, executors: Executors | None) -> None:
        """Check the file; `executors` are those that were given, if any."""
        if executors is None:
            plan = file.cluster_plan()
            here = plan is None or not plan.has_queue
            check_campaign(file, self.path.parent, here=here, cluster=plan)
        else:
            here = executors.of(Kind.LABELLING) is None
            check_campaign(file, self.path.parent, here=here)

    def _run(self, context: RunContext, *, file_decides: bool) -> CampaignResult:
        past: list[CompleteIteration] = []
        self._checked = None
        try:
            repair(context, lambda: self._start(context))
            context.iterations_before = len(read_history(self.folder.iterations()))
            while True:
                past = read_history(self.folder.iterations())
                end = self._advance(context, past, file_decides=file_decides)
                if end is not None:
                    return end
        except WaitingError as waiting:
            return self._end(context, past, "waiting", str(waiting))

    def _advance(
        self, context: RunContext, past: Sequence[CompleteIteration], *, file_decides: bool
    ) -> CampaignResult | None:
        """Make the next iteration, where the file says unless executors were given.

        Returns
        -------
        result
            Where there is none to make.
        """
        file = self.settings()
        following = plan(past, file)
        iterate = following.action is Action.ITERATE
        if iterate and file != self._checked:
            self._check(file, None if file_decides else context.executors)
            self._checked = file
            if file_decides and file.cluster_plan() != self._plan:
                context.use(self._executors(file))
        self._start(context)
        publish(self.folder, past)
        if not iterate:
            return self._end(context, past, str(following.action), following.reason)
        folder = self.folder.iteration(len(past))
        prepare_iteration(context, folder, following, past)
        state = state_after(self.folder, past, following.settings)
        runner = StepRunner(context, folder, following.settings, state)
        run_iteration(runner, following.kind)
        return None

    def _end(
        self, context: RunContext, past: Sequence[CompleteIteration], status: str, reason: str
    ) -> CampaignResult:
        return self._ended(context, status, reason, published_potential(self.folder, past))
