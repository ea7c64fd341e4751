"""Files that the commands are tried on: a potential small enough to check by hand, structures."""

from __future__ import annotations

from pathlib import Path

import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

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


@pytest.fixture
def dimers(tmp_path) -> Path:
    """Three Ti-Al dimers without a cell, 2.5, 3 and 3.5 Angstrom long, with energies and forces."""
    path = tmp_path / "dimers.xyz"
    structures = []
    for index, length in enumerate((2.5, 3.0, 3.5)):
        atoms = Atoms("TiAl", [[0, 0, 0], [length, 0, 0]])
        atoms.info["config_type"] = "short" if index == 0 else "long"
        atoms.calc = SinglePointCalculator(
            atoms, energy=-3.0 - index, forces=[[0.1, 0, 0], [-0.1, 0, 0]]
        )
        structures.append(atoms)
    write(path, structures, format="extxyz")
    return path
