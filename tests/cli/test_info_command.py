"""`maxvolt info`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase.io import write

from maxvolt.cli import main


def test_potential_as_json(trained, capsys):
    assert main(["info", str(trained), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(trained),
        "kind": "potential",
        "name": "small",
        "tag": "",
        "level": 4,
        "species": ["Ti", "Al"],
        "species_count": 2,
        "trained": True,
        "radial_basis": "RBChebyshev",
        "radial_basis_size": 3,
        "radial_functions": 1,
        "min_dist_A": 1.9,
        "cutoff_A": 5.2,
        "repulsion": None,
        "scaling": 0.02,
        "moments": 2,
        "basic_moments": 1,
        "products": 1,
        "plan": {
            "invariants": 2,
            "independent_basic_moments": 1,
            "products": 1,
            "operations": 7,
            "operations_product_by_product": 7,
        },
        "basis_functions": 2,
        "parameters": 4 * 1 * 3 + 2 + 2,
        "active_set": False,
    }


def test_potential_as_text(untrained, capsys):
    assert main(["info", str(untrained), "--species", "Ni,Al"]) == 0
    printed = capsys.readouterr().out
    assert "level 4" in printed
    assert "untrained" in printed
    assert "Ni Al" in printed
    assert "1.9 to 5.2 A" in printed
    assert "evaluation    by plan: invariants 2, products 1, basic moments 1; 7 op" in printed


@pytest.mark.parametrize("command", ["info", "evaluate", "errors", "grade"])
def test_a_compiled_model_is_not_what_python_reads(command, trained, tmp_path, capsys):
    compiled = tmp_path / "pot.maxvolt"
    assert main(["compile", str(trained), "-o", str(compiled)]) == 0
    files = [str(compiled)] if command == "info" else [str(compiled), "in.xyz"]
    assert main([command, *files]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "pot.maxvolt: is a compiled model" in said
    assert "give the potential that it was made from" in said


def test_a_potential_without_a_plan(trained, capsys):
    """A basis function that is one component of a vector does not keep its value when rotated."""
    trained.write_text(trained.read_text().replace("{{0, 0, 0, 0}}", "{{0, 1, 0, 0}}"))
    assert main(["info", str(trained), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"] is None
    assert main(["info", str(trained)]) == 0
    assert "evaluation    product by product\n" in capsys.readouterr().out


def test_wrong_number_of_species(trained, capsys):
    assert main(["info", str(trained), "--species", "Ti"]) == 2
    assert "has 2 species, --species names 1" in capsys.readouterr().err


def test_broken_potential_names_file_and_line(trained, capsys):
    trained.write_text(trained.read_text().replace("max_dist = 5.2", "max_dist = far"))
    assert main(["info", str(trained)]) == 2
    message = capsys.readouterr().err
    assert f"{trained}, line 9" in message
    assert message.count("\n") == 1


def test_levels_of_mlip_files(shared, capsys):
    for path in sorted((shared / "reference/mlip3/cases").glob("L*_1sp.mtp")):
        assert main(["info", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["level"] == int(path.name[1:3])


def test_structures_as_json(dimers, capsys):
    assert main(["info", str(dimers), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["structures"] == 3
    assert found["atoms"] == 6
    assert found["atoms_of_species"] == {"Al": 3, "Ti": 3}
    assert found["periodicity"] == {"none": 3}
    assert found["labels"] == {"energy": 3, "forces": 3, "stress": 0}
    assert found["energy_per_atom_eV"] == {"min": -2.5, "mean": -2.0, "max": -1.5}
    assert found["force_norm_eV_per_A"]["max"] == 0.1
    assert found["pressure_GPa"] == {"min": None, "mean": None, "max": None}
    assert found["groups"] == {"short": 1, "long": 2}


def test_structures_as_text(dimers, capsys):
    assert main(["info", str(dimers)]) == 0
    printed = capsys.readouterr().out
    assert "3, 2 to 2 atoms" in printed
    assert "-2.5000 to -1.5000 eV/atom (mean -2.0000)" in printed
    assert "short 1, long 2" in printed


def test_cfg_without_element_names_is_described_by_types(tmp_path, capsys):
    path = tmp_path / "plain.cfg"
    path.write_text(
        "BEGIN_CFG\n Size\n  2\n Supercell\n  4 0 0\n  0 4 0\n  0 0 4\n"
        " AtomData: id type cartes_x cartes_y cartes_z\n  1 0 0 0 0\n  2 1 0 0 2\n"
        " PlusStress: xx yy zz yz xz xy\n  32 32 32 0 0 0\nEND_CFG\n"
    )
    assert main(["info", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["atoms_of_species"] == {"type 0": 1, "type 1": 1}
    assert found["volume_per_atom_A3"]["mean"] == pytest.approx(32.0)
    # PlusStress 32 eV in 64 A^3: a pressure of half an eV/A^3.
    assert found["pressure_GPa"]["mean"] == pytest.approx(80.1088317)
    assert main(["info", str(path), "--json", "--species", "Ti,Al"]) == 0
    assert json.loads(capsys.readouterr().out)["atoms_of_species"] == {"Al": 1, "Ti": 1}
    assert main(["mindist", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs_A"]["type 0 - type 1"] == pytest.approx(2.0)


def test_a_repulsion_is_shown(trained, capsys):
    from maxvolt.potentials import read_potential
    from maxvolt.potentials.mtp.basis.repulsion import ZBL

    read_potential(trained).with_repulsion(ZBL(1.0, 2.0)).write(trained)
    assert main(["info", str(trained)]) == 0
    assert "repulsion     ZBL, 1 to 2 A\n" in capsys.readouterr().out
    assert main(["info", str(trained), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["repulsion"]
    assert found == {"kind": "ZBL", "inner_A": 1.0, "outer_A": 2.0}


def test_the_name_of_an_ensemble(trained, tmp_path, capsys):
    files = [tmp_path / f"ens.{member}.mtp" for member in (0, 1, 2)]
    for file in files:
        file.write_bytes(trained.read_bytes())
    assert main(["info", str(tmp_path / "ens.mtp")]) == 0
    printed = capsys.readouterr().out
    assert f"3 potentials, {files[0]} to {files[2]}" in printed
    assert main(["info", str(tmp_path / "ens.mtp"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["members"]) == ("ensemble", [str(file) for file in files])


def test_problems_of_structures_are_shown(tmp_path, capsys):
    from ase.build import bulk
    from ase.calculators.emt import EMT

    generator, found = np.random.default_rng(0), []
    for _ in range(40):
        atoms = bulk("Al", cubic=True, a=generator.uniform(3.8, 4.3)) * (2, 1, 1)
        atoms.positions += 0.1 * generator.normal(size=(8, 3))
        atoms.calc = EMT()
        atoms.get_stress()
        found.append(atoms)
    for number in (7, 9):
        found[number].calc.results["forces"] = -found[number].get_forces()
    path = tmp_path / "mixed.xyz"
    write(path, found)
    assert main(["info", str(path)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "problem 1" in printed
    assert "(and 1 more: 9) has forces of" in printed
    assert "change their sign" in printed
    assert main(["info", str(path), "--json"]) == 0
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems["refused"] == problems["doubted"] == []
    (finding,) = problems["findings"]
    assert (finding["kind"], finding["structures"], finding["certain"]) == ("force", [7, 9], True)
    assert main(["info", str(path), "--json", "--no-check"]) == 0
    assert "problems" not in json.loads(capsys.readouterr().out)
