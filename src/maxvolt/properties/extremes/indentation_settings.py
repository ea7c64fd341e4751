"""Settings of `nanoindentation`."""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.errors import SettingsError
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.extremes.slabs import Plane, require_plane

__all__ = ["IndentationSettings"]

_LONGEST_PS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class IndentationSettings(SimulationSettings):
    """Settings of `nanoindentation`.

    Parameters
    ----------
    temperature, timestep, equilibration_time, seed, members
        As of `SimulationSettings`.
    pressure : GPa
        0: there is a free surface.
    atoms
        Of the crystal whose lattice constants at temperature are found first.
    plane
        Miller indices of the surface, of the cell with right angles of a crystal of one element,
        of the given cell of any other.
    width, height : Angstrom
        Least size of the slab along the surface and across it.
    radius : Angstrom
        Of the sphere.
    stiffness : eV/Angstrom^3
        Atoms within the sphere are pushed out by stiffness times the square of how far they are
        within it. That is subtracted from the depth, so that little depends on it.
    velocity : m/s
        Of the sphere.
    depth : Angstrom
        How far below the surface it is pressed.
    unloading
        Whether it goes back at the end.
    depth_step : Angstrom
        Path over which a load is averaged.
    segment_time : ps
        Time between two kept states: at most that much is lost in an interruption.
    command
        Command that starts LAMMPS, such as "mpiexec -n 2 lmp"; None: lmp, on one rank.
    """

    plane: Plane = (0, 0, 1)
    width: float = 100.0
    height: float = 60.0
    radius: float = 40.0
    stiffness: float = 30.0
    velocity: float = 20.0
    depth: float = 6.0
    unloading: bool = True
    depth_step: float = 0.1
    segment_time: float = 5.0
    command: str | None = None

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        if self.pressure != 0:
            self._refuse(
                "pressure must be 0: a sphere is pressed into a free surface; got "
                f"{self.pressure:g} GPa"
            )
        for name in (
            "width", "height", "radius", "stiffness", "velocity", "depth", "depth_step",
            "segment_time",
        ):  # fmt: skip
            value = getattr(self, name)
            if not 0 < value < _LONGEST_PS:
                self._refuse(f"{name} must be a number above 0 and below 1e6; got {value!r}")
        require_plane(self.plane)
        self._check_depth()

    def _check_depth(self) -> None:
        if self.depth >= self.radius:
            raise SettingsError(
                f"depth ({self.depth:g} A) must be less than radius ({self.radius:g} A), beyond "
                "which the contact of a sphere grows no more; take a larger sphere"
            )
        if self.depth_step > self.depth / 4:
            raise SettingsError(
                f"depth_step ({self.depth_step:g} A) must be a quarter of depth ({self.depth:g} "
                "A) at most"
            )
