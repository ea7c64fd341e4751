"""Who works on a campaign, told to processes of other machines."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from maxvolt.campaign.record import owner as module
from maxvolt.campaign.record.locking import is_locked, locked, owner_file
from maxvolt.campaign.record.owner import Owner, owned, read_owner
from maxvolt.errors import CampaignError

OTHER = replace(Owner.this(), host="node7", kernel="another", process=4711)


def ignore(*_: object) -> None:
    """Listen to nothing."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "BEAT", 0.05)
    return owner_file(tmp_path / ".lock")


def write(path: Path, owner: Owner) -> None:
    path.write_text(json.dumps(asdict(owner)))


def test_signs_of_life(path: Path) -> None:
    with owned(path, ignore) as ownership:
        first = read_owner(path)
        assert first is not None
        assert not first.is_elsewhere
        give_up = time.monotonic() + 20
        while read_owner(path) == first:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        ownership.check()
    assert not path.exists()


def test_one_that_died_here_is_no_obstacle(path: Path) -> None:
    write(path, Owner.this())
    told: list[object] = []
    with owned(path, lambda *what: told.append(what)):
        pass
    assert not told


def test_one_that_died_elsewhere_is_waited_for(path: Path) -> None:
    write(path, OTHER)
    told: list[tuple[Owner, float]] = []
    began = time.monotonic()
    with owned(path, lambda *what: told.append(what)):
        assert time.monotonic() - began >= 4 * 0.05
        assert read_owner(path) != OTHER
    assert told == [(OTHER, 0.2)]


def test_one_that_lives_elsewhere_is_not_disturbed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 1.0)
    write(path, OTHER)
    beat = threading.Timer(0.7, write, (path, replace(OTHER, beat=1)))
    beat.start()
    with (
        pytest.raises(
            CampaignError, match=r"another machine works on this campaign .*4711 on node7"
        ),
        owned(path, ignore),
    ):
        pass
    beat.join()
    assert read_owner(path) == replace(OTHER, beat=1)


def test_whoever_is_displaced_ends(path: Path) -> None:
    with owned(path, ignore) as ownership:
        write(path, OTHER)
        ownership._thread.join(20)
        with pytest.raises(CampaignError, match=r"taken this campaign over .*node7"):
            ownership.check()
    assert read_owner(path) == OTHER


def test_damaged_signs_are_none(path: Path) -> None:
    for text in ("", "{", "[]", '{"host": 1}'):
        path.write_text(text)
        assert read_owner(path) is None
        with owned(path, ignore):
            pass


def test_another_machine_is_seen_from_here(tmp_path: Path, monkeypatch) -> None:
    lock = tmp_path / ".lock"
    assert not is_locked(lock)
    write(owner_file(lock), OTHER)
    assert is_locked(lock)
    monkeypatch.setattr(module, "BEAT", 1e-9)
    assert not is_locked(lock)


def test_a_held_lock_says_who_holds_it(tmp_path: Path) -> None:
    from multiprocessing import get_context

    lock = tmp_path / ".lock"
    context = get_context("spawn")
    ready, leave = context.Event(), context.Event()
    process = context.Process(target=hold, args=(lock, ready, leave))
    process.start()
    try:
        assert ready.wait(60)
        with (
            pytest.raises(CampaignError, match="wait until it ends"),
            locked(lock),
        ):
            pass
        write(owner_file(lock), OTHER)
        with (
            pytest.raises(CampaignError, match=rf"4711 on node7.*down.*remove {lock}"),
            locked(lock),
        ):
            pass
    finally:
        leave.set()
        process.join()


def hold(path: Path, ready: object, leave: object) -> None:
    with locked(path):
        ready.set()
        leave.wait()
