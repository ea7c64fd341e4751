"""The heat flux of independent simulations without a thermostat, in LAMMPS, segment by segment."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.files import make_folder, replacing
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.lammps_lines import drawn_velocities, input_text, langevin
from maxvolt.properties.lammps_stages import STATE, STRUCTURE
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.sampling.lammps.outputs import last_step, read_table, said
from maxvolt.sampling.lammps.program import SCREEN, run_folder, run_lammps
from maxvolt.sampling.lammps.turned import Turned

__all__ = ["FluxPlan", "FluxRun", "simulate_flux"]

_INPUT, _END, _FLUX = "in.lammps", "end.data", "flux.txt"
_COLUMNS = ("step", "temperature", "potential", "jx", "jy", "jz")
"""Of the table of fluxes: K, eV and eV Angstrom/ps."""

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class FluxPlan:
    """What is simulated.

    Attributes
    ----------
    interaction
        What holds the atoms together.
    temperature : K
    timestep : fs
    equilibration_steps
        With a thermostat, from the perfect crystal.
    segments
        Of a run without a thermostat.
    segment_steps
        Of each of them, a multiple of `value_every`.
    value_every
        Steps from a recorded flux to the next.
    """

    interaction: Interaction
    temperature: float
    timestep: float
    equilibration_steps: int
    segments: int
    segment_steps: int
    value_every: int

    @property
    def value_time(self) -> float:
        """From a flux to the next, ps."""
        return self.value_every * self.timestep / 1e3

    @property
    def steps(self) -> int:
        """Of one run, with its equilibration."""
        return self.equilibration_steps + self.segments * self.segment_steps


@dataclass(frozen=True, slots=True, eq=False)
class FluxRun:
    """What one run has recorded, n values.

    Attributes
    ----------
    temperatures : shape (n,), K
    energies : shape (n,), eV
        Potential energy.
    fluxes : shape (n, 3), eV Angstrom/ps
        Of the whole cell: not divided by its volume.
    ends
        Structures at the end of each segment.
    end_energies : shape (segments,), eV
        Potential energies of them.
    """

    temperatures: NDArray[np.float64]
    energies: NDArray[np.float64]
    fluxes: NDArray[np.float64]
    ends: tuple[Atoms, ...]
    end_energies: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One segment: its table, positions and velocities at its end, and LAMMPS's own state."""

    table: NDArray[np.float64]
    positions: NDArray[np.float64]
    state: NDArray[np.uint8]


def simulate_flux(
    atoms: Atoms, plan: FluxPlan, seed: int, keeping: Keeping, command: Sequence[str], purpose: str
) -> FluxRun:
    """Simulate one run, or go on from what is kept.

    A thermostat brings the perfect crystal to the temperature; then nothing adds or takes energy.

    Parameters
    ----------
    atoms
        The perfect crystal in its cell, which does not change.
    plan
        What is simulated.
    seed
        Of the velocities and of the thermostat.
    keeping
        Where segments are kept.
    command
        Words that start LAMMPS.
    purpose
        What is computed, for messages.

    Raises
    ------
    MaxvoltError
        LAMMPS fails; the message cites what it said.
    FileFormatError
        A kept segment is damaged.
    """
    folder = keeping.folder
    if folder is not None:
        make_folder(folder)
    digest = _digest(atoms, plan, seed)
    parts: list[_Part] = []
    for index in range(plan.segments):
        path = None if folder is None else folder / f"heat-flux-{digest}.{index:04d}.npz"
        if path is not None and path.is_file():
            parts.append(_read(path, len(atoms)))
            continue
        before = parts[-1].state if parts else None
        telling = _telling(plan, seed, index, keeping)
        parts.append(_simulated(atoms, plan, seed, before, command, purpose, telling))
        if path is not None:
            _write(parts[-1], path)
    table = np.concatenate([one.table for one in parts])
    ends = tuple(
        Atoms(numbers=atoms.numbers, positions=one.positions, cell=atoms.cell, pbc=True)
        for one in parts
    )
    energies = np.array([one.table[-1, 2] for one in parts])
    return FluxRun(table[:, 1], table[:, 2], table[:, 3:], ends, energies)


