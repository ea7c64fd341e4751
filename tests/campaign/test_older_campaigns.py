"""A campaign that an earlier version started goes on: nothing of it is made again or lost.

``data/interrupted.tar.xz`` holds the folder of such a campaign, killed in its third iteration: the
first of two simulations was done, of the second there was the state at step 500 of 600. Beside it
is what the same version gave for the second one without interruption, ``uninterrupted.npz``.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from campaign_files import InThisProcess

from maxvolt.campaign import Campaign, CampaignFolder, Event, read_result, summarize
from maxvolt.sampling import MolecularDynamics

ARCHIVE = Path(__file__).parent / "data" / "interrupted.tar.xz"


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Campaign file beside the folder of its campaign."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    file = tmp_path / "small.toml"
    # Its version had another default here, and other settings would make a fit anew.
    file.write_text(file.read_text().replace("[fit]\n", "[fit]\nridge = 1e-12\n"))
    return file


def contents(folder: CampaignFolder) -> dict[str, bytes]:
    """Results that must stay, by their names."""
    files = [path for path in folder.path.rglob("*") if path.suffix in (".npz", ".json", ".almtp")]
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in files}


def test_it_goes_on_from_where_it_was(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CampaignFolder(interrupted.parent / "small")
    before = contents(folder)
    assert summarize(folder).status == "interrupted"
    ran: list[tuple[int, int]] = []
    run = MolecularDynamics.run

    def watched(self: MolecularDynamics, *arguments: object, **options: object) -> object:
        ran.append((self.part, options["state"].step))
        return run(self, *arguments, **options)

    monkeypatch.setattr(MolecularDynamics, "run", watched)
    events: list[Event] = []
    with InThisProcess() as executor:
        assert Campaign(interrupted).run([events.append], executor=executor).status == "finished"
    assert ran == [(1, 500)]
    assert {name: content for name, content in contents(folder).items() if name in before} == before
    kinds = {event.kind for event in events if event.kind != "progress"}
    assert kinds == {"started", "iteration", "step", "outcome", "finished"}


def test_what_it_goes_on_with_is_what_it_would_have_been(interrupted: Path) -> None:
    with InThisProcess() as executor:
        result = Campaign(interrupted).run(executor=executor)
    folder = CampaignFolder(result.folder)
    found = read_result(folder.iteration(2).part_file("warm", 1))
    expected = read_result(interrupted.parent / "uninterrupted.npz")
    assert {**found.record, "seconds": 0} == {
        **expected.record,
        "seconds": 0,
        "max_grade": pytest.approx(expected.record["max_grade"], rel=1e-6),
    }
    state_rows = 51  # steps 0, 10 ... 500: before the kill, thus to the last bit
    np.testing.assert_array_equal(
        found.arrays["grades"][:state_rows], expected.arrays["grades"][:state_rows]
    )
    # The last 100 steps may be those of another machine, whose rounding errors grow with time.
    last, wanted = (one.datasets["last"] for one in (found, expected))
    np.testing.assert_allclose(last.positions, wanted.positions, atol=1e-7)
