"""Crystals and melts in large cells, at rest in temperature and pressure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.dynamic.common_neighbours import FEWEST_ATOMS, PHASES, phase_shares
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.properties.dynamic.settings import PhaseSettings, SimulationSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.properties.elemental_crystals import ElementalCrystal, has_stress, reach_of
from maxvolt.properties.static.resting_cells import resting_cell
from maxvolt.units import GPA_PER_EV_A3

__all__ = [
    "Prepared",
    "average_atoms",
    "crystalline_share",
    "lost_crystal",
    "phase_of",
    "phase_warnings",
    "prepared",
    "require_phases",
    "supercell",
]

_EXPANDED = 1.15
"""Volume at which a crystal is made liquid, over that at rest."""

_HOT = 2.5
"""Temperature at which a crystal is made liquid, over that of the melt."""

_STILL_CRYSTALLINE = 0.1
"""Share of the atoms; by chance less than a hundredth of those of a melt look crystalline."""

_CRYSTALS = tuple(name for name in PHASES if name not in ("other", "icosahedral"))

_VALUE_EVERY = 10
_STRAIN = 0.01
"""Of the volume, for an estimate of the bulk modulus."""

_LEAST_BULK_MODULUS = 0.1
"""GPa."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A structure at the volume that it has at temperature and pressure.

    Attributes
    ----------
    atoms
        With momenta; its cell is the mean one.
    timestep : fs
    bulk_modulus : GPa
        Estimate at rest.
    shape
        Whether the barostat changes the shape of the cell.
    notes, warnings
        What was done, and what is wrong with it.
    places : shape (N, 3)
        Scaled coordinates of the crystal at rest.
    crystal
        Of a solid, its phase by common neighbour analysis at rest, one of `PHASES`; None of a melt,
        of a crystal that is not recognised, and of cells of fewer than 20 atoms.
    """

    atoms: Atoms
    timestep: float
    bulk_modulus: float
    shape: bool
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    places: NDArray[np.float64]
    crystal: str | None = None


def prepared(
    calculator: Any,
    atoms: Atoms,
    settings: SimulationSettings,
    keeping: Keeping,
    purpose: str,
    *,
    length: float = 1.0,
) -> Prepared:
    """Bring a crystal, or a melt made of it, to temperature and pressure.

    A crystal is repeated and relaxed in constant temperature and pressure. A melt is made of it by
    heating at more volume, then cooled. The cell is then set to its mean over the second half.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperature, pressure, phase, size.
    keeping
        Where segments are kept.
    purpose
        What is computed, for messages.
    length
        Of the cell along its third vector, over that along the others.

    Raises
    ------
    DataError
        The structure is not periodic, or the calculator gives no stress.
    MaxvoltError
        The crystal did not melt, or a simulation failed.
    """
    begin = supercell(calculator, atoms, settings.atoms, purpose, length)
    if not has_stress(calculator, begin):
        raise DataError(
            f"{purpose}: the calculator gives no stress, which pressure needs; use one that does"
        )
    melt = _melt_of(settings)
    warnings: tuple[str, ...] = ()
    if melt is not None:
        require_phases(begin, purpose)
        warnings = _unknown_crystal(begin)
    places = begin.get_scaled_positions(wrap=False)
    timestep = settings.timestep_of(begin)
    stiffness = _bulk_modulus(calculator, begin)
    notes = [f"{len(begin)} atoms, timestep {timestep:g} fs, seed {settings.seed}"]
    notes += reach_of(calculator)[1]
    crystal = None if melt is not None else phase_of(begin)
    shape = melt is None and not _is_cubic(begin)
    if melt is not None:
        begin = _molten(calculator, begin, melt, keeping, purpose, timestep)
    plan = Plan(
        "equilibration",
        settings.steps(settings.equilibration_time, timestep, _VALUE_EVERY),
        timestep,
        settings.temperature,
        "npt",
        pressure=settings.pressure,
        bulk_modulus=stiffness,
        shape=shape,
        value_every=_VALUE_EVERY,
        seed=settings.seed,
    )
    settled = simulate(calculator, begin, plan, keeping, purpose)
    mean = settled.cells[len(settled.cells) // 2 :].mean(axis=0)
    at_mean = settled.last.copy()
    at_mean.set_cell(mean, scale_atoms=True)
    warnings += phase_warnings(at_mean, settings)
    if melt is not None:
        hot = _melting_temperature(melt)
        notes.append(f"melt made at {hot:g} K and {_EXPANDED - 1:.0%} more volume")
    return Prepared(at_mean, timestep, stiffness, shape, tuple(notes), warnings, places, crystal)


def _melt_of(settings: SimulationSettings) -> PhaseSettings | None:
    """The settings, if they ask for a melt."""
    if isinstance(settings, PhaseSettings) and settings.phase == "melt":
        return settings
    return None


def supercell(
    calculator: Any, atoms: Atoms, count: int, purpose: str, length: float = 1.0
) -> Atoms:
    """Relax a crystal and repeat it to about so many atoms.

    About as long in all directions, or, along the third, longer than in the others.
    """
    cell = resting_cell(calculator, atoms, purpose, right_angled=True)
    edge = (cell.get_volume() / len(cell) * count / length) ** (1 / 3)
    edges = edge * np.array([1.0, 1.0, length])
    heights = 1 / np.linalg.norm(np.linalg.inv(cell.cell.array), axis=0)
    repeated: Atoms = cell * tuple(np.maximum(np.round(edges / heights), 1).astype(int).tolist())
    if len(repeated) < 2:
        raise DataError(f"{purpose}: one atom cannot move relative to itself; raise atoms")
    return repeated


def require_phases(atoms: Atoms, purpose: str) -> None:
    """Refuse a cell that is too small to tell phases apart in."""
    if len(atoms) < FEWEST_ATOMS:
        raise DataError(
            f"{purpose}: crystal and melt are told apart in {FEWEST_ATOMS} atoms or more; this "
            f"cell has {len(atoms)}: raise atoms"
        )


def crystalline_share(atoms: Atoms, counted: NDArray[np.bool_] | None = None) -> float:
    """Share of the counted atoms that stand in any of the crystals; see `phase_shares`."""
    shares = phase_shares(atoms, counted)
    return sum(shares[name] for name in _CRYSTALS)


def phase_warnings(atoms: Atoms, settings: SimulationSettings) -> tuple[str, ...]:
    """Say so where a melt is crystalline."""
    if _melt_of(settings) is None or crystalline_share(atoms) < _STILL_CRYSTALLINE:
        return ()
    return (
        f"{crystalline_share(atoms):.0%} of the atoms of the melt stand as in a crystal: it "
        f"freezes at {settings.temperature:g} K; simulate at a higher temperature",
    )


def lost_crystal(begin: Prepared, atoms: Atoms, temperature: float) -> tuple[str, ...]:
    """Say so where hardly more atoms than by chance stand as in the crystal of the beginning.

    Parameters
    ----------
    begin
        What was simulated.
    atoms
        The structure at the end.
    temperature : K
        Of the simulation.
    """
    if begin.crystal is None:
        return ()
    shares = phase_shares(atoms)
    own = shares[begin.crystal]
    if own >= _STILL_CRYSTALLINE:
        return ()
    said = f"{own:.0%} of the atoms stand as in {begin.crystal} at the end"
    other = max(_CRYSTALS, key=lambda name: shares[name])
    if shares[other] >= _STILL_CRYSTALLINE:
        return (
            f"{said}, {shares[other]:.0%} as in {other}: the crystal transforms at "
            f"{temperature:g} K; give that crystal, or take another temperature",
        )
    return (
        f"{said}: the crystal has melted at {temperature:g} K; simulate at a lower temperature, or "
        "take a potential whose melting point is higher",
    )


def phase_of(crystal: Atoms) -> str | None:
    """Phase of most atoms of a crystal, if it is recognised."""
    if len(crystal) < FEWEST_ATOMS:
        return None
    shares = phase_shares(crystal)
    name = max(_CRYSTALS, key=lambda one: shares[one])
    return name if shares[name] > 0.5 else None


def _unknown_crystal(crystal: Atoms) -> tuple[str, ...]:
    """Say so where a crystal is not recognised, so that it seems molten from the beginning."""
    if crystalline_share(crystal) > _STILL_CRYSTALLINE:
        return ()
    return (
        "common neighbour analysis does not know this crystal, so that it was not checked whether "
        "it melted, or whether the melt freezes: look at g(r) (structure)",
    )


def average_atoms(recorded: Recorded, begin: int, end: int) -> Atoms:
    """Average positions over frames, with which crystals are recognised in spite of heat."""
    scaled = np.einsum(
        "fni,fij->fnj",
        recorded.frames[begin:end],
        np.linalg.inv(recorded.frame_cells[begin:end]),
    )
    atoms: Atoms = recorded.last.copy()
    atoms.set_cell(recorded.frame_cells[begin:end].mean(axis=0))
    atoms.set_scaled_positions(scaled.mean(axis=0))
    return atoms


def _molten(
    calculator: Any,
    crystal: Atoms,
    settings: PhaseSettings,
    keeping: Keeping,
    purpose: str,
    timestep: float,
) -> Atoms:
    """Heat a crystal at more volume, in a cube where its cell has right angles."""
    expanded = crystal.copy()
    edges = expanded.cell.lengths()
    volume = _EXPANDED * expanded.get_volume()
    right = np.allclose(expanded.cell.angles(), 90.0, atol=1e-6)
    longer = _EXPANDED ** (1 / 3) * expanded.cell.array
    cube = np.diag(volume ** (1 / 3) * np.ones(3))
    is_near = right and edges.max() < 1.5 * edges.min()
    expanded.set_cell(cube if is_near else longer, scale_atoms=True)
    hot = _melting_temperature(settings)
    plan = Plan(
        "melting",
        settings.steps(settings.equilibration_time, timestep, _VALUE_EVERY),
        timestep,
        hot,
        value_every=_VALUE_EVERY,
        seed=settings.seed,
    )
    found = simulate(calculator, expanded, plan, keeping, purpose)
    if crystalline_share(found.last) > _STILL_CRYSTALLINE:
        raise MaxvoltError(
            f"{purpose}: the crystal did not melt at {hot:g} K in "
            f"{settings.equilibration_time:g} ps; raise melting_temperature or equilibration_time"
        )
    melt: Atoms = found.last.copy()
    melt.set_momenta(melt.get_momenta() * (settings.temperature / hot) ** 0.5)
    return melt


def _melting_temperature(settings: PhaseSettings) -> float:
    return settings.melting_temperature or _HOT * settings.temperature


def _bulk_modulus(calculator: Any, crystal: Atoms) -> float:
    """Estimate in GPa, by the pressures at slightly less and more volume; positive always."""
    pressures = []
    for sign in (-1, 1):
        strained = crystal.copy()
        strained.set_cell((1 + sign * _STRAIN) ** (1 / 3) * crystal.cell.array, scale_atoms=True)
        strained.calc = calculator
        pressures.append(-float(strained.get_stress()[:3].mean()))
    found = (pressures[0] - pressures[1]) / (2 * _STRAIN) * GPA_PER_EV_A3
    return round(max(found, _LEAST_BULK_MODULUS), 3)


def _is_cubic(crystal: Atoms) -> bool:
    """Whether it is a cubic crystal of one element, whose shape cannot change on average."""
    try:
        return ElementalCrystal.of(crystal, "").kind != "hcp"
    except DataError:
        return False
