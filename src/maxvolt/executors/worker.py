"""What workers of a cluster do with a task."""

from __future__ import annotations

import pickle
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from maxvolt.errors import CampaignError, MaxvoltError
from maxvolt.executors.child import perform_pickled
from maxvolt.executors.isolation import isolated

__all__ = ["Place", "perform_here", "perform_isolated", "wait_for_file"]

_PACKAGE = "maxvolt"

_LATE = 60.0
"""Seconds after which every machine must see what another one has written: file systems of a
network keep for a while what they knew of a folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker must have in common with the campaign.

    Attributes
    ----------
    sign
        A file that this run of the campaign has made in its folder.
    version
        Of the package.
    paths
        Where modules are sought.
    """

    sign: Path
    version: str
    paths: tuple[str, ...]

    @classmethod
    def here(cls, sign: Path) -> Place:
        """What this process has."""
        return cls(sign, version(_PACKAGE), tuple(path for path in sys.path if path))

    def check(self) -> None:
        """Compare with what there is here.

        Raises
        ------
        CampaignError
            The folder or the package is another one.
        """
        if self.version != (found := version(_PACKAGE)):
            raise CampaignError(
                f"a worker has maxvolt {found}, the campaign {self.version}; set python in "
                "[executor] to the same installation"
            )
        wait_for_file(self.sign, "which the campaign has made")


def wait_for_file(path: Path, what: str, seconds: float = _LATE) -> None:
    """Wait until a file that another machine has written is seen here.

    Raises
    ------
    CampaignError
        It is not.
    """
    give_up = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > give_up:
            raise CampaignError(
                f"{path}: {what}, is not seen on this machine; keep the campaign in a folder that "
                "all machines share, under the same name"
            )
        time.sleep(min(0.5, seconds))
        if path.parent.is_dir():
            next(path.parent.iterdir(), None)  # looks anew at what the system remembers


def perform_isolated(place: Place, task: bytes) -> bytes:
    """Do a task in a process of its own."""
    try:
        place.check()
        return isolated(task, place.paths)
    except MaxvoltError as error:
        return pickle.dumps((error, None))


def perform_here(place: Place, task: bytes) -> bytes:
    """Do a task that has a process of its own for what may go wrong, as calculations have."""
    try:
        place.check()
    except MaxvoltError as error:
        return pickle.dumps((error, None))
    sys.path += [path for path in place.paths if path not in sys.path]
    return perform_pickled(task)
