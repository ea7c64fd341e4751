"""An embedded-atom potential of aluminium and a moment tensor potential trained on it, on one card.

    python benchmarks/aluminium_cards.py POTENTIALS --output docs/properties/cards

POTENTIALS is the folder of potentials of LAMMPS; Al_mm.eam.fs labels everything. Training
structures: crystals strained and displaced, other crystals over a wide range of volume, cells on
the Bain path, slabs, vacancies and interstitials, slipped planes, solid and liquid frames of
dynamics. No structure of the card is among them. Writes the card, its numbers, and the table of
Section III of the article on ANI-Al (Smith et al., Nat. Commun. 12, 1257, 2021) with the
embedded-atom potential in the place of DFT, and pictures. What is trained and computed lies in
--work.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import add_vacuum, bulk, fcc111
from ase.calculators.singlepoint import SinglePointCalculator
from ase.lattice.cubic import FaceCenteredCubic
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

import maxvolt
from maxvolt.properties.static.cold_curves import PROTOTYPES
from maxvolt.report.card import Card, CardSource, make_card, write_card_page
from maxvolt.report.output import write_json

__all__ = ["main", "training_structures"]

A = 4.045
LEVEL, CUTOFF, RADIAL, SEED = 16, 6.5, 10, 7
WEIGHTS = maxvolt.Weights(energy=30.0, forces=0.01, stress=0.1)
HIGHEST = 1.0  # eV/atom above the crystal, of structures that are trained on
SETTINGS = {"cold-curves": {"smallest": 0.75, "largest": 1.9}}
NAMES = ("lattice", "elastic", "equation-of-state", "cold-curves", "paths", "stacking-faults",
         "vacancies", "vacancy-migration", "interstitials", "surfaces", "grain-boundaries",
         "phonons", "quasi-harmonic")  # fmt: skip
MELT = {"temperature": 1000.0, "phase": "melt", "production_time": 50.0}
DYNAMIC: dict[str, dict[str, Any]] = {
    "density:300 K": {"temperature": 300.0},
    "density:900 K": {"temperature": 900.0},
    "density:melt 1000 K": MELT,
    "structure:300 K": {"temperature": 300.0},
    "structure:900 K": {"temperature": 900.0},
    "structure:melt 1000 K": MELT,
    "elastic-at-temperature:300 K": {"temperature": 300.0, "atoms": 108},
    "elastic-at-temperature:900 K": {"temperature": 900.0, "atoms": 108},
    "vacancy-diffusion": {"temperature": 900.0, "size": 12.0},
    "self-diffusion": MELT,
    "viscosity": MELT,
}
PICTURES = ("stacking-faults", "paths")
SECTION_III = (
    ("lattice", "a"), ("elastic", "C11"), ("elastic", "C12"), ("elastic", "C44"),
    ("cold-curves", "hcp above the lowest"), ("cold-curves", "bcc above the lowest"),
    ("cold-curves", "sc above the lowest"), ("cold-curves", "diamond above the lowest"),
    ("stacking-faults", "intrinsic stacking fault"),
    ("stacking-faults", "extrinsic stacking fault"),
    ("stacking-faults", "unstable stacking fault"), ("stacking-faults", "unstable twinning"),
    ("vacancies", "vacancy"), ("vacancy-migration", "vacancy migration"),
    ("interstitials", "<100> dumbbell"), ("interstitials", "octahedral"),
    ("interstitials", "tetrahedral"), ("surfaces", "(100)"), ("surfaces", "(110)"),
    ("surfaces", "(111)"), ("grain-boundaries", "Σ5(210)"), ("grain-boundaries", "Σ5(310)"),
    ("grain-boundaries", "Σ3(111)"), ("quasi-harmonic", "volume at 300 K"),
    ("quasi-harmonic", "linear expansion at 300 K"), ("phonons", "X 1"), ("phonons", "X 3"),
    ("phonons", "L 1"), ("phonons", "L 3"), ("phonons", "zero-point energy"),
)  # fmt: skip


def disturbed(atoms: Atoms, random: np.random.Generator, strain: float, shift: float) -> Atoms:
    """Strain a cell and displace its atoms at random."""
    copy: Atoms = atoms.copy()
    noise = random.normal(size=(3, 3)) * strain
    copy.set_cell(copy.cell.array @ (np.eye(3) + (noise + noise.T) / 2), scale_atoms=True)
    copy.positions += random.normal(size=copy.positions.shape) * shift
    return copy


def scaled(atoms: Atoms, per_atom: float) -> Atoms:
    """Give a cell this volume per atom."""
    copy: Atoms = atoms.copy()
    factor = (per_atom * len(copy) / copy.get_volume()) ** (1 / 3)
    copy.set_cell(factor * copy.cell.array, scale_atoms=True)
    return copy


def crystals(random: np.random.Generator) -> Iterator[Atoms]:
    """Yield crystals near equilibrium, over a wide range, and cells between them."""
    rest = A**3 / 4
    for number in range(150):
        cell = bulk("Al", a=A, cubic=True) * (2 if number % 3 == 0 else 1)
        wide = number % 2
        strain, most = (0.02, 0.2) if wide else (0.005, 0.05)
        cell = scaled(cell, rest * random.uniform(0.92, 1.12))
        yield disturbed(cell, random, strain, random.uniform(0.0, most))
    for _ in range(60):
        yield disturbed(bulk("Al", a=A), random, 0.01, 0.0)
    for name in ("fcc", "hcp", "bcc", "sc", "diamond", "a15"):
        cell = PROTOTYPES[name]("Al")
        for ratio in random.uniform(0.72, 1.9, size=24):
            yield disturbed(scaled(cell, ratio * rest), random, 0.01, 0.02)
    for _ in range(80):
        stretch = random.uniform(0.62, 1.4)
        cell = bulk("Al", a=A)
        along = random.integers(2)
        axis = np.array([0, 0, 1.0]) if along else np.ones(3) / np.sqrt(3)
        change = np.eye(3) * stretch ** (-1 / 3)
        change += np.outer(axis, axis) * (stretch ** (2 / 3) - stretch ** (-1 / 3))
        cell.set_cell(cell.cell.array @ change, scale_atoms=True)
        yield disturbed(cell, random, 0.02, 0.02)


def defects(random: np.random.Generator) -> Iterator[Atoms]:
    """Yield slabs, vacancies, interstitials, and planes that have slipped."""
    yield from slabs(random)
    perfect = bulk("Al", a=A, cubic=True) * 2
    for number in range(60):
        atoms = disturbed(perfect, random, 0.01, random.uniform(0.01, 0.1))
        if number % 2:
            del atoms[: 1 + number // 2 % 2]
        else:
            place = random.uniform(0.4, 0.6, size=3) @ atoms.cell.array
            near = np.linalg.norm(atoms.positions - place, axis=1)
            shift = atoms.positions - place
            pushed = np.clip(2.3 - near, 0, None)[:, None]
            atoms.positions += pushed * shift / np.maximum(near, 0.3)[:, None]
            atoms.append("Al")
            atoms.positions[-1] = place
        yield atoms
    for _ in range(80):
        planes = fcc111("Al", (1, 1, 9), a=A, periodic=True)
        planes.pbc = True
        slip = random.uniform(-0.6, 0.6, size=2) * A
        cell = planes.cell.array
        planes.positions[planes.positions[:, 2] > cell[2, 2] / 2, :2] += slip
        cell[2, :2] += slip
        cell[2, 2] += random.uniform(0.0, 0.6)
        planes.set_cell(cell)
        yield disturbed(planes, random, 0.005, 0.04)


def slabs(random: np.random.Generator) -> Iterator[Atoms]:
    """Yield crystals cut along (100), (110) and (111), near and far apart."""
    for directions in (((0, 1, 0), (0, 0, 1), (1, 0, 0)), ((0, 0, 1), (1, -1, 0), (1, 1, 0)),
                       ((1, -1, 0), (1, 1, -2), (1, 1, 1))):  # fmt: skip
        for layers in (2, 3, 4):
            grain = FaceCenteredCubic(directions=[list(one) for one in directions], symbol="Al",
                                      latticeconstant=A, size=(1, 1, layers))  # fmt: skip
            for _ in range(4):
                slab = disturbed(Atoms(grain), random, 0.01, 0.08)
                slab.pbc = True
                add_vacuum(slab, random.uniform(1.0, 9.0))
                yield slab


def dynamics(calculator: maxvolt.Calculator, random: np.random.Generator) -> Iterator[Atoms]:
    """Yield frames of crystals, of one with vacancies, and of liquids."""
    for kelvin, ratio, missing in ((300, 1.0, 0), (600, 1.03, 0), (900, 1.05, 2), (1300, 1.12, 0),
                                   (1800, 1.1, 0), (2500, 1.25, 0)):  # fmt: skip
        atoms = scaled(bulk("Al", a=A, cubic=True) * 3, ratio * A**3 / 4)
        del atoms[:missing]
        atoms.calc = calculator
        hot = max(kelvin, 2500) if kelvin > 1000 else kelvin
        MaxwellBoltzmannDistribution(atoms, temperature_K=hot, rng=random)
        motion = Langevin(atoms, 2 * units.fs, temperature_K=hot, friction=0.02, rng=random)
        motion.run(500)
        motion.set_temperature(temperature_K=kelvin)
        motion.run(300)
        for _ in range(8):
            motion.run(100)
            yield atoms.copy()


def training_structures(calculator: maxvolt.Calculator) -> maxvolt.Dataset:
    """Build and label all structures."""
    random = np.random.default_rng(SEED)
    labelled = []
    crystal = bulk("Al", a=A)
    crystal.calc = calculator
    lowest = crystal.get_potential_energy()
    for atoms in [*crystals(random), *defects(random), *dynamics(calculator, random)]:
        atoms.pbc = True
        atoms.calc = calculator
        energy, forces, stress = (
            atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        )  # fmt: skip
        above = energy / len(atoms) - lowest
        if np.abs(forces).max() > 20 or np.abs(stress).max() > 0.5 or above > HIGHEST:
            continue  # atoms on top of each other, far beyond what a card asks for
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=stress)
        labelled.append(atoms)
    return maxvolt.Dataset.from_atoms(labelled)


def trained(reference: Path, work: Path) -> Path:
    """Train, unless it was done."""
    path = work / "Al_mtp.almtp"
    if path.exists():
        return path
    data = training_structures(maxvolt.Calculator(reference, threads=1))
    test = np.zeros(len(data), bool)
    test[::10] = True
    shortest = maxvolt.minimum_distances(data).overall
    start = maxvolt.MTP(
        LEVEL, ["Al"], CUTOFF, min_dist=round(0.99 * shortest, 3), radial_basis_size=RADIAL
    )
    result = maxvolt.fit(
        start,
        data.select(~test),
        validation=data.select(test),
        weights=WEIGHTS,
        starts=2,
        threads=1,
    )
    if result.validation_errors is None:
        raise RuntimeError("a validation set gives validation errors")
    errors = result.validation_errors.total
    write_json(
        {
            "structures": len(data),
            "atoms": data.n_atoms,
            "held_out_energy_rmse_meV": 1000 * errors.energy_per_atom.rmse,
            "held_out_force_rmse_meV_A": 1000 * errors.force_components.rmse,
        },
        work / "errors.json",
    )
    potential = result.potential
    if not isinstance(potential, maxvolt.MTP):
        raise TypeError("one potential was asked for")
    maxvolt.ActiveSet.from_dataset(potential, data.select(~test)).write(path)
    return path


def table(card: Card, label: str) -> str:
    """Write numbers of both, then differences of curves."""
    lines = ["| | trained | Al_mm.eam.fs | difference |", "|---|---|---|---|"]
    for name, key in SECTION_III:
        result = card.results.get((label, name))
        if result is None or key not in result.values:
            continue
        value = result.values[key]
        other = value.reference
        if other is None:
            continue
        percent = f" ({100 * (value.value / other - 1):+.1f} %)" if abs(other) > 1e-3 else ""
        lines.append(f"| {name.replace('-', ' ')}: {key} ({value.unit}) | {value.value:.5g} | "
                     f"{other:.5g} | {value.value - other:+.3g}{percent} |")  # fmt: skip
    lines += ["", "| curve | root mean square difference |", "|---|---|"]
    for name in ("paths", "stacking-faults", "cold-curves", "phonons", "quasi-harmonic"):
        result = card.results.get((label, name))
        for key, error in ({} if result is None else result.curve_errors).items():
            lines.append(f"| {key} | {error:.3g} |")
    return "\n".join(lines)


def main() -> None:
    """Train, compute, write page, numbers and table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/aluminium_cards"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    reference = options.potentials / "Al_mm.eam.fs"
    label = f"level {LEVEL}"
    card = make_card(
        [CardSource(label, str(trained(reference, options.work)), ("Al",))],
        bulk("Al", a=A),
        NAMES,
        options.work / "results",
        structure="fcc Al",
        settings=SETTINGS,
        reference=CardSource("reference", str(reference), ("Al",), True),
        progress=lambda what, done, total: print(f"{done}/{total} {what}", flush=True),
    )
    for (source, name), text in card.failures.items():
        print(f"not computed: {name} of {source}: {text}")
    write_card_page(card, options.output / "aluminium.html")
    for name in PICTURES:
        if (label, name) in card.results:
            card.results[label, name].plot().savefig(options.output / f"{name}.png", dpi=80)
    (options.output / "aluminium.txt").write_text(table(card, label) + "\n")
    (options.output / "aluminium.json").write_text((options.work / "errors.json").read_text())


if __name__ == "__main__":
    main()
