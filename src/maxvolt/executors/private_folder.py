"""What only the workers of one run of a campaign may see: its keys, and the numbers of its jobs."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from maxvolt.executors.queues import cancel_jobs

if TYPE_CHECKING:
    from distributed.security import Security

__all__ = ["PrivateFolder"]

_PREFIX = ".executor-"
_JOB = "job-"


class PrivateFolder:
    """A folder in that of a campaign, readable to its owner alone, while a run uses a cluster.

    Those of runs that were killed go away with it: their jobs, which wait for a process that is
    gone, are cancelled. A run that still goes on cannot be there: it would hold the campaign.

    Parameters
    ----------
    folder
        Of the campaign.
    scheduler
        The batch system, or "local".

    Attributes
    ----------
    sign
        An empty file, by which workers recognise the folder.
    """

    def __init__(self, folder: Path, scheduler: str) -> None:
        self._folder = folder
        self._path = folder / f"{_PREFIX}{int(time.time())}-{secrets.token_hex(4)}"
        self._scheduler = scheduler
        self.sign = self._path / "sign"

    def __enter__(self) -> Self:
        """Make the folder."""
        for old in self._folder.glob(f"{_PREFIX}*"):
            self._clear(old)
        self._path.mkdir(mode=0o700)
        self.sign.touch()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._path, ignore_errors=True)

    def keep(self, security: Security) -> list[str]:
        """Write down the keys of a run; return the arguments that tell workers of them."""
        arguments = []
        for option, field in (
            ("ca-file", "ca_file"),
            ("cert", "worker_cert"),
            ("key", "worker_key"),
        ):
            path = self._path / f"{option}.pem"
            path.write_text(getattr(security, f"tls_{field}"))
            arguments += [f"--tls-{option}", str(path)]
        return arguments

    def note_job(self, number: str) -> None:
        """Write down the number of a job that was submitted."""
        (self._path / f"{_JOB}{self._scheduler}-{number}").touch()

    def _clear(self, old: Path) -> None:
        jobs = [path.name.removeprefix(_JOB).split("-", 1) for path in old.glob(f"{_JOB}*-*")]
        numbers = [number for scheduler, number in jobs if scheduler == self._scheduler]
        if numbers:
            cancel_jobs(self._scheduler, numbers)
        shutil.rmtree(old, ignore_errors=True)
