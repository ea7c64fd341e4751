"""VASP's OUTCAR and vasprun.xml: labels, units, and which steps are left out."""

from __future__ import annotations

import dataclasses
import gzip
import logging
import random
from collections import Counter
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms, FixScaled
from attacks.mutations import mutations
from vasp_files import EDIFF, KB_PER_EV_A3, NELM, Step, outcar, vasprun

from maxvolt import io
from maxvolt.dataset import Dataset
from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_dataset import cfg_from_dataset
from maxvolt.io.outcar import read_outcar
from maxvolt.io.read_report import INCOMPLETE, UNCONVERGED, UNREADABLE

MAKERS = {"OUTCAR": outcar, "vasprun.xml": vasprun}
# What the files keep: positions, forces, and the virial behind the stress.
DIGITS = {"OUTCAR": (6e-6, 6e-7, 1e-7), "vasprun.xml": (1e-10, 1e-11, 1e-11)}


@pytest.fixture(params=list(MAKERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(folder: Path, name: str, steps: list[Step]) -> Path:
    path = folder / name
    path.write_text(MAKERS[name](steps))
    return path


def test_all_labels(tmp_path: Path, name: str, steps: list[Step], emt_dataset: Dataset) -> None:
    dataset, report = io.read_with_report(write(tmp_path, name, steps))
    assert (report.kept, dict(report.dropped)) == (3, {})
    length, force, stress = DIGITS[name]
    np.testing.assert_array_equal(dataset.numbers, emt_dataset.numbers)
    assert dataset.pbc.all()
    np.testing.assert_allclose(dataset.energies, emt_dataset.energies, rtol=0, atol=6e-9)
    np.testing.assert_allclose(dataset.positions, emt_dataset.positions, rtol=0, atol=length)
    np.testing.assert_allclose(dataset.cells, emt_dataset.cells, rtol=0, atol=1e-9)
    np.testing.assert_allclose(dataset.forces, emt_dataset.forces, rtol=0, atol=force)
    np.testing.assert_allclose(dataset.stresses, emt_dataset.stresses, rtol=0, atol=stress)
    assert [info["EFS_by"] for info in dataset.infos] == ["VASP"] * 3


def test_unconverged_steps_are_dropped_and_counted(
    tmp_path: Path, name: str, steps: list[Step], caplog: pytest.LogCaptureFixture
) -> None:
    steps[1].electronic_steps = NELM
    path = write(tmp_path, name, steps)
    dataset, report = io.read_with_report(path)
    assert dataset.energies == pytest.approx([steps[0].energy, steps[2].energy])
    assert dict(report.dropped) == {UNCONVERGED: 1}
    assert str(report) == f"{path}: 2 structures; 1 dropped: {UNCONVERGED}"
    with caplog.at_level(logging.WARNING):
        assert len(io.read(path)) == 2
    assert f"1 dropped: {UNCONVERGED}" in caplog.text
    kept = io.read(path, keep_unconverged=True)
    assert [info["EFS_by"] for info in kept.infos] == ["VASP", "VASP_not_converged", "VASP"]


def test_steps_that_reach_nelm_do_not_converge(tmp_path: Path, steps: list[Step]) -> None:
    """VASP 5 says that EDIFF is reached; the vasprun.xml of the run cannot tell."""
    steps[0].electronic_steps = NELM
    text = outcar(steps).replace("EDIFF was not reached (unconverged)", "because EDIFF is reached")
    (tmp_path / "OUTCAR").write_text(text)
    (tmp_path / "vasprun.xml").write_text(vasprun(steps))
    for name in MAKERS:
        dataset, report = io.read_with_report(tmp_path / name)
        assert dataset.energies == pytest.approx([steps[1].energy, steps[2].energy])
        assert dict(report.dropped) == {UNCONVERGED: 1}


@pytest.mark.parametrize(("change", "kept"), [(0.9 * EDIFF, 3), (2 * EDIFF, 2)])
def test_the_last_energy_change_decides_where_nothing_is_said(
    tmp_path: Path, steps: list[Step], change: float, kept: int
) -> None:
    """As where the user stopped the electronic steps (LABORT)."""
    steps[1].last_change = change
    text = outcar(steps).replace("because EDIFF is reached", "because hard stop was set")
    (tmp_path / "OUTCAR").write_text(text)
    (tmp_path / "vasprun.xml").write_text(vasprun(steps))
    for name in MAKERS:
        assert len(io.read(tmp_path / name)) == kept, name


def test_nelm_of_the_response_functions_is_another(tmp_path: Path, steps: list[Step]) -> None:
    text = vasprun(steps)
    entry = f'<i type="int" name="NELM">  {NELM}</i>'
    assert entry in text
    electronic = f'<separator name="electronic convergence">{entry}</separator>'
    response = f'<separator name="response functions">{entry.replace(str(NELM), "1")}</separator>'
    for order in (electronic + response, response + electronic):
        (tmp_path / "vasprun.xml").write_text(text.replace(entry, order))
        assert len(io.read(tmp_path / "vasprun.xml")) == 3


def test_iterations_of_a_linear_response_are_no_electronic_steps(
    tmp_path: Path, steps: list[Step]
) -> None:
    response = "<scstep><energy><i name='e_fr_energy'> -7.9</i></energy></scstep>" * NELM
    (tmp_path / "vasprun.xml").write_text(
        vasprun(steps[:1]).replace("</calculation>", response + "</calculation>")
    )
    iterations = "".join(f"------ Iteration  100({n:4d})  ------\n" for n in range(1, NELM))
    (tmp_path / "OUTCAR").write_text(
        outcar(steps[:1]) + " Linear response progress:\n" + iterations
    )
    for name in MAKERS:
        dataset, report = io.read_with_report(tmp_path / name)
        assert (len(dataset), dict(report.dropped)) == (1, {})


def test_all_steps_unconverged(tmp_path: Path, name: str, steps: list[Step]) -> None:
    for step in steps:
        step.electronic_steps = NELM
    dataset, report = io.read_with_report(write(tmp_path, name, steps))
    assert len(dataset) == 0
    assert dict(report.dropped) == {UNCONVERGED: 3}


def test_a_missing_stress_is_missing(tmp_path: Path, name: str, steps: list[Step]) -> None:
    steps[1] = dataclasses.replace(steps[1], stress=None)
    dataset = io.read(write(tmp_path, name, steps))
    assert dataset.has_stress.tolist() == [True, False, True]


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.8, 0.9, 0.95, 1.0])
def test_a_calculation_that_was_stopped(
    tmp_path: Path, name: str, steps: list[Step], fraction: float
) -> None:
    text = MAKERS[name](steps)
    begin = text.rindex("(   1)") + 7 if name == "OUTCAR" else text.rindex("<calculation>") + 14
    end = text.rindex(" eV") - 2 if name == "OUTCAR" else text.rindex("</calculation>")
    (tmp_path / name).write_text(text[: begin + int(fraction * (end - begin))])
    dataset, report = io.read_with_report(tmp_path / name)
    assert len(dataset) == 2
    assert dict(report.dropped) == {INCOMPLETE: 1}


