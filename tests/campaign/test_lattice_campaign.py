"""Campaigns of alloys on a lattice, from an empty training set to their end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from campaign_files import InterruptedRunError, InThisProcess

import maxvolt
from maxvolt.campaign import (
    CampaignFolder,
    CampaignResult,
    Event,
    LatticeCampaign,
    find_campaign_folder,
    lattice_schema,
    open_campaign,
    read_settings,
    summarize,
)
from maxvolt.campaign.lattice.arrangement_arrays import arrangements_in
from maxvolt.campaign.record.storage import read_result
from maxvolt.cli import main
from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.potentials.lattice import on_lattice, read_low_rank_ensemble
from maxvolt.selection.lattice import LatticeActiveSet
from promises import needs

ROOT = Path(__file__).parents[2]

SMALL = """
[campaign]
kind = "lattice"
max_iterations = 12

[lattice]
cell = "sc:2.7"
species = ["Cu", "Pd"]

[potential]
rank = 1
symmetric = false
members = 2

[fit]
sweeps = 3
iterations = 2

[drawn]
sites = [2, 4]
first = 3
held_out = 4

[walks]
temperatures = [1500, 300]
walks = 4
sweeps = 4
snapshots = 2

[selection]
select = 1.5
break = 4.0
limit = 3

[stopping]
repeats = 1

