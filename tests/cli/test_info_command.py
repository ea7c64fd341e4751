"""`maxvolt info`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maxvolt.cli import main

LEVEL_4 = """MTP
version = 1.1.0
potential_name = small
scaling = 2.0e-02
species_count = 2
potential_tag = {tag}
radial_basis_type = RBChebyshev
\tmin_dist = 1.9
\tmax_dist = 5.2
\tradial_basis_size = 3
\tradial_funcs_count = 1
{radial}alpha_moments_count = 2
alpha_index_basic_count = 1
alpha_index_basic = {{{{0, 0, 0, 0}}}}
alpha_index_times_count = 1
alpha_index_times = {{{{0, 0, 1, 1}}}}
alpha_scalar_moments = 2
alpha_moment_mapping = {{0, 1}}
{linear}"""

RADIAL = "\tradial_coeffs\n" + "".join(
    f"\t\t{i}-{j}\n\t\t\t{{1.0, 2.0, 3.0}}\n" for i in (0, 1) for j in (0, 1)
)
LINEAR = "species_coeffs = {-1.0, -2.0}\nmoment_coeffs = {0.5, 0.25}"


@pytest.fixture
def untrained(tmp_path) -> Path:
    path = tmp_path / "untrained.mtp"
    path.write_text(LEVEL_4.format(tag="", radial="", linear=""))
    return path


@pytest.fixture
def trained(tmp_path) -> Path:
    path = tmp_path / "trained.mtp"
    path.write_text(LEVEL_4.format(tag="species: Ti Al", radial=RADIAL, linear=LINEAR))
    return path


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