@pytest.mark.parametrize("what", ["energy", "force", "stress", "cell"])
def test_asterisks_drop_the_step(tmp_path: Path, name: str, steps: list[Step], what: str) -> None:
    numbers = {
        "OUTCAR": {
            "energy": f"{steps[1].energy:18.8f} eV",
            "force": f"{steps[1].forces[2, 1]:14.6f}",
            "stress": f"{-steps[1].stress[1] * steps[1].atoms.get_volume():12.5f}",
            "cell": f"{steps[1].atoms.cell[2, 2]:13.9f}",
        },
        "vasprun.xml": {
            "energy": f"{steps[1].energy:20.12f}",
            "force": f"{steps[1].forces[2, 1]:20.12f}",
            "stress": f"{-steps[1].stress[1] * KB_PER_EV_A3:20.12f}",
            "cell": f"{steps[1].atoms.cell[2, 2]:20.12f}",
        },
    }
    text = MAKERS[name](steps)
    number = numbers[name][what]
    assert number in text
    (tmp_path / name).write_text(text.replace(number, "*" * len(number)))
    dataset, report = io.read_with_report(tmp_path / name)
    assert dataset.energies == pytest.approx([steps[0].energy, steps[2].energy])
    assert dict(report.dropped) == {UNREADABLE: 1}


