"""Generalised stacking faults: energies of slip and twinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.elemental_crystals import (
    ElementalCrystal,
    has_stress,
    reach_of,
    resting_crystal,
)
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.interfaces import (
    area_of,
    layers_of,
    oriented,
    stacked,
)
from maxvolt.properties.static.side_by_side import relax_side_by_side
from maxvolt.units import MJ_M2_PER_EV_A2

__all__ = ["StackingFaultSettings", "stacking_faults"]

_DIRECTIONS = {
    "fcc": ((1, -1, 0), (1, 1, -2), (1, 1, 1)),
    "bcc": ((1, -1, 1), (1, -1, -2), (1, 1, 0)),
}
_SYSTEMS = {"fcc": "(111)<112>", "bcc": "(110)<111>", "hcp": "basal <1-100>"}
_STABLE = {"fcc": "intrinsic stacking fault", "hcp": "basal stacking fault I2"}

_BETWEEN_FAULTS = 4.0
"""Angstrom of perfect crystal beside what two faults see of each other."""


@dataclass(frozen=True, slots=True)
class StackingFaultSettings:
    """Settings of `stacking_faults`.

    Parameters
    ----------
    points
        Of each path, both ends counted.
    height : Angstrom or None
        Of the cell, which has one fault; None: twice the cutoff and 4 Angstrom.
    force_tolerance : eV/Angstrom
        Largest force left on an atom after a relaxation.
    max_steps
        Of each relaxation.
    """

    points: int = 13
    height: float | None = None
    force_tolerance: float = 2e-3
    max_steps: int = 500

    def __post_init__(self) -> None:
        if self.points < 5:
            raise DataError(f"stacking faults: expected at least 5 points; got {self.points!r}")


def stacking_faults(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: StackingFaultSettings = StackingFaultSettings(),
) -> Findings:
    """Compute the energy of generalised stacking faults of an fcc, bcc or hcp crystal.

    The upper half of a crystal slips over the lower half: on (111) along <112> by one partial
    Burgers vector in fcc, on (110) along <111> by one Burgers vector in bcc, on the basal plane
    along <1-100> in hcp. The cell is tilted along with the slip, so that it holds one fault and no
    surface. Atoms relax across the plane, and the cell with them. In fcc the twinning path follows:
    the plane above the fault slips, too, up to the extrinsic fault. Equation (81).

    Parameters
    ----------
    calculator
        Any ASE calculator; where it gives no stress, the height of the cell is held.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Points and sizes.

    Raises
    ------
    DataError
        The crystal is neither fcc, bcc nor hcp.
    MaxvoltError
        A relaxation did not converge.
    """
    purpose = "stacking faults"
    calculator, atoms = system_of(calculator, atoms, purpose)
    crystal = resting_crystal(calculator, atoms, purpose)
    if crystal.kind not in _SYSTEMS:
        raise DataError(f"{purpose}: expected an fcc, bcc or hcp crystal; this one is "
                        f"{crystal.kind}")  # fmt: skip
    reach, notes = reach_of(calculator)
    height = settings.height or 2 * reach + _BETWEEN_FAULTS
    fault = _Fault(crystal, calculator, height, settings)
    shares = np.linspace(0, 1, settings.points)
    system = _SYSTEMS[crystal.kind]
    labels = ("slip (partial Burgers vectors)", f"energy of the fault {system} (mJ/m²)")
    if crystal.kind == "bcc":
        labels = ("slip (Burgers vectors)", labels[1])
    ways = [{0: share} for share in shares]
    if crystal.kind == "fcc":
        ways += [{0: 1.0, 1: share} for share in shares[1:]]
    energies = fault.energies(ways)
    slip = energies[: len(shares)]
    curves = [Curve.of("slip", shares, slip, labels)]
    quantities = {"unstable stacking fault": Quantity(_highest(shares, slip), "mJ/m²")}
    if crystal.kind in _STABLE:
        quantities[_STABLE[crystal.kind]] = Quantity(float(slip[-1]), "mJ/m²")
    if crystal.kind == "fcc":
        twin = energies[len(shares) - 1 :]
        curves.append(Curve.of("twinning", 1 + shares, twin, labels))
        quantities["unstable twinning"] = Quantity(_highest(shares, twin), "mJ/m²")
        quantities["extrinsic stacking fault"] = Quantity(float(twin[-1]), "mJ/m²")
    if not fault.relaxes_height:
        notes += ("the calculator gives no stress: the height of the cell was held",)
    return Findings("Stacking faults", quantities, tuple(curves), (), notes)


class _Fault:
    """A crystal whose planes slip over each other."""

    def __init__(
        self,
        crystal: ElementalCrystal,
        calculator: Any,
        height: float,
        settings: StackingFaultSettings,
    ) -> None:
        if crystal.kind == "hcp":
            self.perfect = stacked(crystal.right_angled(), height)
        else:
            self.perfect = oriented(crystal, _DIRECTIONS[crystal.kind], height)
        self.layers = layers_of(self.perfect)
        self.first = int(self.layers.max()) // 2
        self.calculator = calculator
        self.settings = settings
        self.relaxes_height = has_stress(calculator, crystal.primitive())
        self.slip = self._slip_vector(crystal)
        perfect = self.perfect.copy()
        perfect.calc = calculator
        self.zero = float(perfect.get_potential_energy())

    def _slip_vector(self, crystal: ElementalCrystal) -> NDArray[np.float64]:
        if crystal.kind == "bcc":
            return np.array([crystal.a * np.sqrt(3) / 2, 0, 0])
        length = crystal.a / np.sqrt(6 if crystal.kind == "fcc" else 3)
        # One way leads to the stable fault, the other lays atoms on top of each other.
        ways = [np.array([0, sign * length, 0]) for sign in (1, -1)]
        return max(ways, key=lambda way: self._shortest(self.slipped({0: 1.0}, way)))

    @staticmethod
    def _shortest(atoms: Atoms) -> float:
        distances = (atoms * (2, 2, 1)).get_all_distances(mic=True)
        return float(distances[distances > 0].min())

    def slipped(
        self, shares: Mapping[int, float], slip: NDArray[np.float64] | None = None
    ) -> Atoms:
        """Return the crystal with planes slipped by shares of the slip vector, by their number."""
        vector = self.slip if slip is None else slip
        atoms: Atoms = self.perfect.copy()
        cell = atoms.cell.array
        for plane, share in shares.items():
            atoms.positions[self.layers > self.first + plane] += share * vector
            cell[2] += share * vector
        atoms.set_cell(cell)
        return atoms

    def energies(self, ways: Sequence[Mapping[int, float]]) -> NDArray[np.float64]:
        """Energies of faults in mJ/m^2, relaxed."""
        ended = relax_side_by_side(
            self.calculator,
            [self.slipped(shares) for shares in ways],
            only_normal=True,
            with_height=self.relaxes_height,
            force_tolerance=self.settings.force_tolerance,
            max_steps=self.settings.max_steps,
        )
        energies = np.array([one.relaxed().get_potential_energy() for one in ended])
        return MJ_M2_PER_EV_A2 * (energies - self.zero) / area_of(self.perfect)


def _highest(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Highest point of a curve, by a parabola through the highest three points."""
    place = int(np.clip(y.argmax(), 1, len(y) - 2))
    curve = np.polynomial.Polynomial.fit(x[place - 1 : place + 2], y[place - 1 : place + 2], 2)
    top = curve.deriv(1).roots()
    inside = [one.real for one in top if x[place - 1] <= one.real <= x[place + 1]]
    return float(max([y.max(), *(curve(one) for one in inside)]))
