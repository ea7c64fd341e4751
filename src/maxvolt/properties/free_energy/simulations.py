"""What is simulated for a free energy: the cell, the state in it, and switching both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.free_energy.analytic import UnstableCrystalError, frequencies
from maxvolt.properties.free_energy.finite_size import frequencies_between
from maxvolt.properties.free_energy.inputs import (
    CELL_COLUMNS,
    FRAMES,
    MATRIX,
    STATE_COLUMNS,
    SWITCH_COLUMNS,
    TRACE,
    Inputs,
    ReferenceLiquid,
)
from maxvolt.properties.lammps_stages import (
    LammpsStage,
    LammpsStages,
    damaged_stage,
    stage_digest,
)
from maxvolt.properties.statistics import SeriesMean, series_mean
from maxvolt.sampling.lammps.outputs import read_table

__all__ = ["Phonons", "Simulations", "State", "Switching"]

_BINS = 40
"""Of the share of the reference, in which a picture shows the derivative."""

_FRAME_COLUMNS = 4
_FRAME_HEAD = 9
"""Lines before the atoms of a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A phase at constant temperature and volume.

    Attributes
    ----------
    atoms
        In the mean cell, as LAMMPS turns it: the crystal at rest; for a liquid only their number
        and the cell count.
    energy : eV
        Mean potential energy of all atoms.
    pressure
        Mean, in the unit of LAMMPS, bar.
    displacement : Angstrom^2 u
        Mass times squared displacement: of a crystal from the mean places, the mean over the second
        half; of a liquid from where it began, at the end.
    snapshots
        Structures on the way, with their potential energies.
    file
        State to go on from.
    digest
        Of the stage.
    """

    atoms: Atoms
    energy: SeriesMean
    pressure: float
    displacement: float
    snapshots: tuple[Atoms, ...]
    file: Path
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Switching:
    """Work of a switching to the reference, and back.

    Attributes
    ----------
    seed
    forward, backward : eV
        Of all atoms; equal but for the sign where nothing is dissipated.
    shares : shape (b,)
        Of the reference.
    there, back : shape (b,), eV
        Mean derivative of the energy by the share, on the way there and back.
    """

    seed: int
    forward: float
    backward: float
    shares: NDArray[np.float64]
    there: NDArray[np.float64]
    back: NDArray[np.float64]

    @property
    def difference(self) -> float:
        """Free energy of the potential less that of the reference, equation (149), eV."""
        return (self.backward - self.forward) / 2

    @property
    def dissipation(self) -> float:
        """Mean of the work that is lost on one way, equation (149), eV."""
        return (self.forward + self.backward) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Phonons:
    """The harmonic crystal of N atoms.

    Attributes
    ----------
    frequencies : shape (3 N - 3,)
        Angular, in the inverse unit of time of ASE.
    between : shape (21 N,) or (0,)
        Of the waves that eight cells have besides; none where one of them is imaginary.
    energy : eV
        At rest, of N atoms.
    """

    frequencies: NDArray[np.float64]
    between: NDArray[np.float64]
    energy: float


@dataclass(frozen=True, slots=True)
class Simulations:
    """Runs the simulations of a free energy, or finds what is kept of them.

    Parameters
    ----------
    inputs
        Of LAMMPS.
    stages
        Where they are kept.
    """

    inputs: Inputs
    stages: LammpsStages

    def crystal(self, atoms: Atoms, temperature: float) -> State:
        """Find the mean cell of a crystal, and its state in there."""
        text, steps = self.inputs.cell(temperature, atoms)
        columns = len(CELL_COLUMNS)
        found = self._finish("cell", temperature, text, steps, atoms, _table(columns), columns)
        cell = _mean_cell(found.array("trace", columns)[-self._averaged() :])
        at_rest = Atoms(
            numbers=atoms.numbers,
            scaled_positions=atoms.get_scaled_positions(),
            cell=cell,
            pbc=True,
        )
        text, steps = self.inputs.state(temperature)
        return self._state("crystal", temperature, text, steps, at_rest, at_rest)

    def liquid(self, atoms: Atoms, temperature: float) -> State:
        """Find the mean volume of a melt, and its state in there."""
        text, steps = self.inputs.cell(temperature, atoms)
        columns = len(CELL_COLUMNS)
        found = self._finish("melt", temperature, text, steps, atoms, _table(columns), columns)
        rows = found.array("trace", columns)[-self._averaged() :]
        volume = float(rows[:, 1:4].prod(axis=1).mean())
        text, steps = self.inputs.state(temperature, volume)
        cell = _mean_cell(rows)
        scaled = Atoms(
            numbers=atoms.numbers,
            scaled_positions=atoms.get_scaled_positions(),
            cell=cell * (volume / np.linalg.det(cell)) ** (1 / 3),
            pbc=True,
        )
        return self._state("liquid", temperature, text, steps, found.state, scaled, found.digest)

    def to_einstein(
        self, state: State, temperature: float, frequency: float, seed: int
    ) -> Switching:
        """Switch a crystal to an Einstein crystal and back."""
        text, steps = self.inputs.to_einstein(temperature, frequency, seed)
        return self._switch(temperature, text, steps, state.atoms, seed)

    def to_reference_liquid(
        self, state: State, temperature: float, reference: ReferenceLiquid, seed: int
    ) -> Switching:
        """Switch a liquid to the reference liquid and back."""
        text, steps = self.inputs.to_reference_liquid(temperature, reference, seed)
        return self._switch(temperature, text, steps, state.file, seed, state.digest)

    def phonons(self, state: State, temperature: float) -> Phonons:
        """Find the frequencies of a crystal at rest in its cell, and between those of N atoms."""
        size = 3 * len(state.atoms)

        def harvest(folder: Path) -> dict[str, Any]:
            values = np.fromstring((folder / MATRIX).read_text(), sep=" ")
            if values.size != size**2 or not np.isfinite(values).all():
                raise MaxvoltError("free energy: LAMMPS wrote no whole dynamical matrix")
            matrix = values.reshape(size, size)
            return {
                "frequencies": frequencies(matrix).tolist(),
                "between": _real_between(matrix, state.atoms),
                "energy": float(read_table(folder / TRACE, 2)[-1, 1]),
            }

        found = self._finish(
            "phonons", temperature, self.inputs.matrix(), 1, state.atoms, harvest, 2
        )
        return Phonons(
            found.array("frequencies"), found.array("between"), float(found.array("energy"))
        )

    def _averaged(self) -> int:
        """Rows of a trace over which is averaged."""
        settings = self.inputs.settings
        return settings.steps(settings.averaging_time) // settings.every

    def _displacement(self, values: NDArray[np.float64]) -> float:
        if self.inputs.settings.phase == "liquid":
            return float(values[-1])
        # From where atoms were at some time, twice as far as from their mean places.
        return float(values[len(values) // 2 :].mean()) / 2

    def _state(
        self,
        name: str,
        temperature: float,
        text: str,
        steps: int,
        begin: Atoms | Path,
        atoms: Atoms,
        before: str = "",
    ) -> State:
        columns, count = len(STATE_COLUMNS), len(atoms)

        def harvest(folder: Path) -> dict[str, Any]:
            frames = _frames(folder / FRAMES, count)
            return {**_table(columns)(folder), "frames": frames.tolist()}

        found = self._finish(name, temperature, text, steps, begin, harvest, columns, before)
        trace = found.array("trace", columns)
        if len(trace) < 2 or not np.isfinite(trace).all():
            raise MaxvoltError(
                f"free energy: the simulation {name} at {temperature:g} K gave no finite numbers; "
                "try a shorter timestep"
            )
        return State(
            atoms,
            series_mean(trace[:, 1], 0),
            float(trace[:, 2].mean()),
            self._displacement(trace[:, 3]),
            _snapshots(atoms, found.array("frames"), trace)[: self.inputs.settings.snapshots],
            found.state,
            found.digest,
        )

    def _switch(
        self,
        temperature: float,
        text: str,
        steps: int,
        begin: Atoms | Path,
        seed: int,
        before: str = "",
    ) -> Switching:
        columns = len(SWITCH_COLUMNS)
        found = self._finish(
            f"switching{seed}", temperature, text, steps, begin, _works, columns, before
        )
        return Switching(
            seed,
            float(found.array("forward")),
            float(found.array("backward")),
            *(found.array(name) for name in ("shares", "there", "back")),
        )

    def _finish(
        self,
        name: str,
        temperature: float,
        text: str,
        steps: int,
        begin: Atoms | Path,
        harvest: Callable[[Path], dict[str, Any]],
        columns: int,
        before: str = "",
    ) -> _Found:
        stage = LammpsStage(
            f"{name}-{temperature:g}K",
            text,
            stage_digest(self.inputs.interaction.digest, text, begin, before),
            steps,
            begin,
            self.inputs.species,
            harvest,
            (TRACE, columns),
        )
        path, document, state = self.stages.finish(stage)
        return _Found(path, document, state, stage.digest)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    path: Path
    document: dict[str, Any]
    state: Path
    digest: str

    def array(self, name: str, columns: int | None = None) -> NDArray[np.float64]:
        """Numbers of what was found, in rows of so many columns."""
        try:
            numbers = np.array(self.document[name], float)
            return numbers if columns is None else numbers.reshape(-1, columns)
        except (KeyError, ValueError, TypeError) as error:
            raise damaged_stage(self.path, error) from error


def _table(columns: int) -> Callable[[Path], dict[str, Any]]:
    """Keep the trace as it is."""
    return lambda folder: {"trace": read_table(folder / TRACE, columns).tolist()}


def _real_between(matrix: NDArray[np.float64], crystal: Atoms) -> list[float]:
    """Frequencies between those of the cell, or none where one of them is imaginary."""
    try:
        return [float(one) for one in frequencies_between(matrix, crystal)]
    except UnstableCrystalError:
        return []


def _mean_cell(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean cell in the frame of LAMMPS, from rows of `CELL_COLUMNS`."""
    x, y, z, xy, xz, yz = rows[:, 1:7].mean(axis=0)
    return np.array([[x, 0, 0], [xy, y, 0], [xz, yz, z]])


