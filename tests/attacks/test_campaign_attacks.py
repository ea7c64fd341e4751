"""A quick run of each attack on campaigns, so that none of them rots."""

from __future__ import annotations

from pathlib import Path

import pytest

from promises import needs


def test_damage(tmp_path: Path) -> None:
    from attacks import damage

    for seed in (2, 5):
        (tmp_path / str(seed)).mkdir()
        assert damage.trial(seed, tmp_path / str(seed)) in ("mended", "refused")


def test_power_cut(tmp_path: Path) -> None:
    from attacks import power_cut

    assert power_cut.trial(1, tmp_path) == "held"


def test_kills(tmp_path: Path) -> None:
    from attacks import kills

    assert kills.trial(5, tmp_path) == "killed"


def test_kills_in_lammps(tmp_path: Path) -> None:
    needs("lammps")
    needs("SIGKILL")
    from attacks import kills_in_lammps

    assert kills_in_lammps.trial(1, tmp_path, most=3) == "killed 3 times"


def test_kills_of_networks(tmp_path: Path) -> None:
    needs("ani")
    needs("SIGKILL")
    from attacks import kills_of_networks

    assert kills_of_networks.trial(1, tmp_path, most=3) == "killed 3 times"


def test_campaigns_to_kill_from_boxes_can_run(tmp_path: Path) -> None:
    """Two campaigns killed 20 times take minutes: their files are checked here, not run."""
    from attacks import kills_of_discovery
    from maxvolt.campaign import Campaign

    for family in kills_of_discovery.FAMILIES:
        if "ANI" in family:
            needs("ani")
        file = kills_of_discovery.write_boxes(tmp_path / family.replace(" ", "_"), family)
        Campaign(file).check()
        assert 'kind = "random"' in file.read_text()


def test_kills_of_overlap(tmp_path: Path) -> None:
    needs("SIGKILL")
    from attacks import kills_of_overlap

    assert kills_of_overlap.trial(1, tmp_path, most=3) == "killed 3 times"


def test_unreliable(tmp_path: Path) -> None:
    from attacks import unreliable

    assert unreliable.trial(0, tmp_path) in ("clean", "quarantined")


def test_calculations_done_twice_are_noticed(tmp_path: Path) -> None:
    from attacks.finding import FindingError
    from attacks.kills import check_calculations

    log = tmp_path / "log"
    log.write_text("1.0 begin a\n1.1 end a\n2.0 begin a\n2.1 begin b\n2.2 end b\n")
    check_calculations(log)
    log.write_text(log.read_text() + "3.0 end a\n")
    with pytest.raises(FindingError, match="a was calculated 2 times"):
        check_calculations(log)


def test_what_was_not_synchronised_may_be_lost(tmp_path: Path) -> None:
    """The model of the disk: the potential that was renamed and not synchronised is empty."""
    import random

    from attacks.campaign_trials.recorded_disk import RecordedDisk

    from maxvolt.campaign.record.storage import write_bytes

    root = tmp_path / "small"
    root.mkdir()
    disk = RecordedDisk(root, lambda: None)
    with disk.recording():
        write_bytes(root / "safe", b"safe")
        with (root / ".hasty.tmp").open("wb") as file:
            file.write(b"hasty")
        (root / ".hasty.tmp").replace(root / "hasty")
    left = set()
    for seed in range(40):
        target = tmp_path / str(seed)
        disk.after_a_cut(random.Random(seed), target)
        assert (target / "safe").read_bytes() == b"safe"
        left.add((target / "hasty").read_bytes() if (target / "hasty").exists() else None)
    assert left == {None, b"", b"ha", b"hasty"}
