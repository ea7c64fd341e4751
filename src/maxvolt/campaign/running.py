"""What all campaigns do when they are run: one process at a time, events, executors, an end."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from maxvolt.campaign.record.checkpoints import Checkpointing
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.journal import Callback, Event
from maxvolt.campaign.record.locking import locked, owner_file
from maxvolt.campaign.record.owner import Owner, owned
from maxvolt.campaign.settings.sections import CampaignSection
from maxvolt.campaign.steps.context import RunContext
from maxvolt.errors import CampaignError
from maxvolt.executors.cluster import LOGS, ClusterExecutors
from maxvolt.executors.job_scripts import JobMaker
from maxvolt.executors.kinds import Executors, ThisMachine, given_executors
from maxvolt.executors.resources import ClusterPlan
from maxvolt.files import make_folder, synchronize_folder
from maxvolt.processors import worker_count

__all__ = ["CampaignFile", "CampaignResult", "ResumableCampaign"]


class CampaignFile(Protocol):
    """A campaign file that was read."""

    @property
    def general(self) -> CampaignSection:
        """What concerns the campaign as a whole."""

    @property
    def folder(self) -> Path:
        """Where results go."""

    def cluster_plan(self) -> ClusterPlan | None:
        """What there is on a cluster; None where everything runs on this machine."""


F = TypeVar("F", bound=CampaignFile)


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


class ResumableCampaign(ABC, Generic[F]):
    """A campaign from a file of settings, which any kill leaves ready to go on.

    Parameters
    ----------
    path
        The campaign file.

    Raises
    ------
    SettingsError
        The file cannot be used; the message names every key at fault.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.folder = CampaignFolder(self.settings().folder)
        self._started = False
        self._plan: ClusterPlan | None = None

    @property
    def _kind(self) -> dict[str, str]:
        """What tells the kind of the campaign in its journal."""
        return {}

    @abstractmethod
    def settings(self) -> F:
        """Read the file as it is now."""

    @abstractmethod
    def check(self) -> None:
        """Find what is wrong with the file beyond its keys, calculating and writing nothing.

        Raises
        ------
        SettingsError
            Names every section at fault.
        """

    @abstractmethod
    def _run(self, context: RunContext, *, file_decides: bool) -> CampaignResult:
        """Do all that is left to do, where the file says unless executors were given."""

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
        self._started = False
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

    def _executors(self, file: F) -> Executors:
        """What the file says."""
        self._plan = file.cluster_plan()
        if self._plan is None:
            return ThisMachine()
        return ClusterExecutors(self._plan, self.folder.path)

    def _start(self, context: RunContext) -> None:
        """Write down that a run has started: once, and not where the file cannot be used."""
        if not self._started:
            self._started = True
            content = {"file": str(self.path), "pid": os.getpid(), **self._kind}
            context.record(Event("started", content=content))
            synchronize_folder(self.folder.path)  # the journal may be new

    def _ended(
        self, context: RunContext, status: str, reason: str, potential: Sequence[Path]
    ) -> CampaignResult:
        context.record(Event(status, content={"reason": reason}))
        return CampaignResult(
            status=status,
            reason=reason,
            folder=self.folder.path,
            potential=tuple(potential),
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
