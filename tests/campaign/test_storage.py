"""Results and the journal on disk."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import resource
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maxvolt.campaign.record.journal import Journal, read_journal
from maxvolt.campaign.record.locking import is_locked, locked
from maxvolt.campaign.record.storage import StepResult, read_result, write_result
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError

finite = st.floats(-1e3, 1e3, allow_nan=False)


def labelled(positions: np.ndarray, energy: float) -> Atoms:
    atoms = Atoms("Al2", positions=positions, cell=[4.0, 5.0, 6.0], pbc=[True, False, True])
    atoms.info.update(config_type="warm", grade=energy / 3, origin=3, words="a b", which=(1, 2))
    atoms.set_array("momenta", positions / 7)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=-positions)
    return atoms


@given(arrays.arrays(np.float64, (2, 3), elements=finite), finite)
def test_structures_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, positions: np.ndarray, energy: float
) -> None:
    path = tmp_path_factory.mktemp("storage") / "a.npz"
    dataset = Dataset.from_atoms([labelled(positions, energy), Atoms("Mg", pbc=False)])
    write_result(path, StepResult({"n": 2}, {"d": dataset}, {"g": positions}))
    back = read_result(path)
    found = back.datasets["d"]
    for name in ("offsets", "numbers", "positions", "cells", "pbc", "energies", "forces"):
        assert getattr(found, name).tobytes() == getattr(dataset, name).tobytes()
    assert found.groups == dataset.groups
    assert found.infos[0]["grade"] == energy / 3
    assert found.infos[0]["words"] == "a b"
    np.testing.assert_array_equal(found.infos[0]["arrays"]["momenta"], positions / 7)
    assert back.arrays["g"].tobytes() == positions.tobytes()
    assert back.record == {"n": 2}


def test_equal_results_are_equal_files(tmp_path: Path) -> None:
    dataset = Dataset.from_atoms([labelled(np.ones((2, 3)) / 3, 1 / 7)])
    for name in ("a.npz", "b.npz"):
        write_result(tmp_path / name, StepResult({"x": 1}, {"d": dataset}))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_an_empty_dataset(tmp_path: Path) -> None:
    write_result(tmp_path / "a.npz", StepResult({}, {"d": Dataset.from_atoms([])}))
    assert len(read_result(tmp_path / "a.npz").datasets["d"]) == 0


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_damaged_file_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.npz"
    write_result(path, StepResult({}, {"d": Dataset.from_atoms([Atoms("Al")])}))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CampaignError, match=r"a\.npz: damaged"):
        read_result(path)


class TestJournal:
    def test_events_are_appended(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "j.jsonl")
        journal.append("started", pid=1)
        Journal(tmp_path / "j.jsonl").append("step", step="fit", text="ü\nx")
        first, second = read_journal(tmp_path / "j.jsonl")
        assert (first["event"], first["pid"]) == ("started", 1)
        assert second["text"] == "ü\nx"
        assert first["time"] <= second["time"]

    def test_a_line_cut_short_is_removed(self, tmp_path: Path) -> None:
        path = tmp_path / "j.jsonl"
        Journal(path).append("started")
        whole = path.read_bytes()
        path.write_bytes(whole + whole[: len(whole) // 2])
        assert [event["event"] for event in read_journal(path)] == ["started"]
        Journal(path).append("outcome")
        assert [event["event"] for event in read_journal(path)] == ["started", "outcome"]

    def test_a_line_is_there_whole_or_not_at_all(self, tmp_path: Path) -> None:
        """A disk that is almost full takes the beginning of a line and says so only afterwards."""
        path = tmp_path / "j.jsonl"
        journal = Journal(path)
        journal.append("started")
        before = path.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
        try:
            with pytest.raises(CampaignError, match=r"j\.jsonl: cannot be written: File too large"):
                journal.append("outcome", text="x" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == before
        journal.append("outcome")
        assert [event["event"] for event in read_journal(path)] == ["started", "outcome"]

    def test_a_name_that_is_no_text(self, tmp_path: Path) -> None:
        name = os.fsdecode(b"caf\xe9.xyz")
        Journal(tmp_path / "j.jsonl").append("started", file=name)
        (event,) = read_journal(tmp_path / "j.jsonl")
        assert event["file"] == name

    @pytest.mark.parametrize(
        "line",
        [
            "{oops",
            "[" * 100_000,
            "[1, 2]",
            "{}",
            '{"event": 1, "time": ""}',
            '{"event": "finished", "time": ""}',
        ],
    )
    def test_a_damaged_line_is_named(self, line: str, tmp_path: Path) -> None:
        path = tmp_path / "j.jsonl"
        path.write_text(json.dumps({"event": "a", "time": ""}) + f"\n{line}\n")
        with pytest.raises(CampaignError, match=r"line 2: .*remove the line"):
            list(read_journal(path))


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    complaint = r"\.lock: cannot be locked \(No locks available\)"
    with pytest.raises(CampaignError, match=complaint), locked(tmp_path / ".lock"):
        pass
    assert not is_locked(tmp_path / ".lock")


def test_the_old_address_of_results_warns() -> None:
    with pytest.warns(DeprecationWarning, match=r"import read_result from maxvolt\.campaign"):
        module = importlib.import_module("maxvolt.campaign.storage")
    assert module.read_result is read_result
