"""Campaigns that search for structures: from nothing to findings that have labels."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from campaign_files import (
    SMALL,
    InterruptedRunError,
    products,
    run,
    run_with_interruptions,
    write_campaign,
)

import maxvolt
from maxvolt.campaign import Campaign, CampaignFolder, Event, summarize
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.steps import sampling
from maxvolt.cli import main
from maxvolt.errors import SettingsError
from maxvolt.report.campaign_page import write_campaign_page
from maxvolt.search import SearchSettings, StructureSearch
from maxvolt.search.likeness import is_known
from promises import needs

SEARCH = """
[[scenario]]
name = "crystals"
kind = "search"
method = "hopping"
symmetry = false
atoms = [1, 2]
volume = [14.0, 20.0]
start_distance = 2.5
generations = 3
population = 4
force_tolerance = 0.05
stress_tolerance = 1.0
label_best = 2

"""


def search_text(scenario: str = SEARCH) -> str:
    """A campaign that begins with nothing and searches."""
    begin, end = SMALL.index("[structures.fcc]"), SMALL.index("[potential]")
    text = SMALL[:begin] + SMALL[end:]
    begin, end = text.index("[[training]]"), text.index("[reference]")
    text = text[:begin] + scenario + text[end:] + '\n[stopping]\nuntil = "no break"\n'
    return text.replace("max_iterations = 8", "max_iterations = 30")


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Path:
    file = write_campaign(tmp_path_factory.mktemp("search"), search_text())
    result = run(file)
    assert result.status == "finished", result.reason
    return file


def rows_of(file: Path) -> list[dict]:
    return list(summarize(CampaignFolder.find(file)).iterations)


def test_it_ends_when_its_best_findings_have_labels(searched):
    rows = rows_of(searched)
    assert rows[0]["kind"] == "opening"
    assert rows[0]["n_labelled"] == 8  # the first generation, and displaced copies of it
    assert rows[-1]["is_clean"]
    assert all(one["labelled"] for one in rows[-1]["findings"])
    assert len(rows[-1]["findings"]) == 2
    assert "best findings" in rows[-2]["reason"] or len(rows) == 2
    folder = searched.parent / "small"
    findings, training = (
        maxvolt.read(folder / "findings.xyz"),
        maxvolt.read(folder / "training.xyz"),
    )
    assert is_known(findings.select([0, 1]), training).all()
    heights = [info["height"] for info in findings.infos]
    assert heights == sorted(heights)
    assert heights[0] == 0.0
    energies = findings.energies / findings.counts
    np.testing.assert_allclose(energies - energies[0], heights, atol=1e-9)
    for one, row in zip(findings.select([0, 1]), rows[-1]["findings"], strict=True):
        assert one.info["reference_eV_per_atom"] == row["reference_eV_per_atom"]
        one.calc = EMT()  # of which the labelled structure was nearly the same
        energy = one.get_potential_energy() / len(one)
        assert row["reference_eV_per_atom"] == pytest.approx(energy, abs=2e-3)


def test_the_status_lists_what_was_found(searched, capsys):
    assert main(["status", str(searched)]) == 0
    text = capsys.readouterr().out
    assert "above hull" in text
    reference = [f"{one['reference_eV_per_atom']:.4f}" for one in rows_of(searched)[-1]["findings"]]
    lines = [line for line in text.splitlines() if "crystals" in line]
    assert all(energy in line for energy, line in zip(reference, lines[-2:], strict=True))


def test_the_page_lists_what_was_found(searched):
    page = write_campaign_page(CampaignFolder.find(searched)).read_text()
    assert "What searches found last" in page
    for one in rows_of(searched)[-1]["findings"]:
        energies = one["energy_eV_per_atom"], one["reference_eV_per_atom"]
        assert all(f"{energy:.4f}" in page for energy in energies)


def test_the_lowest_is_close_packed(searched):
    """EMT has fcc and hcp aluminium within a milli-electronvolt; nothing else is near."""
    best = maxvolt.read(searched.parent / "small/findings.xyz")[0]
    distances = np.sort(best.repeat((4, 4, 4)).get_all_distances(mic=True)[0])[1:13]
    assert distances[11] / distances[0] < 1.06
    assert distances[0] == pytest.approx(2.83, abs=0.08)


def test_what_was_found_is_what_the_next_search_begins_with(searched):
    folder = CampaignFolder.find(searched)
    last = len(folder.iterations()) - 1
    first = read_result(folder.iteration(last).part_file("crystals", 0)).record
    assert first["kind"] == "StructureSearch"
    before = read_result(folder.iteration(last - 1).step_file("findings")).datasets["of crystals"]
    assert first["total_steps"] == 12 + max(0, len(before) + 2 - 4)


def test_what_is_not_searched_any_more_is_left_out(monkeypatch):
    """Somebody may change the elements between two iterations."""
    found = maxvolt.Dataset.from_atoms([bulk("Al"), bulk("Cu")])
    monkeypatch.setattr(sampling, "earlier_findings", lambda *_: found)
    runner: Any = None  # only `earlier_findings` looks at it
    for species, elements in ((("Al",), ["Al"]), (("Al", "Cu"), ["Al", "Cu"])):
        settings = SearchSettings(species, (1, 2), method="random", symmetry=False)
        going_on = sampling._going_on(runner, StructureSearch("crystals", settings))
        assert isinstance(going_on, StructureSearch)
        assert going_on.seeds is not None
        assert [str(one.symbols) for one in going_on.seeds] == elements
    alone = StructureSearch("crystals", SearchSettings(("Ni",), (1, 2), symmetry=False))
    assert sampling._going_on(runner, alone).seeds is None


def test_interrupted_after_every_step(searched, tmp_path):
    file = write_campaign(tmp_path, search_text())
    result, runs = run_with_interruptions(file)
    assert result.status == "finished"
    assert runs > 6
    assert products(tmp_path) == products(searched.parent)
    ours, theirs = ((one.parent / "small/findings.xyz").read_bytes() for one in (file, searched))
    assert ours == theirs


KILLED = """
import os, signal, sys
from maxvolt.search import searching
from maxvolt.campaign import Campaign

