"""Orderings on lattices: their numbers, their lattice constants, what is refused."""

from __future__ import annotations

import importlib
import math
from collections import Counter

import numpy as np
import pytest
from ase.build import bulk

from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.sampling import Enumeration, enumerated_structures
from promises import needs

pytestmark = pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
"""spglib's, of how icet calls it."""

HART_FORCADE = {1: 2, 2: 2, 3: 6, 4: 19, 5: 28, 6: 80}
"""Binary orderings of fcc and of bcc by cells, Phys. Rev. B 77, 224115, the pure ones added."""


def test_their_numbers_are_those_of_hart_and_forcade() -> None:
    needs("enumeration")
    wanted = Enumeration(("Ag", "Pd"), 6)
    counts = Counter(
        (atoms.info["parent_lattice"], len(atoms)) for atoms in enumerated_structures(wanted)
    )
    for lattice in ("fcc", "bcc"):
        assert {n: counts[lattice, n] for n in HART_FORCADE} == HART_FORCADE
    assert {n: counts["hcp", n] for n in (2, 4, 6)} == {2: 3, 4: 10, 6: 50}


def test_lattice_constants_follow_vegard() -> None:
    needs("enumeration")
    wanted = Enumeration(("Ag", "Pd"), 4, lattice_constants={"fcc": {"Ag": 4.0, "Pd": 3.0}})
    neighbors = {"fcc": (12, 1 / math.sqrt(2)), "bcc": (8, math.sqrt(3) / 2), "hcp": (12, 1.0)}
    for atoms in enumerated_structures(wanted):
        lattice, constant = atoms.info["parent_lattice"], atoms.info["lattice_constant"]
        share = np.mean(atoms.symbols == "Ag")
        ends = [wanted.lattice_constant(lattice, symbol) for symbol in ("Ag", "Pd")]
        assert constant == pytest.approx(share * ends[0] + (1 - share) * ends[1])
        number, distance = neighbors[lattice]
        large = atoms.repeat(4)
        lengths = np.sort(np.linalg.norm(large.get_all_distances(mic=True, vector=True)[0], axis=1))
        np.testing.assert_allclose(lengths[1 : number + 1], distance * constant, rtol=1e-6)
        if lattice == "fcc":
            assert constant == pytest.approx(4 * share + 3 * (1 - share))


def test_lattice_constants_keep_the_volume_of_an_atom() -> None:
    wanted = Enumeration(("Ag", "Ti"), 2)
    assert wanted.lattice_constant("fcc", "Ag") == pytest.approx(4.09)
    for symbol in wanted.species:
        volume = bulk(symbol).get_volume() / len(bulk(symbol))
        fcc, bcc, hcp = (wanted.lattice_constant(name, symbol) for name in ("fcc", "bcc", "hcp"))
        assert fcc**3 / 4 == pytest.approx(volume)
        assert bcc**3 / 2 == pytest.approx(volume)
        crystal = bulk(symbol, "hcp", a=hcp, c=hcp * math.sqrt(8 / 3))
        assert crystal.get_volume() / 2 == pytest.approx(volume)


def test_compositions_and_sizes_are_limited() -> None:
    needs("enumeration")
    wanted = Enumeration(("Ag", "Pd"), 4, 3, ("fcc", "hcp"), {"Ag": (0.3, 0.5)})
    found = list(enumerated_structures(wanted))
    assert {len(atoms) for atoms in found} == {3, 4}
    assert all(0.3 <= np.mean(atoms.symbols == "Ag") <= 0.5 for atoms in found)
    assert {atoms.info["parent_lattice"] for atoms in found} == {"fcc", "hcp"}


def test_three_elements() -> None:
    needs("enumeration")
    found = list(enumerated_structures(Enumeration(("Cu", "Ag", "Au"), 3, lattices=("bcc",))))
    assert sum(len(set(atoms.symbols)) == 3 for atoms in found) == 3
    assert sum(len(atoms) == 1 for atoms in found) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"species": ("Ag",)}, "at least two elements"),
        ({"species": ("Ag", "Xx")}, "not a chemical symbol"),
        ({"lattices": ("fcc", "sc")}, "expected each of fcc, bcc, hcp"),
        ({"lattices": ()}, "got none"),
        ({"most_atoms": 0}, "1 <= least <= most"),
        ({"fewest_atoms": 5}, "1 <= least <= most"),
        ({"concentrations": {"Cu": (0.0, 1.0)}}, "expected one of Ag, Pd"),
        ({"concentrations": {"Ag": (0.5, 0.2)}}, "0 <= least <= largest"),
        ({"lattice_constants": {"fcc": {"Ag": -1.0}}}, "fcc:Ag: expected a length"),
        ({"species": ("Ag", "Ga")}, "knows no cubic or hexagonal crystal"),
    ],
)
def test_what_is_refused(options: dict[str, object], words: str) -> None:
    given = {"species": ("Ag", "Pd"), "most_atoms": 4, **options}
    with pytest.raises((DataError, SpeciesError), match=words):
        Enumeration(**given)


def test_without_icet(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name, name="icet")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MaxvoltError, match=r"icet, which is not installed.*maxvolt\[enumeration\]"):
        next(enumerated_structures(Enumeration(("Ag", "Pd"), 2)))
