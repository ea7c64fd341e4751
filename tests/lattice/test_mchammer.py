"""Chains at given chemical potentials beside mchammer of icet, with the same energies."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from lattice_mchammer import (
    CUTOFF,
    SPECIES,
    compared,
    low_rank_of,
    mchammer_chain,
    our_chain,
    supercell,
)
from promises import needs


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")  # of icet, by pandas
def test_compositions_and_energies_are_those_of_mchammer() -> None:
    needs("enumeration")
    from icet import ClusterExpansion, ClusterSpace

    # Unlike neighbours, and like ones in the second shell, are preferred, as in L1_0.
    space = ClusterSpace(bulk("Ag", "fcc", 4.09), [CUTOFF], list(SPECIES))
    expansion = ClusterExpansion(space, [-0.05, 0.02, 0.09, -0.03])
    potential, cell = low_rank_of(expansion), supercell()
    begin = np.random.default_rng(0).integers(0, 2, potential.parent.n_sites(cell))
    atoms = potential.parent.atoms(cell, begin)
    for seed in range(5):
        occupation = np.random.default_rng(seed).integers(0, 2, len(begin))
        theirs = expansion.predict(potential.parent.atoms(cell, occupation))
        assert potential.energy(cell, occupation) / len(begin) == pytest.approx(theirs, abs=1e-12)
    for temperature, difference in ((900.0, -0.1), (500.0, 0.2)):
        found = compared(
            mchammer_chain(expansion, atoms, temperature, difference, 400),
            our_chain(potential, cell, begin, temperature, difference, 4000),
        )
        for name, error in (("share of Pd", 0.01), ("energy (eV/atom)", 0.003)):
            assert abs(found[name]["errors apart"]) < 4
            assert found[name]["mchammer"][1] < error
            assert found[name]["maxvolt"][1] < error
        # Both are far from where they began.
        assert abs(found["share of Pd"]["maxvolt"][0] - 0.5) > 0.05