def test_columns_that_touch(tmp_path: Path, steps: list[Step]) -> None:
    steps[0].atoms.positions[0] = [-1234.56789, -2345.67891, -3456.78912]
    steps[0].forces[0] = [-123456.789123, -234567.891234, -345678.912345]
    assert "-1234.56789  -2345.67891" in outcar(steps)
    text = outcar(steps).replace("-1234.56789  -2345.67891", "-1234.56789-2345.67891")
    (tmp_path / "OUTCAR").write_text(text)
    dataset = io.read(tmp_path / "OUTCAR")
    np.testing.assert_allclose(dataset.positions[0], [-1234.56789, -2345.67891, -3456.78912])
    np.testing.assert_allclose(dataset.forces[0], steps[0].forces[0])


def test_machine_learned_steps_are_no_labels(tmp_path: Path, steps: list[Step]) -> None:
    text = outcar(steps[:1])
    learned = text[text.index("  FORCE on cell") :]
    for old, new in (
        ("FORCE on cell =-STRESS", "ML FORCE on total cell =-STRESS"),
        ("TOTAL-FORCE (eV/Angst)", "TOTAL-FORCE (eV/Angst) (ML)"),
        ("free  energy   TOTEN", "free  energy ML TOTEN"),
    ):
        assert old in learned
        learned = learned.replace(old, new)
    (tmp_path / "OUTCAR").write_text(text + "Iteration    2(   1)\n" + learned)
    dataset, report = io.read_with_report(tmp_path / "OUTCAR")
    assert len(dataset) == 1
    assert dict(report.dropped) == {INCOMPLETE: 1}


def test_the_work_against_a_pressure_is_taken_off(tmp_path: Path, steps: list[Step]) -> None:
    (tmp_path / "vasprun.xml").write_text(vasprun(steps, pressure=120.0))
    dataset = io.read(tmp_path / "vasprun.xml")
    np.testing.assert_allclose(dataset.energies, [step.energy for step in steps], atol=1e-10)


def test_ase_reads_the_same_vasprun(tmp_path: Path, steps: list[Step]) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(steps, pressure=50.0))
    theirs = ase.io.read(path, index=":")
    for one, other in zip(io.read(path), theirs, strict=True):
        energy = other.get_potential_energy(force_consistent=True)
        assert one.get_potential_energy() == pytest.approx(energy, abs=1e-6)  # constants differ
        np.testing.assert_array_equal(one.get_forces(), other.get_forces())
        np.testing.assert_allclose(one.get_stress(), other.get_stress(), rtol=1e-6)
        np.testing.assert_allclose(one.positions, other.positions, rtol=0, atol=1e-12)


def test_compressed_files(tmp_path: Path, name: str, steps: list[Step]) -> None:
    packed = gzip.compress(MAKERS[name](steps).encode())
    (tmp_path / f"{name}.gz").write_bytes(packed)
    assert len(io.read(tmp_path / f"{name}.gz")) == 3
    (tmp_path / f"{name}.gz").write_bytes(packed[:-20])
    with pytest.raises(FileFormatError, match="damaged"):
        io.read(tmp_path / f"{name}.gz")


def test_what_is_no_outcar(tmp_path: Path, steps: list[Step]) -> None:
    path = tmp_path / "OUTCAR"
    path.write_text("nothing\n")
    with pytest.raises(FileFormatError, match="no ionic step"):
        io.read(path)
    whole = outcar(steps)
    path.write_text(whole.replace("VRHFIN =Ni", "POTCAR Ni"))
    with pytest.raises(FileFormatError, match=r"1 elements .* for 2 counts"):
        io.read(path)
    path.write_text(whole.replace("VRHFIN =Ni", "VRHFIN =Qq"))
    with pytest.raises(FileFormatError, match="line 3: VRHFIN names no element"):
        io.read(path)
    path.write_text(whole.replace("ions per type =     4", "ions per type =     5"))
    with pytest.raises(FileFormatError, match="has 8 atoms, ions per type says 9"):
        io.read(path)
    path.write_text(whole.replace("ions per type =     4", "ions per type =  four"))
    with pytest.raises(FileFormatError, match="line 4: expected whole numbers"):
        io.read(path)
    counts = "ions per type = 999999999"
    path.write_text(f"VRHFIN =Ni: x\n{counts}\nIteration    1(   1)\n")
    dataset, report = read_outcar(path)
    assert (len(dataset), dict(report)) == (0, {INCOMPLETE: 1})