def _works(folder: Path) -> dict[str, Any]:
    """Work of both ways, and means of the derivative for a picture."""
    rows = read_table(folder / TRACE, len(SWITCH_COLUMNS))
    if len(rows) < _BINS or not np.isfinite(rows).all():
        raise MaxvoltError(
            "free energy: the switching gave no finite numbers; try a shorter timestep or a "
            "longer switching_time"
        )
    share, derivative = rows[:, 1], rows[:, 2] - rows[:, 3]
    half = len(rows) // 2
    ways = (slice(None, half), slice(half, None))
    forward, backward = (float(np.trapezoid(derivative[way], share[way])) for way in ways)
    edges = np.linspace(0, 1, _BINS + 1)
    means = [_binned(share[way], derivative[way], edges) for way in ways]
    return {
        "forward": forward,
        "backward": backward,
        "shares": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "there": means[0],
        "back": means[1],
    }


def _binned(
    shares: NDArray[np.float64], values: NDArray[np.float64], edges: NDArray[np.float64]
) -> list[float]:
    """Means of the values in bins; in an empty bin they are interpolated."""
    which = np.clip(np.digitize(shares, edges) - 1, 0, len(edges) - 2)
    counts = np.bincount(which, minlength=len(edges) - 1)
    sums = np.bincount(which, values, minlength=len(edges) - 1)
    known = counts > 0
    middles = (edges[:-1] + edges[1:]) / 2
    filled = np.interp(middles, middles[known], sums[known] / counts[known])
    return [float(one) for one in filled]