append = searching.Journal.append

def killed(self, generation):
    append(self, generation)
    if len(self.generations) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

searching.Journal.append = killed
sys.path.insert(0, sys.argv[2])
from campaign_files import run
run(sys.argv[1])
"""


def test_a_kill_between_generations_loses_none(searched, tmp_path):
    needs("SIGKILL")
    file = write_campaign(tmp_path, search_text())
    command = [sys.executable, "-c", KILLED, str(file)]
    died = subprocess.run([*command, str(Path(__file__).parent)], timeout=240)
    assert died.returncode == -signal.SIGKILL
    (journal,) = (tmp_path / "small/iterations").glob("*/sampling/*.jsonl")
    assert len(journal.read_bytes().splitlines()) == 3
    assert run(file).status == "finished"
    assert products(tmp_path) == products(searched.parent)
    assert not list((tmp_path / "small/iterations").glob("*/sampling/*.jsonl"))


def test_a_damaged_finding_is_made_again(searched, tmp_path):
    shutil.copytree(searched.parent, tmp_path / "copy")
    file = tmp_path / "copy" / searched.name
    folder = CampaignFolder.find(file)
    path = folder.iteration(len(folder.iterations()) - 1).step_file("findings")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    damaged: list[Event] = []
    run(file, lambda event: damaged.append(event) if event.kind == "damaged" else None)
    assert len(damaged) == 1
    assert "findings.npz" in damaged[0].content["files"][0]
    made, before = read_result(path), read_result(searched.parent / path.relative_to(file.parent))
    assert made.datasets["of crystals"].digest == before.datasets["of crystals"].digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("atoms = [1, 2]", "atoms = [2, 1]"), "scenario 'crystals': .*1 <= fewest <= most"),
        (("atoms = [1, 2]", 'atoms = [1, 2]\nspecies = ["Cu"]'), "searches for Cu"),
        (('method = "hopping"', 'method = "magic"'), "evolution.*hopping.*random"),
        (("label_best = 2", "label_best = -1"), "label_best"),
        (("label_best = 2", "copies = 0"), "copies"),
        (("label_best = 2", "record_every = 5"), "record_every"),
        (("label_best = 2", 'structure = "fcc"'), "asks for the structure 'fcc'"),
        (("volume = [14.0, 20.0]", "volume = [20.0, 14.0]"), "volume"),
    ],
)
def test_bad_settings_are_told(change, words, tmp_path):
    file = write_campaign(tmp_path, search_text(SEARCH.replace(*change)))
    with pytest.raises(SettingsError, match=words):
        Campaign(file).check()


def test_a_file_of_structures_to_begin_with(tmp_path):
    scenario = SEARCH.replace("label_best = 2", 'structure = "fcc"')
    scenario = (
        '[structures.fcc]\ncrystal = "fcc"\nspecies = "Al"\na = 4.05\ncubic = false\n' + scenario
    )
    file = write_campaign(tmp_path, search_text(scenario))
    seen: list[int] = []

    def stop(event: Event) -> None:
        if event.kind == "step" and event.content["step"] == "candidates":
            seen.append(event.content["n_structures"])
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        run(file, stop)
    assert seen == [10]  # the crystal, four of the search, and a displaced copy of each
    assert isinstance(Campaign(file).settings().stages[0].active_scenarios[0].structure, str)


PICKY = '''
from ase.calculators.calculator import CalculationFailed
from ase.calculators.emt import EMT


class Picky(EMT):
    """Has no label for what is near to a crystal of aluminium."""

    def calculate(self, *arguments, **names):
        super().calculate(*arguments, **names)
        if self.results["energy"] / len(self.atoms) < {least}:
            raise CalculationFailed("too good to be true")
'''


@pytest.mark.parametrize("retry", [False, True])
def test_findings_that_the_reference_refuses_do_not_come_back(tmp_path, monkeypatch, capsys, retry):
    """Each is asked for once in a run; another one that retries asks for it once more."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "picky", raising=False)
    (tmp_path / "picky.py").write_text(PICKY.format(least=0.03))
    scenario = SEARCH.replace("label_best = 2", "label_best = 1\nbreak_share = 0.9")
    text = search_text(scenario).replace('"emt"', '"picky:Picky"')
    file = write_campaign(tmp_path, text)

    def stop(event: Event) -> None:
        if event.kind == "iteration" and any("too good" in row["reason"] for row in rows_of(file)):
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        run(file, stop)
    result = run(file, retry=retry)
    assert result.status == "finished", result.reason
    rows = rows_of(file)
    refusals = [row for row in rows if "too good" in row["reason"]]
    assert len(refusals) == 1 + retry
    (finding,) = rows[-1]["findings"]
    assert finding["refused"]
    assert not finding["labelled"]
    assert finding["reference_eV_per_atom"] is None
    assert finding["energy_eV_per_atom"] < 0.2
    assert "gave no label" in write_campaign_page(CampaignFolder.find(file)).read_text()
    assert main(["status", str(file)]) == 0
    assert "gave no label" in capsys.readouterr().out
