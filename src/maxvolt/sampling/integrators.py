"""ASE's integrators behind one interface: temperatures and pressures that change as they run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from ase import Atoms, units
from ase.constraints import FixCom
from ase.md.bussi import Bussi
from ase.md.langevin import Langevin
from ase.md.langevinbaoab import LangevinBAOAB
from ase.md.verlet import VelocityVerlet
from ase.parallel import DummyMPI
from numpy.typing import NDArray

from maxvolt.sampling.held import HeldAtoms

__all__ = [
    "Coupling",
    "Ensemble",
    "Integrator",
    "Thermostat",
    "draw_velocities",
    "hold_atoms",
    "integrator",
]

Ensemble = Literal["nve", "nvt", "npt"]
Thermostat = Literal["langevin", "bussi"]

# ASE does not annotate these.
_langevin: Callable[..., Any] = Langevin
_bussi: Callable[..., Any] = Bussi
_verlet: Callable[..., Any] = VelocityVerlet
_npt: Callable[..., Any] = LangevinBAOAB
_alone: Callable[[], Any] = DummyMPI
"""A simulation belongs to its process: where that is a rank of MPI, ASE would have it share random
numbers with all ranks, which do something else."""


@dataclass(frozen=True, slots=True)
class Coupling:
    """How strongly a structure is coupled to its surroundings.

    Attributes
    ----------
    thermostat_time : fs
        Decay time of velocities (Langevin: one over the friction) or of the kinetic energy (Bussi).
    barostat_time : fs
        Period with which the volume swings, for the bulk modulus below.
    bulk_modulus : eV/Angstrom^3
        Estimate; it sets the mass of the barostat only.
    shape : bool
        Whether the barostat changes the shape of the cell as well as its volume.
    """

    thermostat_time: float
    barostat_time: float
    bulk_modulus: float
    shape: bool


class Integrator(Protocol):
    """Moves atoms in time."""

    def steps(self, number: int) -> Iterator[bool]:
        """Yield at the start and after each of so many steps."""

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature to go to, K."""

    def set_pressure(self, pressure: float) -> None:
        """Set the pressure to go to, eV/Angstrom^3."""

    def state(self) -> dict[str, NDArray[np.float64]]:
        """What it remembers beyond positions, momenta, cell and random numbers."""

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Remember what `state` gave."""

    def renew(self) -> None:
        """Recompute what it keeps of forces and stresses; the calculator was reset."""


class _Verlet:
    """Newton's equations: nothing is controlled."""

    def __init__(self, dynamics: Any) -> None:
        self._dynamics = dynamics

    def steps(self, number: int) -> Iterator[bool]:
        yield from self._dynamics.irun(number)

    def set_temperature(self, temperature: float) -> None:
        """Do nothing: the energy is constant."""

    def set_pressure(self, pressure: float) -> None:
        """Do nothing: the cell is given."""

    def state(self) -> dict[str, NDArray[np.float64]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Do nothing: positions and momenta are all there is."""

    def renew(self) -> None:
        """Do nothing: each step asks for the forces at its start."""


class _Langevin(_Verlet):
    def set_temperature(self, temperature: float) -> None:
        self._dynamics.set_temperature(temperature_K=temperature)


class _Bussi(_Verlet):
    def set_temperature(self, temperature: float) -> None:
        dynamics = self._dynamics
        dynamics.temp = units.kB * temperature
        dynamics.target_kinetic_energy = 0.5 * dynamics.temp * dynamics.ndof


class _Npt(_Verlet):
    def set_temperature(self, temperature: float) -> None:
        self._dynamics.set_temperature(temperature)

    def set_pressure(self, pressure: float) -> None:
        isotropic = -pressure if self._dynamics.hydrostatic else -pressure * np.eye(3)
        self._dynamics.externalstress = isotropic

    def state(self) -> dict[str, NDArray[np.float64]]:
        return {"cell_momentum": np.array(self._dynamics.p_eps, float)}

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        momentum = state["cell_momentum"]
        self._dynamics.p_eps = float(momentum) if momentum.shape == () else momentum.copy()

    def renew(self) -> None:
        # ASE keeps both from the end of a step to the next.
        self._dynamics._update_accel()
        self._dynamics._update_force_eps()


def integrator(
    atoms: Atoms,
    ensemble: Ensemble,
    thermostat: Thermostat,
    coupling: Coupling,
    *,
    timestep: float,
    temperature: float,
    pressure: float,
    generator: np.random.Generator,
) -> Integrator:
    """Make the integrator of an ensemble.

    Parameters
    ----------
    atoms
        Structure with velocities, and what of it is held as its constraints. At constant cell the
        centre of mass is held where nothing else is, so that a temperature means 3 N - 3 degrees of
        freedom.
    ensemble, thermostat, coupling
        What is held constant, and how.
    timestep : fs
    temperature : K
    pressure : eV/Angstrom^3
    generator
        Random numbers of the thermostat.
    """
    step, tau = timestep * units.fs, coupling.thermostat_time * units.fs
    noise = {"rng": generator, "comm": _alone()}
    if ensemble == "npt":
        with warnings.catch_warnings():
            # Held atoms have no momentum, are no degrees of freedom, and go along with the cell.
            warnings.filterwarnings("ignore", ".*not been tested with constraints")
            dynamics = _npt(
                atoms,
                step,
                temperature_K=temperature,
                externalstress=-pressure,
                hydrostatic=not coupling.shape,
                T_tau=tau,
                P_tau=coupling.barostat_time * units.fs,
                P_mass=_barostat_mass(atoms, coupling),
                **noise,
            )
        return _Npt(dynamics)
    if not atoms.constraints:
        atoms.set_constraint(FixCom())
    if ensemble == "nve":
        return _Verlet(_verlet(atoms, step, comm=_alone()))
    if thermostat == "bussi":
        return _Bussi(_bussi(atoms, step, temperature, tau, **noise))
    return _Langevin(
        _langevin(atoms, step, temperature_K=temperature, friction=1 / tau, fixcm=False, **noise)
    )


def _barostat_mass(atoms: Atoms, coupling: Coupling) -> float:
    """Mass for which the volume swings with the period asked for.

    The equation of motion of the logarithmic strain e of each side is W e'' = -9 V B e where the
    shape is kept, and W e'' = -3 V B e where each component has its own momentum.
    """
    stiffness = (3.0 if coupling.shape else 9.0) * atoms.get_volume() * coupling.bulk_modulus
    return float(stiffness * (coupling.barostat_time * units.fs / (2 * np.pi)) ** 2)


def hold_atoms(atoms: Atoms, records: Sequence[Mapping[str, Any]]) -> None:
    """Hold what constraints name; a temperature then means the degrees of freedom that are left."""
    held = [record for record in records if record["name"] != "FixCom"]
    if held:
        atoms.set_constraint(HeldAtoms(held))


def draw_velocities(atoms: Atoms, temperature: float, generator: np.random.Generator) -> None:
    """Draw velocities from the distribution of Maxwell and Boltzmann, without total momentum.

    Parameters
    ----------
    atoms
        Changed in place; what its constraints hold gets no velocity.
    temperature : K
        The mean of the distribution for the degrees of freedom that are not held.
    generator
        Random numbers.
    """
    masses = atoms.get_masses()[:, None]
    momenta = generator.standard_normal((len(atoms), 3)) * np.sqrt(masses * units.kB * temperature)
    if not any(isinstance(one, HeldAtoms) for one in atoms.constraints):
        momenta -= masses * momenta.sum(axis=0) / masses.sum()
    atoms.set_momenta(momenta)
