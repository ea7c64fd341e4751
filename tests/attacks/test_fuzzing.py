"""A short run of each fuzzing attack, and what each of them must notice."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import attack
import pytest
from attacks.finding import FindingError
from attacks.mutations import limited, survive

from attacks import fuzz_cfg, fuzz_potentials
from maxvolt.io.cfg_write import text_bytes
from maxvolt.potentials.mtp.files.writer import format_potential


def test_damaged_potentials(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for kind in fuzz_potentials.KINDS:
        stream = fuzz_potentials.inputs(kind, "tests")
        outcomes += survive(stream, fuzz_potentials.check, tmp_path / "input", count=1500)
    assert outcomes["read"] > 100
    assert outcomes["refused"] > 1000


def test_damaged_configurations(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    logging.disable()
    try:
        for kind in fuzz_cfg.KINDS:
            stream = fuzz_cfg.inputs(kind, "tests")
            outcomes += survive(stream, fuzz_cfg.check, tmp_path / "input", count=1500)
    finally:
        logging.disable(logging.NOTSET)
    assert outcomes["read"] > 200
    assert outcomes["refused"] > 500


SHORT = ("fuzz_core_reader", "fuzz_evaluation", "fuzz_plans", "fuzz_settings", "fuzz_structures")


@pytest.mark.parametrize("name", SHORT)
def test_a_short_run(name: str, tmp_path: Path) -> None:
    assert attack.load(name).trial(0, tmp_path, 15) == "held"


def test_a_changed_potential_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = lambda potential: format_potential(dataclasses.replace(potential, scaling=2.0))  # noqa: E731
    monkeypatch.setattr(fuzz_potentials, "format_potential", changed)
    with pytest.raises(FindingError, match="scaling is not the same"):
        fuzz_potentials.check(format_potential(fuzz_potentials.seed_potential(1)))


def test_a_lost_digit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_cfg, "text_bytes", lambda c: text_bytes(c, full_precision=False))
    with pytest.raises(FindingError, match="not the same after writing"):
        fuzz_cfg.check(fuzz_cfg.binary_bytes(fuzz_cfg.seed_configurations()[0]))


def test_too_much_memory_and_time_are_noticed(tmp_path: Path) -> None:
    def check(data: bytes) -> str:
        if data == b"large":
            bytearray(2**31)
        elif data == b"slow":
            sum(range(10**7))
        return "read"

    def stream(*contents: bytes) -> Iterator[bytes]:
        return iter(contents)

    assert survive(stream(b"", b""), check, tmp_path / "input", count=9) == {"read": 2}
    with pytest.raises(FindingError, match="input 1: MemoryError"):
        survive(stream(b"", b"large"), check, tmp_path / "input", count=9)
    assert (tmp_path / "input").read_bytes() == b"large"
    with pytest.raises(FindingError, match="took"):
        survive(stream(b"slow"), check, tmp_path / "input", count=9, seconds=0.01)
    with limited():
        bytearray(2**20)


def test_the_same_seed_gives_the_same_inputs() -> None:
    for module in (fuzz_cfg, fuzz_potentials):
        one, again, other = (
            list(islice(module.inputs(module.KINDS[0], seed), 50)) for seed in ("1", "1", "2")
        )
        assert one == again
        assert one != other


@pytest.mark.parametrize("name", attack.names())
def test_each_attack_in_the_list_has_a_trial(name: str) -> None:
    assert callable(attack.load(name).trial)