def _simulated(
    atoms: Atoms,
    plan: FluxPlan,
    seed: int,
    before: NDArray[np.uint8] | None,
    command: Sequence[str],
    purpose: str,
    telling: Callable[[Path], None],
) -> _Part:
    """Run LAMMPS for a segment, the first one with the equilibration before it."""
    turned = Turned(atoms, plan.interaction.types_of(atoms, purpose))
    with run_folder() as name:
        folder = Path(name)
        if before is None:
            turned.write(folder / STRUCTURE)
        else:
            (folder / f"{STATE}.before").write_bytes(before.tobytes())
        (folder / _INPUT).write_text(_text(plan, seed, first=before is None))
        words = [*command, "-in", _INPUT, "-log", "none", "-nocite"]
        code = run_lammps(words, folder, watch=lambda: telling(folder / _FLUX))
        if code != 0:
            raise MaxvoltError(f"{purpose}: LAMMPS failed: {said(folder / SCREEN)}")
        table = read_table(folder / _FLUX, len(_COLUMNS))
        expected = plan.segment_steps // plan.value_every
        table = table[-expected:]  # without the first, which the segment before has
        if len(table) != expected or not np.isfinite(table).all():
            raise MaxvoltError(
                f"{purpose}: LAMMPS wrote no whole table of finite fluxes; the simulation has "
                "exploded, or the disk is full: try a shorter timestep"
            )
        _, end = turned.last(folder / _END)
        state = np.frombuffer((folder / STATE).read_bytes(), np.uint8)
    back = turned.vectors_back(table[:, 3:])
    return _Part(np.column_stack([table[:, :3], back]), end.positions, state)


def _text(plan: FluxPlan, seed: int, *, first: bool) -> str:
    """Input of LAMMPS for one segment, equation (124)."""
    t, every = plan.temperature, plan.value_every
    begin = [
        drawn_velocities(2 * t, seed),  # half of it goes into the potential energy
        "fix integrate all nve",
        langevin("all", t, t, seed + 1),
        f"run {plan.equilibration_steps}",
        "unfix bath_all",
        "velocity all zero linear",
        "reset_timestep 0",
    ]
    columns = "c_thermo_temp c_thermo_pe c_flux[1] c_flux[2] c_flux[3]"
    lines = [
        "units metal",
        "atom_style atomic",
        "boundary p p p",
        f"read_data {STRUCTURE}" if first else f"read_restart {STATE}.before",
        *plan.interaction.lines,
        f"timestep {plan.timestep / 1e3:.17g}",
        "thermo 1000000000",
        *(begin if first else ["fix integrate all nve"]),
        "compute kinetic all ke/atom",
        "compute potential all pe/atom",
        "compute shares all centroid/stress/atom NULL virial",
        "compute flux all heat/flux kinetic potential shares",
        f'fix flux all ave/time {every} 1 {every} {columns} file {_FLUX} format " %.12g"',
        f"run {plan.segment_steps}",
        f"write_restart {STATE}",
        f"write_data {_END} nocoeff",
    ]
    return input_text(lines)


def _telling(plan: FluxPlan, seed: int, index: int, keeping: Keeping) -> Callable[[Path], None]:
    def tell(path: Path) -> None:
        if keeping.progress is None:
            return
        begin = index * plan.segment_steps
        done = max(begin, last_step(path, len(_COLUMNS)))
        started = plan.equilibration_steps if done > 0 else 0
        keeping.progress(f"heat flux, seed {seed}", started + done, plan.steps)

    return tell


def _digest(atoms: Atoms, plan: FluxPlan, seed: int) -> str:
    """Of all that decides about a run, the version of the package too; not of its length."""
    content = hashlib.sha256(f"{plan.interaction.digest} {version('maxvolt')}".encode())
    numbers = (
        plan.temperature,
        plan.timestep,
        plan.equilibration_steps,
        plan.segment_steps,
        plan.value_every,
        seed,
    )
    content.update(repr(numbers).encode() + atoms.numbers.tobytes())
    for array in (atoms.positions, atoms.cell.array):
        content.update((np.round(array, 6) + 0.0).tobytes())  # no negative zeros
    return content.hexdigest()[:_DIGITS]


def _write(part: _Part, path: Path) -> None:
    stream = io.BytesIO()
    np.savez_compressed(
        stream, allow_pickle=False, table=part.table, positions=part.positions, state=part.state
    )
    with replacing(path) as file:
        file.write(stream.getvalue())


def _read(path: Path, count: int) -> _Part:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            part = _Part(file["table"], file["positions"], file["state"])
        if part.table.shape[1:] != (len(_COLUMNS),) or part.positions.shape != (count, 3):
            raise ValueError("its arrays have other shapes")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            path,
            f"is no segment of a heat flux ({error}); remove it and those after it, and they are "
            "made again",
        ) from error
    return part
