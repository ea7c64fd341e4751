"""Ring polymers in their normal modes: free motion exactly, thermostat, forces of a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray

from maxvolt.errors import EvaluationError
from maxvolt.properties.reaction_rates.surfaces import Surface

__all__ = ["HBAR", "RingPolymerState", "RingPolymers", "normal_modes"]

HBAR = units._hbar * units.J * units.s
"""Planck's constant, eV times ASE's unit of time."""


def normal_modes(beads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Modes of a free ring polymer, equation (131).

    Returns
    -------
    matrix : shape (n, n)
        Orthogonal; positions of beads are the matrix times amplitudes of modes. Mode 0 is the
        centroid times the square root of n.
    sines : shape (n,)
        Frequencies over 2 omega_n.
    """
    j = np.arange(beads)
    k = j[:, None]
    angles = 2 * np.pi * k * j / beads
    rows = np.sqrt(2 / beads) * np.where(2 * k <= beads, np.cos(angles), np.sin(angles))
    rows[0] = 1 / np.sqrt(beads)
    if beads % 2 == 0:
        rows[beads // 2] = np.where(j % 2 == 0, 1.0, -1.0) / np.sqrt(beads)
    return np.ascontiguousarray(rows.T), np.sin(np.pi * j / beads)


@dataclass(slots=True, eq=False)
class RingPolymerState:
    """Amplitudes of R replicas of n beads, N atoms, d dimensions; changed by each step.

    Attributes
    ----------
    positions, momenta : shape (n, R, N, d)
        Of the modes, Angstrom and ASE's unit of momentum.
    forces : shape (n, R, N, d), eV/Angstrom
        Of the surface, on the modes.
    energies : shape (n, R), eV
        Of the surface, of the beads.
    """

    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]
    forces: NDArray[np.float64]
    energies: NDArray[np.float64]

    @property
    def centroids(self) -> NDArray[np.float64]:
        """Centroids, Angstrom, shape (R, N, d)."""
        return np.asarray(self.positions[0] / np.sqrt(len(self.positions)))

    @property
    def centroid_momenta(self) -> NDArray[np.float64]:
        """Momenta of the centroids, ASE's unit, shape (R, N, d)."""
        return np.asarray(self.momenta[0] / np.sqrt(len(self.momenta)))


class RingPolymers:
    """Ring polymers of one system on one surface, equation (130).

    Parameters
    ----------
    surface
        Potential energy; all beads of all replicas are evaluated in one call.
    masses : shape (N,), u
    temperature : K
    beads
        Their number n; 1 is classical.
    timestep : fs
    thermostat_time : fs
        Relaxation time of the centroids; the other modes are damped critically.
    """

    def __init__(
        self,
        surface: Surface,
        masses: NDArray[np.float64],
        temperature: float,
        beads: int,
        timestep: float,
        thermostat_time: float = 50.0,
    ) -> None:
        self.surface = surface
        self.masses = np.asarray(masses, float)[:, None]
        self.beads = beads
        self.thermal_energy = units.kB * temperature
        self.timestep = timestep * units.fs
        self._matrix, sines = normal_modes(beads)
        omega = 2 * beads * self.thermal_energy / HBAR * sines
        half = 0.5 * self.timestep
        shape = (beads, 1, 1, 1)
        self.frequencies = omega
        self._cosine = np.cos(omega * half).reshape(shape)
        self._drift = (half * np.sinc(omega * half / np.pi)).reshape(shape) / self.masses
        self._spring = omega.reshape(shape) * self.masses
        self._pull = self._spring * np.sin(omega * half).reshape(shape)
        rates = 2 * omega
        rates[0] = 1 / (thermostat_time * units.fs)
        self._keep = np.exp(-rates * self.timestep).reshape(shape)
        spread = np.sqrt(beads * self.thermal_energy * self.masses)
        self.spread = spread
        self._kick = np.sqrt(1 - self._keep**2) * spread

    def state(
        self, positions: NDArray[np.float64], generator: np.random.Generator
    ) -> RingPolymerState:
        """Begin with beads drawn as for free ring polymers around centroids, and thermal momenta.

        Parameters
        ----------
        positions : shape (R, N, d), Angstrom
            Centroids.
        generator
            Of the random numbers.
        """
        shape = (self.beads, *positions.shape)
        modes = np.zeros(shape)
        modes[0] = np.sqrt(self.beads) * positions
        if self.beads > 1:
            widths = self.spread / self._spring[1:]
            modes[1:] = widths * generator.standard_normal((self.beads - 1, *positions.shape))
        state = RingPolymerState(modes, np.zeros(shape), np.zeros(shape), np.zeros(shape[:2]))
        self.draw_momenta(state, generator)
        self.renew_forces(state)
        return state

    def draw_momenta(self, state: RingPolymerState, generator: np.random.Generator) -> None:
        """Draw all momenta anew."""
        state.momenta = self.spread * generator.standard_normal(state.positions.shape)

    def renew_forces(self, state: RingPolymerState) -> None:
        """Evaluate the surface at all beads.

        Raises
        ------
        EvaluationError
            An energy or a force is not finite.
        """
        shape = state.positions.shape
        beads = self._matrix @ state.positions.reshape(self.beads, -1)
        energies, forces = self.surface(beads.reshape(-1, *shape[2:]))
        if not np.isfinite(energies.sum() + forces.sum()):
            raise EvaluationError(
                "ring polymers reached a place where the energy or a force is not finite; try a "
                "shorter timestep, or train the potential on structures of this kind"
            )
        state.energies = energies.reshape(shape[:2])
        state.forces = (self._matrix.T @ forces.reshape(self.beads, -1)).reshape(shape)

    def drift(self, state: RingPolymerState) -> None:
        """Move freely for half a step, exactly, equation (132)."""
        moved = self._drift * state.momenta
        state.momenta *= self._cosine
        state.momenta -= self._pull * state.positions
        state.positions *= self._cosine
        state.positions += moved

    def thermalise(self, state: RingPolymerState, generator: np.random.Generator) -> None:
        """Let the momenta forget for one step, equation (133)."""
        noise = generator.standard_normal(state.momenta.shape)
        noise *= self._kick
        state.momenta *= self._keep
        state.momenta += noise

    def bead_positions(self, state: RingPolymerState) -> NDArray[np.float64]:
        """Positions of the beads, Angstrom, shape (n, R, N, d)."""
        shape = state.positions.shape
        return np.asarray((self._matrix @ state.positions.reshape(self.beads, -1)).reshape(shape))
