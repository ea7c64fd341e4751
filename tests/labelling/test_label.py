"""Labelling: each structure once, in order, and whatever goes wrong has a name."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import fcc111
from ase.calculators.emt import EMT
from faulty_calculator import begun, ended
from labelling_data import make_structures, still_runs

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import LabellingError
from maxvolt.labelling import LabelLimits, LabelStore, Reference, known_labels, label
from maxvolt.labelling.jobs import Job, Outcome, Status
from maxvolt.labelling.sessions import session_members
from maxvolt.labelling.supervision import perform

QUICK = LabelLimits(timeout=20.0, retries=0)


def test_labels_are_those_of_the_calculator(structures, store):
    result = label(structures, Reference("emt"), store)
    for index, atoms in enumerate(structures):
        atoms.calc = EMT()
        assert result.dataset.energies[index] == atoms.get_potential_energy(force_consistent=True)
        expected = atoms.get_forces(), atoms.get_stress()
        found = result.dataset[index].calc.results
        np.testing.assert_array_equal(found["forces"], expected[0])
        np.testing.assert_array_equal(found["stress"], expected[1])
    assert result.indices.tolist() == [0, 1, 2, 3]
    assert result.dataset.groups == structures.groups
    assert result.quarantined == []
    assert (result.calculated, result.reused) == (4, 0)


def test_the_energy_is_the_force_consistent_one(structures, store, faulty):
    result = label(structures, faulty(), store)
    positions = [atoms.positions for atoms in structures]
    assert result.dataset.energies == pytest.approx([0.5 * (p**2).sum() for p in positions])


def test_nothing_is_calculated_twice(structures, store, faulty, tmp_path):
    label(structures.select([2, 0]), faulty(), store)
    result = label(structures, faulty(), store)
    assert (result.calculated, result.reused) == (2, 2)
    assert result.dataset.energies == pytest.approx(
        [0.5 * (atoms.positions**2).sum() for atoms in structures]
    )
    again = label(structures, faulty(), LabelStore(store.path))
    assert (again.calculated, again.reused) == (0, 4)
    assert len(begun(tmp_path / "log")) == len(set(begun(tmp_path / "log"))) == 4


def test_equal_structures_are_calculated_once(structures, store, faulty, tmp_path):
    twice = structures.select([1, 0, 1])
    result = label(twice, faulty(), store)
    assert (result.calculated, len(result.dataset)) == (2, 3)
    assert result.dataset.energies[0] == result.dataset.energies[2]
    assert len(begun(tmp_path / "log")) == 2


def test_other_settings_are_other_labels(structures, store, faulty):
    label(structures, faulty(), store)
    result = label(structures, faulty(seconds=0.001), store)
    assert result.calculated == 4


def test_old_labels_give_way_and_other_knowledge_stays(structures, store, faulty):
    old = replace(
        structures,
        energies=np.full(4, 7.0),
        has_energy=np.ones(4, bool),
        infos=tuple({"grade": float(index)} for index in range(4)),
        weights=np.arange(1.0, 5.0),
    )
    result = label(old, faulty(), store)
    assert result.dataset.energies == pytest.approx(
        label(structures, faulty(), store).dataset.energies
    )
    assert [info["grade"] for info in result.dataset.infos] == [0.0, 1.0, 2.0, 3.0]
    assert result.dataset.weights.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert result.dataset.has_stress.all()


def test_slabs_and_molecules_have_no_stress(store, faulty, molecule):
    result = label([fcc111("Al", (1, 1, 3), vacuum=5.0), molecule], faulty(), store)
    assert not result.dataset.has_stress.any()
    assert result.dataset.has_forces.all()


def test_a_folder_without_its_description_is_made_anew(structures, store, faulty):
    job = Job.for_reference(structures[0], faulty())
    (store.work_folder / job.key).mkdir(parents=True)
    assert label(structures, faulty(), store).calculated == 4


def test_what_another_process_is_at_is_looked_for_now_and_then(
    store, faulty, tmp_path, monkeypatch
):
    structures, reference = make_structures(2), faulty(seconds=1.0)
    elsewhere = Job.for_reference(structures[0], reference).key
    looks = []

    def busy_at_first(task, pool):
        if task.key == elsewhere and not ended(tmp_path / "log"):
            looks.append(task.key)
            return Outcome(Status.BUSY)
        return perform(task, pool)

    monkeypatch.setattr("maxvolt.labelling.scheduling.perform", busy_at_first)
    assert len(label(structures, reference, store, workers=2).dataset) == 2
    assert 1 <= len(looks) < 50


def test_nothing_to_label(store, faulty):
    result = label(Dataset.from_atoms([]), faulty(), store)
    assert len(result.dataset) == result.calculated == 0


def test_known_labels(structures, store, faulty):
    label(structures.select([3, 1]), faulty(), store)
    known = known_labels(structures, faulty(), store)
    assert known.indices.tolist() == [1, 3]
    assert known.missing.tolist() == [0, 2]
    assert (known.calculated, known.reused) == (0, 2)


def test_progress(structures, store, faulty):
    label(structures.select([0]), faulty(), store)
    seen = []
    label(structures, faulty(), store, progress=seen.append)
    assert [(p.done, p.total, p.quarantined) for p in seen] == [(1, 3, 0), (2, 3, 0), (3, 3, 0)]


# --------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("fail", "failed: RuntimeError: out of luck"),
        ("not converged", "not converged: energy still goes up and down"),
        ("silently unconverged", "not converged: the calculator says"),
        ("nan", "forces holds NaN or infinity"),
        ("atom missing", r"forces has shape \(3, 3\); expected \(4, 3\)"),
        ("die", "failed: the process of the calculation was killed by SIGSEGV"),
    ],
)
def test_what_goes_wrong_is_quarantined(fault, reason, structures, store, faulty):
    reference = faulty(always=fault)
    result = label(structures.select([0]), reference, store, limits=QUICK)
    assert len(result.dataset) == 0
    assert result.quarantined[0].structure == 0
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(result.quarantined[0].reason)
    assert [r for _, r in store.quarantined()] == [result.quarantined[0].reason]
    assert not maxvolt.read(store.path).has_energy.any()


@pytest.mark.parametrize("fault", ["hang", "hang without giving way", "hang in a program"])
def test_what_hangs_is_ended(fault, structures, store, faulty):
    limits = LabelLimits(timeout=1.0, retries=0)
    result = label(structures.select([0]), faulty(always=fault), store, limits=limits)
    assert result.quarantined[0].reason == "failed: no result within 1 s"
    files = store.work_folder / "quarantined"
    for printed in files.glob("*/printed.txt"):
        for child in printed.read_text().split():  # of the program that hung
            assert not still_runs(int(child))


def test_a_large_force_is_quarantined(structures, store):
    limits = LabelLimits(max_force=1e-6)
    result = label(structures, Reference("emt"), store, limits=limits)
    assert len(result.quarantined) == 4
    assert "above the limit of 1e-06 eV/A" in result.quarantined[0].reason


def test_a_calculation_that_failed_is_tried_again(store, faulty, tmp_path):
    structures = make_structures(12)
    reference = faulty(fails=0.4)
    limits = LabelLimits(retries=20)
    result = label(structures, reference, store, limits=limits)
    assert len(result.dataset) == 12
    assert len(begun(tmp_path / "log")) > 12
    attempts = [store.get(atoms, reference).outcome.attempts for atoms in structures]
    assert sum(attempts) == len(begun(tmp_path / "log"))


def test_what_does_not_converge_is_not_tried_again(structures, store, faulty, tmp_path):
    limits = LabelLimits(retries=5)
    label(structures, faulty(always="not converged"), store, limits=limits)
    assert len(begun(tmp_path / "log")) == 4


def test_quarantined_structures_are_left_alone_until_asked_for(structures, store, faulty, tmp_path):
    reference = faulty(always="nan")
    label(structures, reference, store)
    result = label(structures, reference, store)
    assert (result.calculated, result.reused, len(result.quarantined)) == (0, 4, 4)
    assert len(begun(tmp_path / "log")) == 4
    result = label(structures, reference, store, retry_quarantined=True)
    assert (result.calculated, len(result.quarantined)) == (4, 4)
    assert len(begun(tmp_path / "log")) == 8


def test_files_of_what_went_wrong_are_kept(structures, store, faulty):
    label(structures.select([0]), faulty(always="fail"), store, limits=QUICK)
    (printed,) = (store.work_folder / "quarantined").glob("*/printed.txt")
    assert "RuntimeError: out of luck" in printed.read_text()
    label(structures, faulty(), store)
    assert sorted(p.name for p in store.work_folder.iterdir()) == ["claims", "quarantined"]


def test_files_are_kept_on_demand(structures, store, faulty):
    label(structures, faulty(always="print"), store, keep_files=True)
    printed = [p.read_text() for p in (store.work_folder / "finished").glob("*/printed.txt")]
    assert len(printed) == 4
    assert "to stdout" in printed[0]
    assert "to stderr" in printed[0]


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        (Reference("no_such_module:Calculator"), "cannot import no_such_module:Calculator"),
        (Reference("faulty_calculator:Missing"), "cannot import faulty_calculator:Missing"),
        (Reference("faulty_calculator:Faulty", {"no_such": 1}), "does not take these settings"),
        (Reference("emt", {"kpts": [2, 2, 2]}), "EMT has no setting kpts; it knows asap_cutoff"),
    ],
)
def test_nothing_is_quarantined_for_a_wrong_reference(reference, complaint, structures, store):
    with pytest.raises(LabellingError, match=complaint):
        label(structures, reference, store)
    assert store.quarantined() == []


def test_elements_that_the_calculator_does_not_know(store, molecule):
    molecule.numbers[0] = 26
    with pytest.raises(LabellingError, match="EMT has no parameters for Fe"):
        label([molecule], Reference("emt"), store)


def test_a_calculator_without_forces(structures, store):
    result = label(structures, Reference("faulty_calculator:EnergyOnly"), store, limits=QUICK)
    assert len(result.quarantined) == 4
    assert "forces" in result.quarantined[0].reason


# --------------------------------------------------------------------- where it runs


def test_several_at_once(store, faulty):
    """Calculations that wait for each other come to an end."""
    structures = make_structures(3)
    limits = LabelLimits(timeout=120.0, retries=0)
    result = label(structures, faulty(meets=3), store, limits=limits, workers=3)
    assert len(result.dataset) == 3


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_in_a_foreign_executor(kind, structures, store, faulty):
    with kind(2) as executor:
        result = label(structures, faulty(), store, executor=executor)
    assert len(result.dataset) == 4
    expected = label(structures, faulty(), store)
    np.testing.assert_array_equal(result.dataset.forces, expected.dataset.forces)


_LABELS_AND_LEAVES = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from labelling_data import make_structures, still_runs
from maxvolt.labelling import LabelStore, Reference, label, session_process
popen = session_process.subprocess.Popen
def remember(*arguments, **options):
    process = popen(*arguments, **options)
    print(process.pid)
    return process
session_process.subprocess.Popen = remember
label(make_structures(4), Reference("emt"), LabelStore(Path(sys.argv[2])), workers=2)
"""


