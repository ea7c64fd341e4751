"""Active learning from a file of settings: a loop that any kill leaves ready to go on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from maxvolt.campaign.iteration import prepare_iteration, run_iteration
from maxvolt.campaign.planning import Action, plan
from maxvolt.campaign.preflight import check_campaign
from maxvolt.campaign.record.checkpoints import Checkpointing
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.history import CompleteIteration, read_history, state_after
from maxvolt.campaign.record.journal import Callback, Event
from maxvolt.campaign.record.locking import locked, owner_file
from maxvolt.campaign.record.owner import Owner, owned
from maxvolt.campaign.record.publication import publish, published_potential
from maxvolt.campaign.repair import repair
from maxvolt.campaign.settings.stages import CampaignSettings, read_settings
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.labelling import WaitingError
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.errors import CampaignError
from maxvolt.executors.cluster import LOGS, ClusterExecutors
from maxvolt.executors.job_scripts import JobMaker
from maxvolt.executors.kinds import Executors, Kind, ThisMachine, given_executors
from maxvolt.executors.resources import ClusterPlan
from maxvolt.files import make_folder, synchronize_folder
from maxvolt.processors import worker_count

__all__ = ["Campaign", "CampaignResult"]


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """How a run of a campaign ended.

    Attributes
    ----------
    status
        "finished": every stage is complete. "stopped": a limit of the settings ended it. "waiting":
        labels of a manual reference are missing.
    reason
        In words, with what to do.
    folder
        Of the campaign.
    potential
        Files of the newest potential, one per member.
    training
        The training set, extended XYZ.
    """

    status: str
    reason: str
    folder: Path
    potential: tuple[Path, ...]
    training: Path


class Campaign:
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
        self.path = Path(path)
        self.folder = CampaignFolder(self.settings().folder)
        self._started = False
        self._checked: CampaignSettings | None = None
        self._plan: ClusterPlan | None = None

    def settings(self) -> CampaignSettings:
        """Read the file as it is now."""
        return read_settings(self.path)

    def run(
        self,
        callbacks: Sequence[Callback] = (),
        *,
        executor: Executor | Mapping[str, Executor] | None = None,
        retry: bool = False,
        partial: bool = False,
        checkpointing: Checkpointing | None = None,
    ) -> CampaignResult:
        """Do all that is left to do.

        Parameters
        ----------
        callbacks
            Called with every `Event`; what they raise ends the run, which can go on later.
        executor
            Any executor of `concurrent.futures`, on this machine or on others that share the
            folder: it runs scenarios and reference calculations. Or executors by kind of task,
            "sampling", "labelling" and "fitting"; what is left out runs on this machine. None:
            what ``[executor]`` in the file says.
        retry
            Repeat reference calculations that have failed before.
        partial
            Go on with the labels that a manual reference has brought so far.
        checkpointing
            How often simulations write down the state from which they could go on.

        Raises
        ------
        SettingsError
            The file cannot be used.
        CampaignError
            Nothing can be labelled, files are damaged, or another process works on it.
        MaxvoltError
            A process of the given executor has died.
        """
        self._started, self._checked = False, None
        _make_folder(self.folder.path)
        given = None if executor is None else given_executors(executor)
        lock = self.folder.lock_file

        def tell(owner: Owner, seconds: float) -> None:
            content = {"owner": str(owner), "seconds": seconds}
            for callback in callbacks:
                callback(Event("looking", content=content))

        with locked(lock), owned(owner_file(lock), tell) as ownership:
            self.folder.remove_temporary_files()
            file = self.settings()
            with RunContext(
                self.folder,
                self.path.parent,
                worker_count(file.general.workers),
                callbacks,
                self._executors(file) if given is None else given,
                retry=retry,
                partial=partial,
                checkpointing=checkpointing,
                check=ownership.check,
            ) as context:
                return self._run(context, file_decides=given is None)

    def job_scripts(self) -> dict[str, str]:
        """Return the jobs that ``[executor]`` asks for, as the batch system gets them.

        Returns
        -------
        scripts
            By the kinds of tasks that a job serves; none without a batch system.

        Raises
        ------
        SettingsError, MaxvoltError
            The file cannot be used, or what it needs is not installed.
        """
        plan = self.settings().cluster_plan()
        if plan is None or not plan.has_queue:
            return {}
        maker = JobMaker(plan, self.folder.path.absolute() / LOGS)
        return {", ".join(pool): maker.script(pool) for pool in plan.pools}

    def check(self) -> None:
        """Find what is wrong with the file beyond its keys, calculating and writing nothing.

        Raises
        ------
        SettingsError
            Names every section at fault.
        """
        self._check(self.settings(), None)

    def _executors(self, file: CampaignSettings) -> Executors:
        """What the file says."""
        self._plan = file.cluster_plan()
        if self._plan is None:
            return ThisMachine()
        return ClusterExecutors(self._plan, self.folder.path)

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
        runner = StepRunner(context, folder, following.settings, state_after(self.folder, past))
        run_iteration(runner, following.kind)
        return None

    def _start(self, context: RunContext) -> None:
        """Write down that a run has started: once, and not where the file cannot be used."""
        if not self._started:
            self._started = True
            content = {"file": str(self.path), "pid": os.getpid()}
            context.record(Event("started", content=content))
            synchronize_folder(self.folder.path)  # the journal may be new

    def _end(
        self, context: RunContext, past: Sequence[CompleteIteration], status: str, reason: str
    ) -> CampaignResult:
        context.record(Event(status, content={"reason": reason}))
        return CampaignResult(
            status=status,
            reason=reason,
            folder=self.folder.path,
            potential=tuple(published_potential(self.folder, past)),
            training=self.folder.training_file,
        )


def _make_folder(path: Path) -> None:
    try:
        make_folder(path)
    except (FileExistsError, NotADirectoryError) as error:
        raise CampaignError(
            f"{path}: results of the campaign go to a folder of this name, but a file has "
            "it; move the file away, or give another folder in [campaign]"
        ) from error