def test_what_is_no_vasprun(tmp_path: Path, steps: list[Step]) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text("<modeling>\n</other>")
    with pytest.raises(FileFormatError, match=r"line 2: not a vasprun\.xml"):
        io.read(path)
    path.write_text("<modeling/>")
    with pytest.raises(FileFormatError, match="no atominfo"):
        io.read(path)
    path.write_text(vasprun(steps).replace("<c>Ni</c>", "<c>Qq</c>"))
    with pytest.raises(FileFormatError, match=r"Qq.* is not an element"):
        io.read(path)
    path.write_text(vasprun(steps).replace(f"  {NELM}</i>", "  x</i>"))
    with pytest.raises(FileFormatError, match="NELM or PSTRESS"):
        io.read(path)


def test_damaged_files_are_read_or_refused(tmp_path: Path, name: str, steps: list[Step]) -> None:
    stream = mutations([MAKERS[name](steps[:2]).encode()], random.Random("tests"))
    outcomes = Counter()
    for _ in range(500):
        (tmp_path / name).write_bytes(next(stream))
        try:
            outcomes["read", len(io.read(tmp_path / name))] += 1
        except MaxvoltError as error:
            outcomes["refused" if str(tmp_path / name) in str(error) else "unnamed"] += 1
    assert outcomes["unnamed"] == 0
    assert outcomes["read", 2] > 50
    assert outcomes["read", 1] > 50
    assert outcomes["refused"] > 10


def test_an_encoding_that_does_not_exist(tmp_path: Path, steps: list[Step]) -> None:
    text = vasprun(steps).replace("ISO-8859-1", "ISO-8859-0")
    (tmp_path / "vasprun.xml").write_text(text)
    with pytest.raises(FileFormatError, match=r"not a vasprun\.xml: unknown encoding"):
        io.read(tmp_path / "vasprun.xml")


# ------------------------------------------------------------------ elements, constraints


def test_elements_without_vrhfin(tmp_path: Path, steps: list[Step]) -> None:
    whole = outcar(steps[:1])
    names = [line for line in whole.splitlines(keepends=True) if "VRHFIN" in line]
    listed = " POTCAR:    PAW_PBE Cu_pv 06Sep2000\n POTCAR:    PAW Ni.5 03Mar1998\n"
    titles = "   TITEL  = US Cu\n   TITEL  = PAW_PBE Ni_pv_GW 31Mar2010\n"
    for instead in (listed, titles, listed + listed, listed + titles):
        (tmp_path / "OUTCAR").write_text(whole.replace("".join(names), instead))
        assert io.read(tmp_path / "OUTCAR")[0].get_chemical_formula("reduce") == "Cu4Ni4"


def test_old_spellings_of_xenon_and_zirconium(tmp_path: Path, name: str, steps: list[Step]) -> None:
    text = MAKERS[name](steps[:1])
    text = text.replace("VRHFIN =Cu", "VRHFIN =X").replace("VRHFIN =Ni", "VRHFIN =r")
    text = text.replace("<c>Cu</c>", "<c>X </c>").replace("<c>Ni</c>", "<c>r </c>")
    (tmp_path / name).write_text(text)
    assert io.read(tmp_path / name)[0].get_chemical_formula("reduce") == "Xe4Zr4"


FLAGS = ["F F F", "T T F", *["T T T"] * 6]
FIXED = [
    {"name": "FixAtoms", "kwargs": {"indices": [0]}},
    {"name": "FixScaled", "kwargs": {"a": [1], "mask": [False, False, True]}},
]


def test_selective_dynamics_of_a_vasprun(tmp_path: Path, steps: list[Step]) -> None:
    rows = "".join(f"<v type='logical'> {flags.replace(' ', '  ')} </v>" for flags in FLAGS)
    text = vasprun(steps).replace(
        "</structure>", f"<varray name='selective'>{rows}</varray></structure>", 1
    )
    (tmp_path / "vasprun.xml").write_text(text)
    dataset = io.read(tmp_path / "vasprun.xml")
    assert [info["constraints"] for info in dataset.infos] == [FIXED] * 3
    np.testing.assert_array_equal(
        dataset[2].calc.results["forces"], dataset.forces[dataset.offsets[2] :]
    )
    (tmp_path / "vasprun.xml").write_text(text.replace(" F  F  F ", " F  F "))
    with pytest.raises(FileFormatError, match="selective: expected T or F three times"):
        io.read(tmp_path / "vasprun.xml")