def test_workers_end_with_the_process_that_started_them(store):
    command = [
        sys.executable,
        "-c",
        _LABELS_AND_LEAVES,
        str(Path(__file__).parent),
        str(store.path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    leaders = [int(line) for line in done.stdout.split()]
    assert leaders
    assert [session_members(leader) for leader in leaders] == [[]] * len(leaders)


def test_workers_are_used_again(structures, store, faulty, monkeypatch):
    from maxvolt.labelling import session_process

    label(structures, faulty(), store, workers=1)
    monkeypatch.setattr(session_process.subprocess, "Popen", None)
    assert label(structures, faulty(seconds=0.01), store, workers=1).calculated == 4


def test_the_environment_of_a_calculation(structures, store, faulty, monkeypatch):
    """That of this process as it is now, and what the reference says."""
    monkeypatch.setenv("FROM_THE_PROCESS", "new")
    reference = Reference(
        "faulty_calculator:Faulty",
        {"always": "print"},
        {"environment": {"FROM_THE_REFERENCE": 3}},
    )
    label(structures.select([0]), reference, store, keep_files=True)
    (printed,) = (store.work_folder / "finished").glob("*/printed.txt")
    assert "FROM_THE_PROCESS=new" in printed.read_text()
    assert "FROM_THE_REFERENCE=3" in printed.read_text()
    assert "OMP_NUM_THREADS=1" in printed.read_text()


@pytest.mark.parametrize("retries", [0, 1])
def test_an_interrupt_leaves_no_process_and_a_store_in_order(retries, store, faulty):
    structures = make_structures(6)
    limits = LabelLimits(retries=retries)  # with 0, the attempt that is cut short is the last one

    def interrupt(progress):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        label(structures, faulty(seconds=0.1), store, limits=limits, workers=2, progress=interrupt)
    result = label(structures, faulty(seconds=0.1), store, limits=limits)
    assert not result.quarantined
    assert len(result.dataset) == 6
    assert result.reused >= 1