def _frames(path: Path, count: int) -> NDArray[np.float64]:
    """Read steps and positions of the dump, shape (m, 1 + 3 N)."""
    if not path.exists():
        return np.zeros((0, 1 + 3 * count))
    lines = path.read_text().splitlines()
    size = count + _FRAME_HEAD
    rows = []
    for k in range(0, len(lines) - size + 1, size):
        atoms = (line.split()[1:_FRAME_COLUMNS] for line in lines[k + _FRAME_HEAD : k + size])
        rows.append([float(lines[k + 1]), *(float(word) for one in atoms for word in one)])
    return np.array(rows, float).reshape(-1, 1 + 3 * count)


def _snapshots(
    atoms: Atoms, frames: NDArray[np.float64], trace: NDArray[np.float64]
) -> tuple[Atoms, ...]:
    """Structures of frames whose step has an energy in the trace."""
    energies = dict(zip(trace[:, 0], trace[:, 1], strict=True))
    found = []
    for row in frames.reshape(-1, 1 + 3 * len(atoms)):
        if row[0] not in energies:
            continue
        places = row[1:].reshape(-1, 3)
        one = Atoms(numbers=atoms.numbers, positions=places, cell=atoms.cell, pbc=True)
        one.calc = SinglePointCalculator(one, energy=float(energies[row[0]]))
        found.append(one)
    return tuple(found)