[reference]
calculator = "emt"
"""

RELAXED = (
    SMALL.replace('cell = "sc:2.7"', 'cell = "fcc:3.75"')
    .replace("max_iterations = 12", "max_iterations = 1")
    .replace("sites = [2, 4]", "sites = [6, 8]")
)


def written(folder: Path, text: str = SMALL) -> Path:
    path = folder / "cupd.toml"
    path.write_text(text)
    return path


def finished(path: Path, *callbacks: object) -> CampaignResult:
    with InThisProcess() as executor:
        return LatticeCampaign(path).run(callbacks, executor=executor)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CampaignResult]:
    """Give a campaign that ran to its end undisturbed; do not change it."""
    path = written(tmp_path_factory.mktemp("lattice"))
    return path, finished(path)


def made(folder: Path) -> dict[str, bytes]:
    """Contents of all files in which no time stands."""
    found = {path.name: path.read_bytes() for path in folder.glob("*.npz")}
    for path in sorted(folder.glob("iterations/*/*.npz")):
        name = str(path.relative_to(folder))
        if path.name.startswith("potential"):
            found[name] = path.read_bytes()
            continue
        result = read_result(path)
        found |= {f"{name}/{key}": value.tobytes() for key, value in result.arrays.items()}
        found |= {
            f"{name}/{key}": str(value.digests).encode() for key, value in result.datasets.items()
        }
    return found


def test_it_ends_when_no_walk_extrapolates(done: tuple[Path, CampaignResult]) -> None:
    path, result = done
    assert result.status == "finished"
    rows = summarize(CampaignFolder(result.folder)).iterations
    assert [row["kind"] for row in rows] == ["opening"] + ["sampling"] * (len(rows) - 1)
    assert len(rows) > 2
    assert [row["is_clean"] for row in rows[1:]] == [False] * (len(rows) - 2) + [True]
    total = 0
    for row in rows:
        assert row["n_labelled"] == row["n_selected"]
        assert row["kind"] == "opening" or row["n_selected"] <= 3
        total += row["n_labelled"]
        assert row["n_training"] == total
        assert row["spread"] > 0
    assert rows[-1]["n_labels_total"] == total
    assert rows[-1]["max_grade"] <= 1.5 < rows[1]["max_grade"]
    # Nothing is left to do.
    assert finished(path).status == "finished"
    assert len(summarize(CampaignFolder(result.folder)).iterations) == len(rows)


def test_labels_are_those_of_the_reference_and_members_of_the_set_interpolate(
    done: tuple[Path, CampaignResult],
) -> None:
    _, result = done
    (file,) = result.potential
    ensemble = read_low_rank_ensemble(file)
    assert len(ensemble.members) == 2
    last = max(result.folder.glob("iterations/*/labels.npz"))
    (one, *_) = arrangements_in(read_result(last).arrays)
    atoms = ensemble.parent.atoms(one.supercell, one.occupation)
    atoms.calc = EMT()
    assert one.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    training = []
    for path in sorted(result.folder.glob("iterations/*/labels.npz")):
        training += arrangements_in(read_result(path).arrays)
    structures = maxvolt.read(result.training)
    assert structures.energies == pytest.approx([one.energy for one in training])
    active = LatticeActiveSet(ensemble.members[0], tuple(training))
    assert active.grade(training).max() < 1.0011


def test_a_run_that_is_killed_anywhere_ends_the_same(
    done: tuple[Path, CampaignResult], tmp_path: Path
) -> None:
    path = written(tmp_path)
    seen: set[str] = set()

    def interrupt(event: Event) -> None:
        key = f"{event.kind} {event.iteration} {event.content.get('step', '')}"
        if event.kind in ("step", "outcome", "iteration", "progress") and key not in seen:
            seen.add(key)
            raise InterruptedRunError

    runs = 0
    while True:
        runs += 1
        assert runs < 200
        try:
            result = finished(path, interrupt)
        except InterruptedRunError:
            continue
        break
    assert runs > 15
    expected, found = made(done[1].folder), made(result.folder)
    assert sorted(found) == sorted(expected)
    different = [name for name in found if found[name] != expected[name]]
    assert different == []
    rows, others = (
        [
            {**row, "seconds": 0, "n_new_labels": 0}
            for row in summarize(CampaignFolder(folder)).iterations
        ]
        for folder in (done[1].folder, result.folder)
    )
    assert rows == others


def test_damaged_files_are_made_again(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL.replace("max_iterations = 12", "max_iterations = 1"))
    result = finished(path)
    before = made(result.folder)
    for name in ("candidates.npz", "potential.lattice.npz", "labels.npz"):
        file = result.folder / "iterations" / "0000" / name
        file.write_bytes(file.read_bytes()[:-200])
    (result.folder / "potential.lattice.npz").unlink()
    events: list[Event] = []
    finished(path, events.append)
    assert made(result.folder) == before
    assert sum(event.kind == "damaged" for event in events) == 3


def test_commands_run_it_and_say_where_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, SMALL.replace("max_iterations = 12", "max_iterations = 1"))
    assert main(["run", str(path), "--check"]) == 0
    assert not (tmp_path / "cupd").exists()
    assert main(["status", str(path)]) != 0
    assert "no campaign was started" in capsys.readouterr().err
    assert main(["run", str(path)]) == 0
    told = capsys.readouterr()
    assert "stopped: max_iterations = 1 is reached" in told.err
    assert "walks broke" in told.err
    for name in (path, tmp_path / "cupd"):
        assert main(["status", str(name)]) == 0
        out = capsys.readouterr().out
        assert "spread" in out
        assert "reference calculations" in out
    assert main(["status", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "lattice"
    assert found["iterations"][0]["n_training"] > 2
    for name in (path, tmp_path / "cupd"):
        assert main(["report", str(name)]) != 0
        assert "'maxvolt status'" in capsys.readouterr().err.replace("\n", " ")
    assert find_campaign_folder(path).path == tmp_path / "cupd"
    assert isinstance(open_campaign(path), LatticeCampaign)


@pytest.mark.parametrize("cell", [False, True])
def test_relaxed_labels_are_mapped_back(tmp_path: Path, cell: bool) -> None:
    section = f"\n[relaxation]\ncell = {str(cell).lower()}\nforce_tolerance = 0.01\n"
    result = finished(written(tmp_path, RELAXED + section))
    labels = read_result(result.folder / "iterations" / "0000" / "labels.npz")
    parent = read_low_rank_ensemble(result.potential[0]).parent
    lower = []
    for one, atoms in zip(
        arrangements_in(labels.arrays), labels.datasets["structures"], strict=True
    ):
        ideal = parent.atoms(one.supercell, one.occupation)
        ideal.calc = EMT()
        lower.append(ideal.get_potential_energy() - one.energy)
        assert np.abs(atoms.get_forces()).max() < 0.01
        mapped = on_lattice(atoms, parent)
        assert np.array_equal(mapped.occupation, one.occupation)
        assert np.abs(mapped.strain).max() > 0.001 if cell else np.abs(mapped.strain).max() < 1e-9
        if cell:
            assert np.abs(atoms.get_stress()).max() * 160.2 < 0.1
    assert min(lower) > -1e-6
    assert max(lower) > 0.01
    assert labels.record["n_new"] > len(lower)


def test_what_leaves_the_lattice_is_refused(tmp_path: Path) -> None:
    section = "\n[relaxation]\ncell = true\nlargest_displacement = 1e-9\n"
    path = written(tmp_path, RELAXED + section)
    result = finished(path)
    record = read_result(result.folder / "iterations" / "0000" / "labels.npz").record
    # Pure crystals stay on their sites by symmetry.
    assert 0 < record["n_labelled"] < record["n_structures"]
    assert all("has left the lattice" in one["reason"] for one in record["quarantined"])
    rows = summarize(CampaignFolder(result.folder)).iterations
    assert rows[0]["n_quarantined"] == len(record["quarantined"])


def test_a_committee_and_a_spread_that_must_be_reached(tmp_path: Path) -> None:
    text = SMALL.replace("limit = 3", 'limit = 3\nstrategy = "committee"\nscale = 10.0').replace(
        "repeats = 1", "repeats = 1\nspread = 1e-9\nmax_labels = 10"
    )
    text = text.replace("held_out = 4", "held_out = 4\nlabel_held_out = true")
    result = finished(written(tmp_path, text))
    rows = summarize(CampaignFolder(result.folder)).iterations
    assert result.status == "stopped"
    assert "max_labels" in result.reason
    # No walk extrapolates on a scale of 10 eV, and yet labels are asked for.
    assert rows[1]["max_grade"] < 1
    assert "spread on held-out arrangements" in rows[1]["reason"]
    assert rows[1]["n_labelled"] == 3
    assert rows[1]["validation"]["energy_rmse"] > 0


ALL_KNOWN = SMALL.replace("sites = [2, 4]\nfirst = 3", "sites = [2, 2]\nfirst = 60")
"""All arrangements are among the first."""


def test_breaks_in_what_is_known_give_no_label(tmp_path: Path) -> None:
    strategy = 'strategy = "committee"\nscale = 1e-12'
    result = finished(written(tmp_path, ALL_KNOWN.replace("limit = 3", strategy)))
    assert result.status == "stopped"
    assert "found nothing new to label" in result.reason
    rows = summarize(CampaignFolder(result.folder)).iterations[1:]
    assert len(rows) == 3
    assert all(row["n_breaks"] == 4 and not row["n_labelled"] for row in rows)


def test_a_spread_on_nothing_is_no_end(tmp_path: Path) -> None:
    strategy = 'strategy = "committee"\nscale = 1e12'
    text = ALL_KNOWN.replace("limit = 3", strategy).replace("repeats = 1", "spread = 0.1")
    with pytest.raises(MaxvoltError, match="this campaign has none"):
        finished(written(tmp_path, text))


def test_labels_by_hand_are_waited_for(tmp_path: Path) -> None:
    text = SMALL.replace("max_iterations = 12", "max_iterations = 1") + "manual = true\n"
    path = written(tmp_path, text)
    waiting = finished(path)
    assert waiting.status == "waiting"
    assert waiting.potential == ()
    assert main(["status", str(path)]) == 0
    for number in ("0000", "0001"):
        jobs = sorted((tmp_path / "cupd" / "jobs" / number).iterdir())
        assert jobs
        for job in jobs:
            subprocess.run(["sh", "run.sh"], cwd=job, check=True, capture_output=True)
        waiting = finished(path)
    assert waiting.status == "stopped"
    assert len(summarize(CampaignFolder(waiting.folder)).iterations) == 2


def test_two_sublattices_from_a_file_with_vacancies(tmp_path: Path) -> None:
    needs("lattice")
    maxvolt.write(tmp_path / "cell.xyz", bulk("CuPd", "cesiumchloride", a=3.0))
    text = SMALL.replace(
        'cell = "sc:2.7"\nspecies = ["Cu", "Pd"]',
        'cell = "cell.xyz"\nspecies = {Cu = ["Cu", "Ag"], Pd = ["Pd", "X"]}',
    ).replace("sites = [2, 4]", "sites = [4, 8]\ncomposition = {X = [0, 0.26]}")
    result = finished(written(tmp_path, text.replace("max_iterations = 12", "max_iterations = 1")))
    assert set(maxvolt.read(result.training).species) == {"Cu", "Ag", "Pd"}
    ensemble = read_low_rank_ensemble(result.potential[0])
    assert ensemble.species == ("Ag", "Cu", "Pd", "X")
    shares = []
    for path in sorted(result.folder.glob("iterations/*/labels.npz")):
        for one in arrangements_in(read_result(path).arrays):
            assert set(one.occupation[::2]) <= {0, 1}
            assert set(one.occupation[1::2]) <= {2, 3}
            shares.append(np.mean(one.occupation == 3))
    assert 0 < max(shares) <= 0.26


def test_changed_settings(tmp_path: Path) -> None:
    text = SMALL.replace("max_iterations = 12", "max_iterations = 1")
    path = written(tmp_path, text)
    result = finished(path)
    count = len(summarize(CampaignFolder(result.folder)).iterations)
    path.write_text(text.replace("rank = 1", "rank = 2").replace("tions = 1\n", "tions = 2\n"))
    finished(path)
    summary = summarize(CampaignFolder(result.folder))
    assert [row["kind"] for row in summary.iterations[count:]][:1] == ["refit"]
    assert {"iteration": count, "key": "potential.rank", "before": 1, "after": 2} in summary.changes
    ensemble = read_low_rank_ensemble(result.folder / "potential.lattice.npz")
    assert max(ensemble.members[0].trains[0].ranks) == 2
    path.write_text(text.replace("sc:2.7", "sc:2.8"))
    with pytest.raises(SettingsError, match=r"cupd.toml: \[lattice\]: changed since the campaign"):
        finished(path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('kind = "lattice"', 'kind = "latice"', "expected 'lattice', found 'latice'"),
        ('cell = "sc:2.7"', "", r"\[lattice\] cell"),
        ("sc:2.7", "sc", r"\[lattice\]: lattice sc: there is no such file"),
        ("sc:2.7", "sc:2.7:3", "sc has one lattice constant"),
        ("sc:2.7", "x.cif", "lattice x.cif: there is no such file"),
        ('species = ["Cu", "Pd"]', 'species = ["Cu"]', "two species to choose from"),
        ('species = ["Cu", "Pd"]', 'species = ["Cu", "Qq"]', "chemical symbol"),
        ("members = 2", "members = 1", r"\[potential\] members"),
        ("break = 4.0", "break = 1.0", "break must not be below select"),
        ("sites = [2, 4]", "sites = [4, 2]", "must not be below the first"),
        ("first = 3", "frist = 3", "did you mean 'first'"),
        ("held_out = 4", "held_out = 4\ncomposition = {Cu = [0.3, 0.32]}", "widen them"),
        ("held_out = 4", "held_out = 4\ncomposition = {Ag = [0.3, 0.4]}", "no site has Ag"),
        ("sweeps = 4", "sweeps = 5", "multiple of snapshots"),
        ("[campaign]", "[campaign]\noverlap = true", r"\[campaign\] overlap: unknown key"),
        ("shells", "shells", ""),
        ('"emt"', '"emt"\nmanual = true\n[relaxation]', r"\[relaxation\] calculates step by step"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = written(tmp_path, SMALL.replace(before, after))
    if not message:
        open_campaign(path).check()
        return
    with pytest.raises(SettingsError, match=message):
        open_campaign(path).check()
    assert not (tmp_path / "cupd").exists()


def test_other_commands_say_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="of an alloy on a lattice"):
        read_settings(written(tmp_path))
    plain = written(tmp_path, '[campaign]\nname = "x"\n')
    with pytest.raises(SettingsError, match="no campaign of an alloy"):
        LatticeCampaign(plain)


def test_a_reference_that_labels_nothing_stops_it(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL.replace('["Cu", "Pd"]', '["Fe", "W"]'))
    with pytest.raises(MaxvoltError, match="no parameters for"):
        finished(path)
    with pytest.raises(SettingsError, match=r"\[reference\]: .*no parameters for"):
        open_campaign(path).check()


def test_the_published_schema_is_the_one_of_the_code() -> None:
    schema = lattice_schema()
    published = ROOT / "docs" / "lattice" / "campaign.schema.json"
    assert json.loads(published.read_text()) == json.loads(json.dumps(schema))
    for name, definition in schema["$defs"].items():
        for key, content in definition.get("properties", {}).items():
            known = {"description", "$ref", "const"} & set(content)
            assert known, f"{name}.{key} has no description"
