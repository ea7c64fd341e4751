"""A potential of any family, or an ensemble, as the reference."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import maxvolt
from embedded_atoms import Analytic
from maxvolt.errors import DataError, LabellingError, MaxvoltError
from maxvolt.labelling import LabelStore, Reference, check_reference, label, write_jobs
from maxvolt.labelling.manual import collect_jobs


def crystals(symbol: str = "Al") -> list[Atoms]:
    found = []
    for seed in range(3):
        atoms: Atoms = bulk("Al", a=4.1, cubic=True)
        atoms.symbols = symbol
        atoms.rattle(0.1, seed=seed)
        found.append(atoms)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Analytic(("Al", "Cu"), "fs").write(tmp_path / "AlCu.eam.fs", 301, 301)


def test_labels_are_those_of_the_potential(file: Path, tmp_path: Path) -> None:
    reference = Reference("potential", {"file": str(file)})
    found = label(crystals(), reference, LabelStore(tmp_path / "labels.db"))
    potential = maxvolt.load(file)
    for atoms, labelled in zip(crystals(), found.dataset, strict=True):
        expected = potential.evaluate(atoms)
        assert labelled.get_potential_energy() == pytest.approx(expected.energy, rel=1e-13)
        np.testing.assert_allclose(labelled.get_forces(), expected.forces, rtol=0, atol=1e-12)
        np.testing.assert_allclose(labelled.get_stress(), expected.stress, rtol=0, atol=1e-14)


def test_an_ensemble_labels_by_its_mean(tmp_path: Path) -> None:
    for member in (0, 1):
        Analytic(("Al",), seed=member).write(tmp_path / f"Al.{member}.eam.alloy", 301, 301)
    reference = Reference("potential", {"file": str(tmp_path / "Al.eam.alloy")})
    found = label(crystals(), reference, LabelStore(tmp_path / "labels.db"))
    expected = maxvolt.load(tmp_path / "Al.eam.alloy").evaluate(crystals()[0])
    assert found.dataset.energies[0] == pytest.approx(expected.energy, rel=1e-13)


def test_the_key_is_of_the_content_and_not_of_the_place(file: Path, tmp_path: Path) -> None:
    key = Reference("potential", {"file": str(file)}).key
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "other.eam.fs"
    moved.write_bytes(file.read_bytes())
    reference = Reference("potential", {"file": str(moved)})
    assert reference.key == key
    assert reference.complete_settings == {"digest": maxvolt.load(file).digest}
    assert reference.machine == {"file": str(moved)}
    Analytic(("Al", "Cu"), "fs", seed=1).write(moved, 301, 301)
    assert Reference("potential", {"file": str(moved)}).key != key


def test_a_file_of_settings_names_files_relative_to_itself(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "reference.toml"
    settings.write_text(f'calculator = "potential"\n[settings]\nfile = "{file.name}"\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert Reference.from_file(settings).machine == {"file": str(file)}


def test_a_file_that_changes_later_is_noticed(file: Path) -> None:
    reference = Reference("potential", {"file": str(file)})
    Analytic(("Al", "Cu"), "fs", seed=1).write(file, 301, 301)
    with pytest.raises(LabellingError, match="has changed: its digest is"):
        check_reference(reference, ["Al"])
    file.unlink()
    with pytest.raises(LabellingError, match="cannot be read: No such file"):
        check_reference(reference, ["Al"])


def test_elements_that_it_does_not_know_are_refused(file: Path, tmp_path: Path) -> None:
    reference = Reference("potential", {"file": str(file)})
    with pytest.raises(LabellingError, match="knows Al, Cu but not Au"):
        label(crystals("Au"), reference, LabelStore(tmp_path / "labels.db"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs its file"),
        ({"file": 3}, "expected the name of a file, not 3"),
        ({"file": "none.eam.fs"}, r"none\.eam\.fs: cannot be read"),
        ({"file": "pot", "cutoff": 4.0}, "has no setting cutoff"),
        ({"digest": "0", "file": "AlCu.eam.fs"}, "is not the potential with the digest 0"),
        ({"file": "AlCu.eam.fs", "species": ["Al"]}, "names the species Al, Cu"),
    ],
)
def test_settings_at_fault_are_refused(
    settings: dict[str, Any], message: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    with pytest.raises(MaxvoltError, match=message):
        Reference("potential", settings)


def test_an_untrained_potential_is_refused(tmp_path: Path) -> None:
    maxvolt.MTP(4, ["Al"], 5.0, 2.0).write(tmp_path / "pot.mtp")
    with pytest.raises(DataError, match="untrained"):
        Reference("potential", {"file": str(tmp_path / "pot.mtp")})


def test_jobs_written_for_elsewhere_have_the_potential_with_them(
    file: Path, tmp_path: Path
) -> None:
    reference = Reference("potential", {"file": str(file)})
    store, jobs = LabelStore(tmp_path / "labels.db"), tmp_path / "jobs"
    written = write_jobs(crystals(), reference, jobs, store=store)
    expected = maxvolt.load(file).evaluate(crystals()[0]).energy
    file.unlink()
    scripts = sorted(jobs.rglob("run.sh"))
    assert len(scripts) == 3, written
    for script in scripts:
        subprocess.run([str(script)], check=True, timeout=300)
    collect_jobs(jobs, store)
    found = maxvolt.read(tmp_path / "labels.db")
    assert np.min(abs(found.energies - expected)) < 1e-9
