"""What the potential of the campaign says of methanol, beside PySCF with the same settings.

    python check.py methanol.toml

runs molecular dynamics that the campaign has not seen, labels frames with the campaign's reference,
and computes the errors there; then relaxes the molecule with both and compares the bonds and the
harmonic frequencies. Labels are kept in the folder of the campaign: killed and started again, it
goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize import BFGS
from ase.vibrations import VibrationsData
from rich import box
from rich.console import Console
from rich.table import Table

import maxvolt
from maxvolt.campaign import CampaignSettings, read_settings
from maxvolt.report import write_json
from maxvolt.sampling import MolecularDynamics, Thresholds, run_scenarios

TRAJECTORIES = 5
"""Of each temperature; the last structure of each is labelled."""

TEMPERATURES = (300, 500)
STEPS = 10_000
STEP = 0.01
"""Of the differences of forces, Angstrom."""

LARGEST_FORCE = 0.01
"""Where a relaxation ends, eV/Angstrom."""

SEED = 2026


def main(arguments: Sequence[str] | None = None, steps: int = STEPS) -> None:
    """Compute, print and write.

    Parameters
    ----------
    arguments
        Of the command line.
    steps
        Of each trajectory, half a femtosecond each.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaign", type=Path, help="campaign file")
    settings = read_settings(parser.parse_args(arguments).campaign)
    file = settings.folder / "potential.almtp"
    potential = maxvolt.read_potential(file)
    calculator = maxvolt.Calculator(potential, query=maxvolt.read_active_set(file), threads=1)
    molecule = maxvolt.read(settings.folder.parent / "methanol.xyz").to_atoms()[0]

    training = maxvolt.read(settings.folder / "training.xyz")
    errors = {"training set": maxvolt.compute_errors(potential, training)}
    grades = {}
    for temperature in TEMPERATURES:
        name = f"{temperature} K"
        dynamics = MolecularDynamics(
            name, [molecule] * TRAJECTORIES, steps, temperature, timestep_fs=0.5
        )
        results = run_scenarios([dynamics], lambda: calculator, Thresholds(), seed=SEED)
        grades[name] = max(float(result.grades.max()) for result in results)
        frames = labelled([result.last for result in results], settings)
        errors[name] = maxvolt.compute_errors(potential, frames)
    nearby = relaxed(molecule, calculator)
    reference = relaxed(nearby, Labelling(settings))
    minima = {
        "potential": minimum(nearby, lambda moved: [forces_of(one, calculator) for one in moved]),
        "PySCF": minimum(reference, lambda moved: labelled(moved, settings).forces),
    }
    show(errors, grades, minima)
    document = {
        "errors": {name: report.total.to_dict() for name, report in errors.items()},
        "largest_grades": grades,
        "minima": {name: found.to_dict() for name, found in minima.items()},
    }
    write_json(document, settings.folder / "check.json")


def labelled(structures: list[Atoms], settings: CampaignSettings) -> maxvolt.Dataset:
    """Label with the reference of the campaign."""
    reference = settings.stages[-1].reference.reference()
    store = maxvolt.LabelStore(settings.folder / "check.db")
    result = maxvolt.label(structures, reference, store)
    for index, reason in result.quarantined:
        print(f"structure {index} has no label: {reason}")
    return result.dataset


class Labelling(Calculator):
    """The reference of a campaign as a calculator of ASE; what it has given, it gives again."""

    implemented_properties = ("energy", "forces")

    def __init__(self, settings: CampaignSettings) -> None:
        super().__init__()
        self.settings = settings

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Label the structure."""
        super().calculate(atoms, properties, system_changes)
        found = labelled([self.atoms.copy()], self.settings)
        self.results = {"energy": found.energies[0], "forces": found.forces.copy()}


@dataclass(frozen=True, slots=True)
class Minimum:
    """A relaxed molecule: bonds and the angle at oxygen, and harmonic wavenumbers."""

    bonds: dict[str, float]
    angle: float
    wavenumbers: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {
            "bonds_A": self.bonds,
            "angle_C_O_H_degrees": self.angle,
            "wavenumbers_per_cm": list(self.wavenumbers),
        }


def relaxed(start: Atoms, calculator: Calculator, steps: int = 200) -> Atoms:
    """Relax a copy of a molecule."""
    atoms = start.copy()
    atoms.calc = calculator
    if not BFGS(atoms, logfile=None).run(fmax=LARGEST_FORCE, steps=steps):
        raise SystemExit("the molecule does not relax")
    return atoms


def forces_of(atoms: Atoms, calculator: Calculator) -> np.ndarray:
    """Return the forces on a structure, shape (N, 3), eV/Angstrom."""
    atoms.calc = calculator
    return atoms.get_forces()


def minimum(atoms: Atoms, forces: Callable[[list[Atoms]], Any]) -> Minimum:
    """Differentiate the forces at a minimum.

    Parameters
    ----------
    atoms
        The relaxed molecule.
    forces
        Gives the forces on all structures of a list.
    """
    moved = []
    for index in range(len(atoms)):
        for axis in range(3):
            for sign in (1, -1):
                moved.append(Atoms(atoms.symbols, atoms.positions))
                moved[-1].positions[index, axis] += sign * STEP
    found = np.reshape(forces(moved), (len(atoms), 3, 2, len(atoms), 3))
    hessian = (found[:, :, 1] - found[:, :, 0]) / (2 * STEP)
    data = VibrationsData(atoms, (hessian + hessian.transpose(2, 3, 0, 1)) / 2)
    # The six smallest are translations and rotations.
    wavenumbers = np.sort(np.real(data.get_frequencies()))[6:]
    carbon, oxygen = (atoms.symbols.indices()[symbol][0] for symbol in "CO")
    hydrogens = atoms.symbols.indices()["H"]
    hydroxyl = hydrogens[np.argmin(atoms.get_distances(oxygen, hydrogens))]
    return Minimum(
        {
            "C-O": float(atoms.get_distance(carbon, oxygen)),
            "O-H": float(atoms.get_distance(oxygen, hydroxyl)),
        },
        float(atoms.get_angle(carbon, oxygen, hydroxyl)),
        tuple(float(value) for value in wavenumbers),
    )


def show(errors: dict[str, Any], grades: dict[str, float], minima: dict[str, Minimum]) -> None:
    """Print three tables."""
    console = Console(highlight=False)
    table = Table("structures", "number", "energy meV", "force meV/A", "grade", box=box.SIMPLE_HEAD)
    for name, report in errors.items():
        total = report.total
        table.add_row(
            name,
            str(total.structures),
            f"{1000 * total.energy.rmse:.2f}",
            f"{1000 * total.force_components.rmse:.1f}",
            f"{grades[name]:.2f}" if name in grades else "",
        )
    console.print(table)
    table = Table("minimum", "C-O A", "O-H A", "C-O-H degrees", box=box.SIMPLE_HEAD)
    for name, found in minima.items():
        bonds = [f"{found.bonds[bond]:.4f}" for bond in ("C-O", "O-H")]
        table.add_row(name, *bonds, f"{found.angle:.2f}")
    console.print(table)
    table = Table("wavenumbers 1/cm", *minima, box=box.SIMPLE_HEAD)
    for row, values in enumerate(
        zip(*(found.wavenumbers for found in minima.values()), strict=True), start=1
    ):
        table.add_row(str(row), *(f"{value:.0f}" for value in values))
    console.print(table)


if __name__ == "__main__":
    main()
