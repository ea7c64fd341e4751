"""matcalc, janus-core and quacc, which take an ASE calculator."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import maxvolt
from maxvolt.calculators.matcalc import load_mtp
from maxvolt.errors import MaxvoltError, SpeciesError
from maxvolt.properties import elastic_constants, lattice_constant
from promises import needs


def test_the_loader_reads_as_load_does(potential: maxvolt.MTP, potential_file: Path) -> None:
    calculator = load_mtp(potential_file, ["Cu"], threads=1)
    assert calculator.potential.digest == potential.digest
    assert calculator.threads == 1
    with pytest.raises(SpeciesError, match="Cu"):
        load_mtp(potential_file, ["Al"])
    with pytest.raises(MaxvoltError, match="no option 'skim'; did you mean skin"):
        load_mtp(potential_file, skim=0.5)


# Components that vanish by symmetry spoil the mean R2 that matcalc looks at.
@pytest.mark.filterwarnings("ignore:Elastic strain-stress fits have mean R:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_matcalc_computes_what_this_package_does(
    potential: maxvolt.MTP, potential_file: Path, crystal: Atoms
) -> None:
    needs("matcalc")
    import matcalc

    own = inspect.signature(matcalc.PESCalculator.load_mtp).parameters
    assert list(inspect.signature(load_mtp).parameters)[:2] == list(own)[:2]
    calculator = load_mtp(potential_file, ["Cu"], threads=1)
    assert matcalc.load_fp(calculator) is calculator
    relaxed = matcalc.RelaxCalc(calculator, fmax=1e-4).calc(crystal)
    at_rest = lattice_constant(potential, bulk("Cu", cubic=True)).atoms
    assert relaxed["a"] == pytest.approx(at_rest.cell.cellpar()[0], rel=1e-4)
    found = matcalc.ElasticityCalc(calculator, fmax=1e-4, norm_strains=(-0.002, 0.002)).calc(
        relaxed["final_structure"]
    )
    expected = elastic_constants(potential, at_rest).bulk_modulus
    assert 160.2176634 * found["bulk_modulus_vrh"] == pytest.approx(expected, rel=0.02)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_janus_takes_the_calculator_of_the_structure(
    potential: maxvolt.MTP, crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("janus")
    monkeypatch.chdir(tmp_path)
    from janus_core.calculations.geom_opt import GeomOpt
    from janus_core.calculations.single_point import SinglePoint

    before = potential.evaluate(crystal)
    crystal.calc = maxvolt.Calculator(potential, threads=1)
    found = SinglePoint(struct=crystal).run()
    assert found["energy"] == pytest.approx(before.energy, rel=1e-12)
    np.testing.assert_allclose(found["forces"], before.forces, atol=1e-12)
    GeomOpt(struct=crystal, fmax=1e-3).run()
    a = lattice_constant(potential, bulk("Cu", cubic=True)).value
    assert crystal.cell.cellpar()[:3] == pytest.approx([a] * 3, rel=1e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_quacc_runs_its_recipes(
    potential_file: Path, crystal: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("quacc")
    needs("matcalc")
    monkeypatch.setenv("QUACC_RESULTS_DIR", str(tmp_path))
    monkeypatch.setenv("QUACC_SCRATCH_DIR", str(tmp_path))
    from quacc import change_settings
    from quacc.recipes.mlip.core import relax_job, static_job

    logging.getLogger("quacc").setLevel(logging.ERROR)
    calculator = maxvolt.Calculator(potential_file, threads=1)
    with change_settings({"RESULTS_DIR": tmp_path, "SCRATCH_DIR": None}):
        found = static_job(crystal, "matcalc", name=calculator)
        relaxed = relax_job(
            crystal, "matcalc", name=calculator, relax_cell=True, opt_params={"fmax": 1e-3}
        )
    expected = maxvolt.load(potential_file).evaluate(crystal)
    assert found["results"]["energy"] == pytest.approx(expected.energy, rel=1e-12)
    a = lattice_constant(maxvolt.load(potential_file), bulk("Cu", cubic=True)).value
    assert relaxed["atoms"].cell.cellpar()[:3] == pytest.approx([a] * 3, rel=1e-3)
