"""Read VASP's vasprun.xml.

Energy: ``e_fr_energy`` of each ionic step, the free energy, which belongs to the forces; VASP adds
the work against an external pressure (PSTRESS) to it, which is taken off. Stress: in kB, with the
sign opposite to this package's.

Each electronic step has its energy, so that convergence is told as from an OUTCAR: fewer steps than
NELM, and the last energy change within EDIFF.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.constraints import records_from_selective_flags
from maxvolt.dataset import Dataset
from maxvolt.errors import FileFormatError
from maxvolt.files import reading
from maxvolt.io.vasp_elements import element_of_symbol
from maxvolt.io.vasp_steps import IonicStep, VaspRun, largest_meant
from maxvolt.units import VOIGT

__all__ = ["read_vasprun", "vasprun_run"]

# With the electron volt as VASP has it (CODATA 1986), so that its own arithmetic is undone.
_KB_PER_EV_A3 = 1602.17733

_ENERGY_DIGITS = 1e-8
"""Last digit of the energies of electronic steps (eV)."""


def read_vasprun(
    path: str | Path, *, keep_unconverged: bool = False
) -> tuple[Dataset, Mapping[str, int]]:
    """Read the ionic steps of a vasprun.xml, as `maxvolt.io.outcar.read_outcar` reads an OUTCAR.

    The file of a calculation that was stopped is read as far as it goes.

    Raises
    ------
    FileFormatError
        When the file is not XML or does not say which atoms it is about.
    """
    return vasprun_run(path).dataset(keep_unconverged=keep_unconverged)


def vasprun_run(path: str | Path) -> VaspRun:
    """Read all ionic steps of a vasprun.xml, and which atoms they are about, as `read_vasprun`."""
    reader = _Reader(path)
    steps = list(reader.steps())
    symbols = reader.symbols()
    numbers = np.array([atomic_numbers[symbol] for symbol in symbols], np.int32)
    return VaspRun(steps, numbers, reader.species(), reader.constraints())


class _Reader:
    """Goes through the elements of the file once, forgetting each ionic step when it is read."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._symbols: list[str] | None = None
        self._types: list[str] = []
        self._most_electronic_steps: int | None = None
        self._tolerance: float | None = None
        self._free: NDArray[np.bool_] | None = None
        self._pressure = 0.0

    def steps(self) -> Iterator[IonicStep]:
        """Yield the ionic steps."""
        inside = False
        with reading(self._path) as stream:
            try:
                for event, element in ElementTree.iterparse(stream, ("start", "end")):
                    if element.tag == "calculation":
                        inside = event == "start"
                    if event == "start":
                        continue
                    if element.tag == "calculation":
                        yield self._step(element)
                        element.clear()
                    elif element.tag == "structure" and not inside:
                        self._read_selective(element)
                    elif element.tag == "atominfo":
                        self._read_symbols(element)
                    elif element.tag == "parameters":
                        self._read_parameters(element)
            except ElementTree.ParseError as error:
                if self._symbols is None:
                    raise FileFormatError(
                        self._path, f"not a vasprun.xml: {error}", line=error.position[0]
                    ) from error
                if inside:
                    yield IonicStep()  # the calculation was stopped in the middle of this one
            except (LookupError, ValueError) as error:  # an encoding that Python does not know
                raise FileFormatError(self._path, f"not a vasprun.xml: {error}") from error

    def symbols(self) -> list[str]:
        """Return the element of each atom."""
        if self._symbols is None:
            raise FileFormatError(self._path, "no atominfo; expected a vasprun.xml")
        elements = [element_of_symbol(symbol) for symbol in self._symbols]
        if None in elements:
            unknown = self._symbols[elements.index(None)]
            raise FileFormatError(self._path, f"{unknown!r} among the atoms is not an element")
        return [element for element in elements if element is not None]

    def species(self) -> tuple[str, ...]:
        """Return the elements in the order of the pseudopotentials."""
        types = [element_of_symbol(symbol) for symbol in self._types]
        named = [symbol for symbol in types if symbol is not None]
        return tuple(dict.fromkeys([*named, *self.symbols()]))

    def constraints(self) -> list[dict[str, Any]]:
        """Return what selective dynamics fixes."""
        if self._free is None:
            return []
        if self._free.shape != (len(self._symbols or ()), 3):
            raise FileFormatError(
                self._path, f"selective has shape {self._free.shape}; expected three for each atom"
            )
        return records_from_selective_flags(self._free)

    def _read_symbols(self, element: ElementTree.Element) -> None:
        rows = element.findall("array[@name='atoms']/set/rc")
        self._symbols = [(row.findtext("c") or "").strip() for row in rows]
        rows = element.findall("array[@name='atomtypes']/set/rc")
        self._types = [(row.findtext("c[2]") or "").strip() for row in rows]

    def _read_selective(self, element: ElementTree.Element) -> None:
        found = element.find("varray[@name='selective']")
        if found is not None:
            rows = [(row.text or "").split() for row in found]
            width = {len(row) for row in rows}
            if width != {3}:
                raise FileFormatError(self._path, "selective: expected T or F three times per atom")
            self._free = np.array([[word.upper() == "T" for word in row] for row in rows])

    def _read_parameters(self, element: ElementTree.Element) -> None:
        # NELM stands once more, for response functions: the first one counts.
        limit = _text(element, ".//separator[@name='electronic convergence']/i[@name='NELM']")
        limit = limit or _text(element, ".//i[@name='NELM']")
        pressure = _text(element, ".//i[@name='PSTRESS']")
        tolerance = _text(element, ".//i[@name='EDIFF']")
        try:
            self._most_electronic_steps = None if limit is None else int(limit)
            self._pressure = 0.0 if pressure is None else float(pressure) / _KB_PER_EV_A3
        except ValueError as error:
            raise FileFormatError(self._path, f"NELM or PSTRESS: {error}") from error
        self._tolerance = None if tolerance is None else largest_meant(tolerance)

    def _step(self, element: ElementTree.Element) -> IonicStep:
        step = IonicStep()
        try:
            self._fill(step, element)
        except ValueError:  # asterisks, or rows of unequal length
            step.unreadable = True
        self._decide(step, element)
        return step

    def _decide(self, step: IonicStep, element: ElementTree.Element) -> None:
        """Decide whether the electronic steps converged."""
        electronic = _ground_state_steps(element)
        step.electronic_steps = len(electronic)
        found = [_number(one.findtext("energy/i[@name='e_fr_energy']")) for one in electronic[-2:]]
        last = [energy for energy in found if energy is not None]
        tolerance = self._tolerance
        if len(last) == 2 and tolerance is not None:
            step.change = last[1] - last[0]
            tolerance += _ENERGY_DIGITS  # of each of the two energies: half of the last digit
        elif not electronic:
            step.energy = None  # foretold by VASP's machine-learned force field: no label
        elif self._most_electronic_steps is not None:
            step.announced = True  # energies of electronic steps are not in the file
        step.decide(self._most_electronic_steps, tolerance)

    def _fill(self, step: IonicStep, element: ElementTree.Element) -> None:
        atoms = len(self._symbols or ())
        step.cell = _table(element, "structure/crystal/varray[@name='basis']", 3)
        fractional = _table(element, "structure/varray[@name='positions']", atoms)
        if step.cell is not None and fractional is not None:
            step.positions = fractional @ step.cell
        step.forces = _table(element, "varray[@name='forces']", atoms)
        stress = _table(element, "varray[@name='stress']", 3)
        if stress is not None:
            step.stress = np.array([-stress[pair] / _KB_PER_EV_A3 for pair in VOIGT])
        energy = element.findtext("energy/i[@name='e_fr_energy']")
        if energy is not None and step.cell is not None:
            step.energy = float(energy) - self._pressure * cell_volume(step.cell)


def _ground_state_steps(element: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the electronic steps that led to the energy.

    Those of the linear response (LEPSILON, IBRION = 7 or 8) stand in the same calculation, after
    its structure.
    """
    steps = []
    for child in element:
        if child.tag == "scstep":
            steps.append(child)
        elif child.tag == "structure":
            break
    return steps


def _text(element: ElementTree.Element, name: str) -> str | None:
    """Return the text of the first element of that name, without blanks; None when it is empty."""
    return (element.findtext(name) or "").strip() or None


def _number(text: str | None) -> float | None:
    """Return a finite number; None when there is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _table(element: ElementTree.Element, name: str, rows: int) -> NDArray[np.float64] | None:
    """Return the numbers of a varray, shape (rows, 3); None when it is not there."""
    found = element.find(name)
    if found is None:
        return None
    table = np.array([[float(word) for word in (v.text or "").split()] for v in found], np.float64)
    if table.shape != (rows, 3) or not np.isfinite(table).all():
        raise ValueError(f"{name} has shape {table.shape}")
    return table
