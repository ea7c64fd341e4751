"""A quick run of each attack on what a machine does to the package, so that none of them rots."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("command", "part"), [("train", 0.4), ("label", 0.6)])
def test_a_full_disk(command, part, tmp_path):
    from attacks import full_disk

    assert full_disk.attack(command, part, tmp_path) in ("done", "message")


def test_a_full_disk_is_full(tmp_path):
    """The attack itself: without room nothing is written, and it says so."""
    from attacks import full_disk

    assert full_disk.attack("convert", 0.0, tmp_path) == "message"


def test_hostile_references(tmp_path):
    from attacks import hostile_references

    assert hostile_references.trial(1, tmp_path) in ("quarantined", "labelled")


@pytest.mark.parametrize("seed", range(2))
def test_command_lines(seed, tmp_path):
    from attacks import command_line

    assert command_line.trial(seed, tmp_path) in ("done", "message")


def test_an_attack_notices_a_traceback():
    from attacks.command_line import judge
    from attacks.finding import FindingError

    with pytest.raises(FindingError, match="ZeroDivisionError"):
        judge(["info"], 1, "Traceback (most recent call last):\nZeroDivisionError")
    with pytest.raises(FindingError, match="exit code 139"):
        judge(["info"], 139, "")
