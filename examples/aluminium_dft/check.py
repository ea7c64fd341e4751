"""What the potential of the campaign says of aluminium, beside DFT with the same settings.

    python check.py aluminium.toml

runs molecular dynamics of the solid and of the liquid that the campaign has not seen, labels frames
with the campaign's reference, and computes the errors there; then the lattice constant and the bulk
modulus of the crystal with both. Labels are kept in the folder of the campaign: killed and started
again, it goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from rich import box
from rich.console import Console
from rich.table import Table

import maxvolt
from maxvolt.campaign import CampaignSettings, read_settings
from maxvolt.fitting.error_statistics import ErrorReport
from maxvolt.properties import EquationOfState, equation_of_state, fit_birch_murnaghan
from maxvolt.report import write_json
from maxvolt.sampling import MolecularDynamics, Thresholds, hold, ramp, run_scenarios

LATTICE_CONSTANT = 4.05
CELLS = 2
"""Primitive cells along each edge of the campaign's structures."""

TRAJECTORIES = 5
"""Of each simulation; the last structure of each is labelled."""

VOLUME_RANGE, VOLUMES = 0.08, 9
SEED = 2026


def main(
    arguments: Sequence[str] | None = None,
    simulations: Sequence[MolecularDynamics] | None = None,
    lattice_constant: float = LATTICE_CONSTANT,
) -> None:
    """Compute, print and write.

    Parameters
    ----------
    arguments
        Of the command line.
    simulations
        What the potential is tested on, by default a solid and a liquid.
    lattice_constant
        In the middle of the energy-volume curves, Angstrom.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaign", type=Path, help="campaign file")
    settings = read_settings(parser.parse_args(arguments).campaign)
    file = settings.folder / "potential.almtp"
    potential = maxvolt.read_potential(file)
    calculator = maxvolt.Calculator(potential, query=maxvolt.read_active_set(file), threads=1)

    training = maxvolt.read(settings.folder / "training.xyz")
    errors = {"training set": maxvolt.compute_errors(potential, training)}
    grades = {}
    for dynamics in solid_and_liquid() if simulations is None else simulations:
        results = run_scenarios([dynamics], lambda: calculator, Thresholds(), seed=SEED)
        grades[dynamics.name] = max(float(result.grades.max()) for result in results)
        frames = [result.last for result in results]
        errors[dynamics.name] = maxvolt.compute_errors(potential, labelled(frames, settings))
    crystal = primitive_cell(lattice_constant)
    curves = {
        "potential": equation_of_state(
            calculator, crystal, volume_range=VOLUME_RANGE, points=VOLUMES, relaxation=None
        ),
        "DFT": reference_curve(settings, crystal),
    }
    show(errors, grades, curves)
    document = {
        "errors": {name: report.total.to_dict() for name, report in errors.items()},
        "largest_grades": grades,
        "equations_of_state": {name: curve.to_dict() for name, curve in curves.items()},
    }
    write_json(document, settings.folder / "check.json")


def primitive_cell(lattice_constant: float = LATTICE_CONSTANT) -> Atoms:
    """Return the crystal with one atom."""
    return bulk("Al", "fcc", a=lattice_constant)


def solid_and_liquid() -> list[MolecularDynamics]:
    """Return what the potential is tested on."""
    crystal = [primitive_cell().repeat(CELLS)] * TRAJECTORIES
    melting = ramp(3000, 1500, 1000) + hold(1500, 1000)
    return [
        MolecularDynamics("solid, 600 K", crystal, 2000, 600, timestep_fs=2),
        MolecularDynamics(
            "liquid, 1500 K", crystal, 2000, melting, cell=hold(0.02, 2000), timestep_fs=2
        ),
    ]


def labelled(
    structures: list[Atoms], settings: CampaignSettings, kpts: Mapping[str, object] | None = None
) -> maxvolt.Dataset:
    """Label with the reference of the campaign, `kpts` in place of its k-points."""
    given = settings.stages[-1].reference.reference()
    changed = {} if kpts is None else {"kpts": kpts}
    reference = maxvolt.Reference(given.calculator, {**given.settings, **changed}, given.machine)
    store = maxvolt.LabelStore(settings.folder / "check.db")
    result = maxvolt.label(structures, reference, store)
    for index, reason in result.quarantined:
        print(f"structure {index} has no label: {reason}")
    return result.dataset


def reference_curve(settings: CampaignSettings, crystal: Atoms) -> EquationOfState:
    """Compute the energy-volume curve with DFT.

    One atom, with so many more k-points that they are those of the campaign's cells.
    """
    mesh = settings.stages[-1].reference.settings.get("kpts")
    if mesh is not None:
        mesh = {**mesh, "size": [CELLS * points for points in mesh["size"]]}
    structures = []
    for ratio in np.linspace(1 - VOLUME_RANGE, 1 + VOLUME_RANGE, VOLUMES):
        atoms = crystal.copy()
        atoms.set_cell(ratio ** (1 / 3) * atoms.cell[:], scale_atoms=True)
        structures.append(atoms)
    dataset = labelled(structures, settings, mesh)
    return fit_birch_murnaghan(dataset.volumes, dataset.energies)


def show(
    errors: Mapping[str, ErrorReport],
    grades: Mapping[str, float],
    curves: Mapping[str, EquationOfState],
) -> None:
    """Print two tables."""
    console = Console(highlight=False)
    table = Table("structures", "number", "energy meV/atom", "force meV/A", "stress GPa", "grade")
    table.box = box.SIMPLE_HEAD
    for name, report in errors.items():
        total = report.total
        table.add_row(
            name,
            str(total.structures),
            f"{1000 * total.energy_per_atom.rmse:.2f}",
            f"{1000 * total.force_components.rmse:.1f}",
            f"{total.stress_components.rmse:.2f}",
            f"{grades[name]:.2f}" if name in grades else "",
        )
    console.print(table)
    table = Table("crystal", "lattice constant A", "bulk modulus GPa", box=box.SIMPLE_HEAD)
    for name, curve in curves.items():
        table.add_row(name, f"{(4 * curve.volume) ** (1 / 3):.4f}", f"{curve.bulk_modulus:.1f}")
        for warning in curve.warnings:
            print(f"warning: {name}: {warning}")
    console.print(table)


if __name__ == "__main__":
    main()