def test_selective_dynamics_beside_an_outcar(tmp_path: Path, steps: list[Step]) -> None:
    """VASP does not print them there."""
    (tmp_path / "OUTCAR").write_text(outcar(steps))
    atoms = steps[0].atoms.copy()
    atoms.set_constraint([FixAtoms([0]), FixScaled([1], [False, False, True])])
    ase.io.write(tmp_path / "POSCAR", atoms, format="vasp")
    (tmp_path / "CONTCAR").write_text("")  # as VASP leaves it when it begins
    dataset = io.read(tmp_path / "OUTCAR")
    assert [info["constraints"] for info in dataset.infos] == [FIXED] * 3
    ase.io.write(tmp_path / "POSCAR", atoms[:4], format="vasp")
    assert all("constraints" not in info for info in io.read(tmp_path / "OUTCAR").infos)


# ------------------------------------------------------------------ MLIP's own example


def test_mlip_conversion_is_reproduced(shared: Path, tmp_path: Path) -> None:
    """Byte for byte, but for the line that names the species."""
    example = shared / "reference" / "mlip3" / "examples" / "00.convert_vasp_outcar"
    dataset, report = io.read_with_report(example / "OUTCAR")
    assert (len(dataset), dict(report.dropped)) == (3, {})
    # The POTCAR begins with Pd, of which there is no atom; types count the elements of the POTCAR.
    configurations = cfg_from_dataset(dataset, ("Pd", "Ag"))
    write_cfg(tmp_path / "relax.cfg", configurations, encoding="ordinary")
    lines = (tmp_path / "relax.cfg").read_text().splitlines(keepends=True)
    ours = [line for line in lines if line != " Feature   species\tPd Ag\n"]
    assert len(lines) - len(ours) == 3
    assert "".join(ours) == (example / "sample_out" / "relax.cfg").read_text()


def test_files_that_once_failed(shared: Path) -> None:
    folder = shared / "faults" / "vasp"
    dataset, report = io.read_with_report(folder / "OUTCAR_nelm_reached")
    assert (len(dataset), dict(report.dropped)) == (0, {UNCONVERGED: 1})
    for name in ("OUTCAR_without_vrhfin", "vasprun_two_nelm.xml"):
        dataset, report = io.read_with_report(folder / name)
        assert (dataset.energies.tolist(), dataset.species) == ([-3.0], ("Al",))
        assert dict(report.dropped) == {}


def test_ase_agrees_on_the_example(shared: Path) -> None:
    path = shared / "reference" / "mlip3" / "examples" / "00.convert_vasp_outcar" / "OUTCAR"
    dataset = io.read(path)
    for ours, theirs in zip(dataset, ase.io.read(path, index=":"), strict=True):
        assert ours.get_potential_energy() == theirs.get_potential_energy(force_consistent=True)
        np.testing.assert_array_equal(ours.get_forces(), theirs.get_forces())
        np.testing.assert_allclose(ours.get_stress(), theirs.get_stress(), rtol=0, atol=1e-8)
        np.testing.assert_array_equal(ours.cell.array, theirs.cell.array)


@pytest.mark.parametrize("encoding", ["full", "ordinary", "binary"])
def test_every_cfg_of_the_reference_data(shared: Path, tmp_path: Path, encoding: str) -> None:
    """MLIP wrote these files; in its ordinary precision we write the same bytes."""
    paths = sorted((shared / "reference").rglob("*.cfg*"))
    assert len(paths) >= 20
    for path in paths:
        configurations = read_cfg(path)
        copy = tmp_path / "copy.cfg"
        write_cfg(copy, configurations, encoding=encoding)
        assert len(read_cfg(copy)) == len(configurations)
        if encoding == "ordinary" and "cases" not in path.parts:  # those were not written by MLIP
            # One file has blanks where MLIP has written a tab since 2020.
            expected = path.read_bytes().replace(b"EFS_by       VASP", b"EFS_by\tVASP")
            assert copy.read_bytes() == expected, path
