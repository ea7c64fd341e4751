"""A share of the workers."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from maxvolt.sampling.processes import WorkerPool, Workers
from maxvolt.sampling.worker_shares import TakenAwayError, WorkerShare


def test_a_share_grows_to_the_whole() -> None:
    pool = WorkerPool(4)
    share: Workers = WorkerShare(pool, 2)
    assert share.room == 2 < pool.room
    assert share.patience  # somebody has to look whether there is more room
    assert isinstance(share, WorkerShare)
    share.grow()
    assert share.room == pool.room


def test_what_was_taken_away_begins_nothing() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        WorkerPool(executor) as pool,
    ):
        share = WorkerShare(pool, 1)
        assert share.executor() is executor
        share.take_away()
        assert share.room == 0
        for use in (share.executor, share.replace):
            with pytest.raises(TakenAwayError):
                use()
        share.grow()
        assert share.room == 0
