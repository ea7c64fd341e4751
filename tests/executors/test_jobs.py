"""Keeping jobs: as many as there is work for, others where some are lost, and no more than that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from maxvolt.errors import CampaignError
from maxvolt.executors import jobs as module
from maxvolt.executors.jobs import Jobs, Limits


class Site:
    """A batch system, its clock and its jobs."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.queue: dict[str, str] = {}
        self.noted: list[str] = []
        self.answers = True
        self.refusal: Exception | None = None
        self.submitted = 0
        self.logs = folder
        self.jobs_kept = Jobs(
            lambda mark: Job(self, f"sampling-{mark}"),
            self,  # type: ignore[arg-type]
            "sampling",
            folder,
            60.0,
            self.noted.append,
            Limits(),
        )

    def jobs(self) -> set[str] | None:
        return set(self.queue) if self.answers else None

    def keep(
        self, wanted: int, connected: bool = True, busy: bool = True, after: float = 11.0
    ) -> None:
        self.now += after
        names = set(self.queue.values()) if connected else set()
        self.jobs_kept.keep(wanted, names, names if busy else set())


class Job:
    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name, self.job_id = site, name, None

    async def start(self) -> None:
        if self.site.refusal is not None:
            raise self.site.refusal
        self.site.submitted += 1
        self.job_id = str(self.site.submitted)
        self.site.queue[self.job_id] = self.name

    async def close(self) -> None:
        self.site.queue.pop(self.job_id, None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site(tmp_path)
    clock: Callable[[], float] = lambda: found.now  # noqa: E731
    monkeypatch.setattr(module.time, "monotonic", clock)
    return found


def test_as_many_as_wanted_and_at_once(site: Site) -> None:
    site.keep(3, after=0.0)
    assert list(site.queue) == site.noted == ["1", "2", "3"]
    for _ in range(5):
        site.keep(3)
    assert site.submitted == 3


def test_what_is_lost_is_replaced(site: Site) -> None:
    site.keep(2)
    site.keep(2)
    del site.queue["1"]
    site.keep(2, after=3.0)  # sooner than the next look would be: its worker is gone
    assert list(site.queue) == ["2", "3"]


def test_a_queue_that_does_not_answer_loses_nothing(site: Site) -> None:
    site.keep(2)
    site.answers = False
    for _ in range(10):
        site.keep(2, connected=False)
    assert site.submitted == 2


def test_a_job_that_waits_is_not_lost(site: Site) -> None:
    site.keep(1)
    for _ in range(100):
        site.keep(1, connected=False)
    assert site.submitted == 1


def test_idle_jobs_are_given_back(site: Site) -> None:
    site.keep(2)
    site.keep(0, busy=False, after=20.0)
    assert len(site.queue) == 2
    for _ in range(5):
        site.keep(1, busy=False, after=20.0)
    assert len(site.queue) == 1
    for _ in range(5):
        site.keep(1, after=20.0)
    assert len(site.queue) == 1
    site.jobs_kept.cancel_all()
    assert not site.queue


def test_jobs_that_end_at_once_end_the_campaign(site: Site) -> None:
    (site.logs / "maxvolt-3.err").write_text("one\ntwo\nthree\nNo module named distributed\n")
    for _ in range(9):
        site.keep(1, connected=False)
        site.queue.clear()
    with pytest.raises(CampaignError) as caught:
        site.keep(1, connected=False)
    assert site.submitted == 3
    message = str(caught.value)
    assert "3 jobs for sampling in succession ended, or were cancelled, before" in message
    assert "No module named distributed" in message
    assert "one" not in message.split()


def test_those_that_have_worked_are_no_failures(site: Site) -> None:
    for _ in range(10):
        site.keep(1)
        site.keep(1)
        site.queue.clear()
    assert site.submitted == 10


def test_a_queue_that_refuses_for_a_moment(site: Site) -> None:
    site.refusal = RuntimeError("Socket timed out")
    site.keep(2)
    site.keep(2)
    site.refusal = None
    site.keep(2)
    assert site.submitted == 2


def test_a_queue_that_refuses(site: Site) -> None:
    site.refusal = RuntimeError(
        "Command exited with non-zero exit code.\nstderr:\ninvalid account\n"
    )
    site.keep(2)
    site.keep(2)
    with pytest.raises(CampaignError, match=r"refused 3 jobs.*invalid account.*--check"):
        site.keep(2)
