"""`maxvolt info`."""

from __future__ import annotations

import json

from maxvolt.cli import main


def test_potential_as_json(trained, capsys):
    assert main(["info", str(trained), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(trained),
        "kind": "potential",
        "name": "small",
        "level": 4,
        "species": ["Ti", "Al"],
        "species_count": 2,
        "trained": True,
        "radial_basis": "RBChebyshev",
        "radial_basis_size": 3,
        "radial_functions": 1,
        "min_dist_A": 1.9,
        "cutoff_A": 5.2,
        "scaling": 0.02,
        "moments": 2,
        "basic_moments": 1,
        "products": 1,
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
