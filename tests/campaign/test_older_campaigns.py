"""A campaign that an earlier version started goes on: nothing of it is made again or lost.

``data/interrupted.tar.xz`` holds the folder of such a campaign, killed in its third iteration: the
first of two simulations was done, of the second there was the state at step 500 of 600. Beside it
is what the same version gave for the second one without interruption, ``uninterrupted.npz``.
"""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
from campaign_files import InThisProcess

from maxvolt.campaign import Campaign, CampaignFolder, Event, read_result, summarize
from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.settings.sections import FitSection, SelectionSection
from maxvolt.campaign.settings.stages import Settings
from maxvolt.sampling import MolecularDynamics

SELECTION = (
    '{"strategy":"active set","mode":"configuration","select":2.0,"break":10.0,"swap":1.001,'
    '"limit":null,"weights":{"energy":1.0,"force":0.0,"stress":0.0,"scaling":2}}'
)
FIT = (
    '{"energy_weight":1.0,"force_weight":0.01,"stress_weight":0.001,"scaling":"vibrations",'
    '"isolated_energies":"fit","resampling":"auto","max_iterations":100,"tolerance":0.0001,'
    '"starts":null,"start_iterations":12,"ridge":1e-10,"restart":true}'
)
"""Sections as they were hashed before settings were added to them."""

ARCHIVE = Path(__file__).parent / "data" / "interrupted.tar.xz"


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Campaign file beside the folder of its campaign."""
    with tarfile.open(ARCHIVE) as archive:
        # The filter, which Python 3.12 asks for, came with 3.11.4.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path, **safe)
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


def hashed(text: str) -> str:
    """What the fingerprint of a section was that says this."""
    return hashlib.sha256(text.encode() + b"\0").hexdigest()[:16]


@pytest.mark.parametrize(
    ("section", "older", "newer"),
    [
        (SelectionSection, SELECTION, '"uncertainty":"posterior"'),
        (SelectionSection, SELECTION, '"grades":[3.0,5.0]'),
        (FitSection, FIT, '"starts_apart":true'),
        (FitSection, FIT, '"robust":true'),
    ],
)
def test_settings_that_were_added_leave_fingerprints_as_they_were(
    section: type[SelectionSection | FitSection], older: str, newer: str
) -> None:
    assert fingerprint(section.model_validate_json(older)) == hashed(older)
    changed = section.model_validate_json(f"{older[:-1]},{newer}}}")
    assert fingerprint(changed) != hashed(older)
    # What is written down, and shown as an example, says all of them.
    assert newer.partition(":")[0] in section.model_validate_json(older).model_dump_json()


def test_fingerprints_of_whole_settings_leave_out_the_same(interrupted: Path) -> None:
    settings = CampaignFolder(interrupted.parent / "small").iteration(0).settings()
    text = settings.model_dump_json(by_alias=True)
    for later in (
        *(',"uncertainty":"grade"', ',"grades":[2.0,10.0]', ',"calibrate":null'),
        *(',"scale":"training"', ',"start":null', ',"keep_most":null', ',"finished":null'),
        *(',"starts_apart":false', ',"robust":false', ',"best_of":1', ',"melting":null'),
        *(',"network":null', ',"overlap":false'),
    ):
        assert text.count(later) == 1
        text = text.replace(later, "")
    assert Settings.model_validate_json(text) == settings
    assert fingerprint(settings) == hashed(text)
