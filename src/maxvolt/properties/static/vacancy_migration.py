"""The barrier of a vacancy's jump to a neighbouring place, by a nudged elastic band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.elastic_band import lowest_path
from maxvolt.properties.static.point_defects import DefectSettings, Host

__all__ = ["MigrationSettings", "vacancy_migration"]


@dataclass(frozen=True, slots=True)
class MigrationSettings(DefectSettings):
    """Settings of `vacancy_migration`.

    Parameters
    ----------
    size, force_tolerance, max_steps
        As of `DefectSettings`, for both ends.
    images
        Structures between the two ends; an odd number has one in the middle, where the saddle lies
        by symmetry.
    band_tolerance : eV/Angstrom
        Largest force left on the band; what is left of many atoms adds up.
    band_steps
        Steps after which the band counts as not converged.
    """

    images: int = 5
    band_tolerance: float = 0.005
    band_steps: int = 300

    def __post_init__(self) -> None:
        DefectSettings.__post_init__(self)
        if self.images < 1:
            raise DataError(f"vacancy migration: expected at least 1 image; got {self.images!r}")


def vacancy_migration(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: MigrationSettings = MigrationSettings(),
) -> Findings:
    """Compute the barrier for a vacancy to change places with a nearest neighbour.

    A nudged elastic band with a climbing image (ASE) between the two relaxed ends.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Size of the cell, number of images, tolerances.

    Raises
    ------
    DataError
        The structure is no fcc, bcc, sc, hcp or diamond crystal of one element.
    MaxvoltError
        A relaxation or the band did not converge.
    """
    purpose = "vacancy migration"
    calculator, atoms = system_of(calculator, atoms, purpose)
    host = Host(calculator, atoms, settings, purpose)
    hole = host.middle()
    jumper = host.neighbour(hole)
    initial = host.without(hole)
    final = initial.copy()
    moved = jumper - (jumper > hole)
    final.positions[moved] += host.perfect.get_distance(jumper, hole, mic=True, vector=True)
    first, last = host.relaxed(initial, final)
    path = lowest_path(
        (first, last),
        calculator,
        images=settings.images,
        force_tolerance=settings.band_tolerance,
        max_steps=settings.band_steps,
        purpose=purpose,
        remedy="raise band_steps or band_tolerance",
    )
    energies = np.array([image.get_potential_energy() for image in path])
    energies -= energies[0]
    formation = host.formation(first)
    barrier = float(energies.max())
    quantities = {
        "vacancy migration": Quantity(barrier, "eV"),
        "vacancy self-diffusion": Quantity(formation + barrier, "eV"),
    }
    way = np.linspace(0, 1, len(path))
    labels = ("share of the jump", "energy above the vacancy (eV)")
    note = f"{settings.images} images, climbing; the highest is the barrier"
    curve = Curve.of("vacancy jump", way, energies, labels)
    notes = (*host.notes, note)
    return Findings("Vacancy migration", quantities, (curve,), host.warnings, notes)
