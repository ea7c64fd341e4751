"""Effective medium theory as embedded-atom tables, which it is: ASE's EMT, but much faster.

    python examples/agpd_emt/emt_tables.py Cu,Pd emt.eam.alloy

The potential of Jacobsen, Stoltze and Nørskov (Surf. Sci. 366, 394, 1996) is a sum of pairs and of
a function of a density at each atom, which is what such a file holds. All numbers are those of
ase.calculators.emt. Between the points of the tables are splines: energies agree within 1e-6
eV/atom.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT, beta
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from maxvolt.files import replacing

Array = NDArray[np.float64]

POINTS = 10_000
DENSEST = 4.0
"""End of the tables of embedding energies, in units of the density in the crystal."""


class Element:
    """The parameters of an element, in Angstrom and eV, and its functions."""

    def __init__(self, symbol: str) -> None:
        emt = EMT()
        emt.initialize(Atoms(symbol))
        self.symbol = symbol
        self.smoothing = (emt.acut, emt.rc)
        self.reach = float(emt.rc_list)
        for name, values in emt.par.items():
            setattr(self, name, float(values[0]))

    def weight(self, r: Array) -> Array:
        """The function by which neighbours fade out."""
        slope, middle = self.smoothing
        return 1.0 / (1.0 + np.exp(slope * (r - middle)))

    def density(self, r: Array) -> Array:
        """Density at a distance from an atom, 1/Angstrom^3."""
        return self.n0 * np.exp(-self.eta2 * (r - beta * self.s0)) * self.weight(r)

    @property
    def density_in_its_crystal(self) -> float:
        """Where the radius of the atom is the one of its crystal."""
        return self.n0 / self.inv12gamma1

    def embedding(self, density: Array) -> Array:
        """Energy of an atom in a density, eV; nothing without neighbours."""
        energy = np.zeros_like(density)
        some = density > 0
        radius = -np.log(density[some] / self.density_in_its_crystal) / (beta * self.eta2)
        stretch = getattr(self, "lambda") * radius
        energy[some] = self.E0 * (1.0 + stretch) * np.exp(-stretch)
        energy[some] += 6.0 * self.V0 * np.exp(-self.kappa * radius)
        return energy - self.E0

    def pair(self, other: Element, r: Array) -> Array:
        """Energy of a pair, eV."""
        both = [(self, other), (other, self)]
        return np.asarray(sum(one._seen(another, r) for one, another in both) * self.weight(r))

    def _seen(self, other: Element, r: Array) -> Array:
        decay = np.exp(-other.kappa * (r / beta - other.s0))
        return np.asarray(self.neghalfv0overgamma2 * other.n0 / self.n0 * decay)


def write_tables(path: Path, symbols: Sequence[str]) -> None:
    """Write the tables of some elements as LAMMPS and maxvolt read them."""
    elements = [Element(symbol) for symbol in symbols]
    reach = elements[0].reach
    densest = DENSEST * max(element.density_in_its_crystal for element in elements)
    r = np.linspace(0.0, reach, POINTS)
    density = np.linspace(0.0, densest, POINTS)
    lines = ["ASE's EMT (Jacobsen, Stoltze, Norskov, Surf. Sci. 366, 394, 1996)", "", ""]
    lines += [f"{len(elements)} {' '.join(symbols)}"]
    lines += [f"{POINTS} {density[1]:.17g} {POINTS} {r[1]:.17g} {reach:.17g}"]
    for element in elements:
        number = atomic_numbers[element.symbol]
        lines += [f"{number} {atomic_masses[number]:g} 4.0 fcc"]
        lines += _numbers(element.embedding, density) + _numbers(element.density, r)
    for k, element in enumerate(elements):
        for other in elements[: k + 1]:
            lines += _numbers(lambda r, a=element, b=other: r * a.pair(b, r), r)
    with replacing(path) as file:
        file.write(("\n".join(lines) + "\n").encode())


def _numbers(function: Callable[[Array], Array], at: Array) -> list[str]:
    return [f"{value:.17g}" for value in function(at).tolist()]


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elements", type=lambda text: text.split(","))
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    write_tables(options.file, options.elements)


if __name__ == "__main__":
    main()
