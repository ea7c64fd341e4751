"""Manual mode: folders for a cluster, and what comes back, be it all or some."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, LabellingError
from maxvolt.labelling import (
    LabelLimits,
    LabelStore,
    Reference,
    collect_jobs,
    known_labels,
    label,
    write_jobs,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "io"))
from vasp_files import Step, outcar, vasprun

VASP = {"kspacing": 0.5, "encut": 200, "setups": None}


def run(folder: Path) -> None:
    subprocess.run([str(folder / "run.sh")], check=True, stdout=subprocess.DEVNULL)


def test_python_calculators(structures, store, tmp_path):
    written = write_jobs(structures, Reference("emt"), tmp_path / "jobs")
    names = [path.name.rpartition("_")[0] for path in written.folders]
    formulas = [atoms.get_chemical_formula() for atoms in structures]
    assert names == [f"{i:05d}_{formula}" for i, formula in enumerate(formulas)]
    for path in written.folders[:3]:
        run(path)
    collected = collect_jobs(tmp_path / "jobs", store)
    assert collected.labelled == written.folders[:3]
    assert collected.unfinished == ((written.folders[3], "run.sh has not finished"),)
    run(written.folders[3])
    run(written.folders[0])  # has a result: nothing happens
    collected = collect_jobs(tmp_path / "jobs", store)
    assert (collected.labelled, collected.known) == (written.folders[3:], written.folders[:3])
    by_hand = known_labels(structures, Reference("emt"), store).dataset
    automatic = label(structures, Reference("emt"), LabelStore(tmp_path / "other.db")).dataset
    np.testing.assert_array_equal(by_hand.forces, automatic.forces)
    np.testing.assert_array_equal(by_hand.energies, automatic.energies)


def test_another_machine_has_another_python(structures, store, tmp_path, monkeypatch):
    (folder,) = write_jobs(structures.select([0]), Reference("emt"), tmp_path / "jobs").folders
    script = folder / "run.sh"
    script.write_text(script.read_text().replace(sys.executable, "/no/such/python"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    run(folder)
    assert collect_jobs(tmp_path / "jobs", store).labelled == (folder,)


def test_folders_are_written_once(structures, store, tmp_path):
    label(structures.select([1]), Reference("emt"), store)
    first = write_jobs(structures.select([0, 0, 1]), Reference("emt"), tmp_path / "j", store=store)
    assert (len(first.folders), first.known, first.waiting) == (1, 1, 1)
    second = write_jobs(structures, Reference("emt"), tmp_path / "j", store=store)
    assert (len(second.folders), second.known, second.waiting) == (2, 1, 1)


def test_results_are_judged_when_they_come_back(structures, store, faulty, tmp_path):
    (path,) = write_jobs(structures.select([0]), Reference("emt"), tmp_path / "jobs").folders
    run(path)
    collected = collect_jobs(tmp_path / "jobs", store, limits=LabelLimits(max_force=1e-9))
    assert "above the limit" in collected.quarantined[0][1]
    collected = collect_jobs(tmp_path / "jobs", store)
    assert collected.labelled == (path,)


def test_nothing_to_collect(store, tmp_path):
    with pytest.raises(DataError, match="holds no folder with a job"):
        collect_jobs(tmp_path / "missing", store)


# --------------------------------------------------------------------- VASP


@pytest.fixture
def potentials(tmp_path) -> dict[str, str]:
    """Return where VASP's potentials are: files with the lines that ASE looks for."""
    for symbol in ("Cu", "O"):
        folder = tmp_path / "potentials" / "potpaw_PBE" / symbol
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f"  PAW_PBE {symbol}\n")
    return {"pp_path": str(tmp_path / "potentials")}


@pytest.fixture
def oxide() -> Atoms:
    """Return a structure whose atoms VASP has in another order."""
    atoms = Atoms("OCuOCu", cell=[4.0, 4.5, 5.0], pbc=True)
    atoms.set_scaled_positions(np.random.default_rng(4).random((4, 3)))
    return atoms


def vasp_output(atoms: Atoms, folder: Path, **changes) -> tuple[Step, list[int]]:
    """Return what VASP would say of an input folder, in its own order of atoms."""
    ordered = read(folder / "POSCAR")
    order = [int(line.split()[0]) for line in (folder / "ase-sort.dat").read_text().splitlines()]
    forces = np.arange(12.0).reshape(4, 3)
    step = Step(ordered, -12.5, forces[order], np.arange(6) * 1e-2)
    for name, value in changes.items():
        setattr(step, name, value)
    return step, order


@pytest.mark.parametrize(("name", "text"), [("OUTCAR", outcar), ("vasprun.xml", vasprun)])
def test_vasp(name, text, oxide, potentials, store, tmp_path):
    reference = Reference("vasp", VASP, potentials)
    (folder,) = write_jobs([oxide], reference, tmp_path / "jobs").folders
    assert sorted(p.name for p in folder.iterdir()) == [
        *("INCAR", "POSCAR", "POTCAR", "ase-sort.dat", "job.json", "run.sh")
    ]
    assert "KSPACING = 0.5" in (folder / "INCAR").read_text()
    assert (folder / "POTCAR").read_text().split() == ["PAW_PBE", "O", "PAW_PBE", "Cu"]
    assert collect_jobs(tmp_path / "jobs", store).unfinished == (
        (folder, "there is no OUTCAR and no vasprun.xml"),
    )
    step, order = vasp_output(oxide, folder)
    assert order != sorted(order)
    (folder / name).write_text(text([step]))
    assert collect_jobs(tmp_path / "jobs", store).labelled == (folder,)
    dataset = known_labels([oxide], reference, store).dataset
    assert dataset.energies == pytest.approx([-12.5])
    np.testing.assert_allclose(dataset.forces, np.arange(12.0).reshape(4, 3), atol=1e-6)
    np.testing.assert_allclose(dataset.stresses[0], np.arange(6) * 1e-2, atol=1e-5)


def test_vasp_shares_its_work_without_another_result(oxide, potentials, tmp_path):
    reference = Reference("vasp", VASP, {**potentials, "ncore": 4, "kpar": 2})
    (folder,) = write_jobs([oxide], reference, tmp_path / "jobs").folders
    tags = [line.strip() for line in (folder / "INCAR").read_text().splitlines()]
    assert {"NCORE = 4", "KPAR = 2"} <= set(tags)
    assert reference.key == Reference("vasp", VASP, potentials).key


def test_vasp_that_did_not_converge(oxide, potentials, store, tmp_path):
    reference = Reference("vasp", VASP, potentials)
    (folder,) = write_jobs([oxide], reference, tmp_path / "jobs").folders
    step, _ = vasp_output(oxide, folder, electronic_steps=5)
    (folder / "OUTCAR").write_text(outcar([step]))
    collected = collect_jobs(tmp_path / "jobs", store)
    assert collected.quarantined[0][1].startswith("not converged")


def test_vasp_output_of_another_structure(oxide, potentials, store, tmp_path):
    reference = Reference("vasp", VASP, potentials)
    (folder,) = write_jobs([oxide], reference, tmp_path / "jobs").folders
    step, _ = vasp_output(oxide, folder)
    step.atoms.positions[0, 0] += 0.1
    (folder / "OUTCAR").write_text(outcar([step]))
    collected = collect_jobs(tmp_path / "jobs", store)
    assert "another structure: 0.1 A away" in collected.unfinished[0][1]
    assert store.quarantined() == []


def test_vasp_output_that_ends_early(oxide, potentials, store, tmp_path):
    reference = Reference("vasp", VASP, potentials)
    (folder,) = write_jobs([oxide], reference, tmp_path / "jobs").folders
    step, _ = vasp_output(oxide, folder)
    text = outcar([step])
    (folder / "OUTCAR").write_text(text[: int(0.7 * len(text))])
    assert len(collect_jobs(tmp_path / "jobs", store).unfinished) == 1


def test_vasp_without_potentials(oxide, tmp_path):
    with pytest.raises(LabellingError, match='as "pp_path" under'):
        write_jobs([oxide], Reference("vasp", VASP, {"pp_path": str(tmp_path)}), tmp_path / "jobs")


# --------------------------------------------------------------------- others


def test_espresso_input(store, tmp_path):
    (tmp_path / "Al.upf").write_text("")
    atoms = bulk("Al", cubic=True)
    settings = {"pseudopotentials": {"Al": "Al.upf"}, "input_data": {"ecutwfc": 20}}
    reference = Reference("espresso", settings, {"pseudo_dir": str(tmp_path), "command": "my-pw.x"})
    (folder,) = write_jobs([atoms], reference, tmp_path / "jobs").folders
    written = read(folder / "espresso.pwi")
    np.testing.assert_allclose(written.positions, atoms.positions, atol=1e-9)
    text = (folder / "espresso.pwi").read_text()
    assert "K_POINTS automatic\n7 7 7" in text
    assert "ecutwfc          = 20" in text
    assert str(tmp_path) in text
    assert "my-pw.x -in espresso.pwi > espresso.pwo" in (folder / "run.sh").read_text()
    assert "no espresso.pwo" in collect_jobs(tmp_path / "jobs", store).unfinished[0][1]


def test_espresso_without_pseudopotentials(tmp_path):
    (tmp_path / "Al.pbe.UPF").write_text("")
    reference = Reference("espresso", {}, {"pseudo_dir": str(tmp_path)})
    with pytest.raises(LabellingError, match=r'give its file as "pseudopotentials".*Al\.pbe\.UPF'):
        write_jobs([bulk("Al")], reference, tmp_path / "jobs")
    reference = Reference(
        "espresso", {"pseudopotentials": {"Al": "Al.UPF"}}, {"pseudo_dir": str(tmp_path)}
    )
    with pytest.raises(LabellingError, match=r"Al\.UPF does not exist.* has Al\.pbe\.UPF"):
        write_jobs([bulk("Al")], reference, tmp_path / "jobs")


def test_abinit_input(store, tmp_path):
    (tmp_path / "Al.psp8").write_text("")
    reference = Reference("abinit", {"ecut": 300}, {"pp_paths": [str(tmp_path)]})
    (folder,) = write_jobs([bulk("Al")], reference, tmp_path / "jobs").folders
    text = (folder / "abinit.in").read_text()
    assert "ecut 300 eV" in text
    assert "Al.psp8" in text
    assert "abinit abinit.in" in (folder / "run.sh").read_text()
    assert "no abinit.abo" in collect_jobs(tmp_path / "jobs", store).unfinished[0][1]
    with pytest.raises(LabellingError, match="no pseudopotential of kind psp8 for Cu"):
        write_jobs([bulk("Cu")], reference, tmp_path / "jobs")


def test_a_job_survives_a_change_of_defaults(store, tmp_path, monkeypatch):
    """The description holds all settings: what was computed with the old ones stays that."""
    atoms = Dataset.from_atoms([bulk("Al")])
    reference = Reference("emt")
    (folder,) = write_jobs(atoms, reference, tmp_path / "jobs").folders
    document = json.loads((folder / "job.json").read_text())
    assert document["settings"] == reference.complete_settings
    shutil.move(folder, tmp_path / "jobs" / "another_name")
    run(tmp_path / "jobs" / "another_name")
    collect_jobs(tmp_path / "jobs", store)
    assert len(known_labels(atoms, reference, store).dataset) == 1
