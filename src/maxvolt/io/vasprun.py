"""Read VASP's vasprun.xml.

Energy: ``e_fr_energy`` of each ionic step, the free energy, which belongs to the forces; VASP adds
the work against an external pressure (PSTRESS) to it, which is taken off. Stress: in kB, with the
sign opposite to this package's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.dataset import Dataset
from maxvolt.errors import FileFormatError
from maxvolt.files import reading
from maxvolt.io.vasp_steps import IonicStep, dataset_from_steps
from maxvolt.units import VOIGT

__all__ = ["read_vasprun"]

# With the electron volt as VASP has it (CODATA 1986), so that its own arithmetic is undone.
_KB_PER_EV_A3 = 1602.17733


def read_vasprun(
    path: str | Path, *, keep_unconverged: bool = False
) -> tuple[Dataset, Mapping[str, int]]:
    """Read the ionic steps of a vasprun.xml.

    A step counts as converged when it took fewer electronic steps than NELM allows. The file of a
    calculation that was stopped is read as far as it goes.

    Parameters
    ----------
    path
        The file, also compressed.
    keep_unconverged
        True to keep steps whose electronic steps did not converge; they carry
        ``infos["EFS_by"] == "VASP_not_converged"``.

    Returns
    -------
    dataset
        The usable steps, all directions periodic.
    dropped
        Number of steps left out, by reason.

    Raises
    ------
    FileFormatError
        When the file is not XML or does not say which atoms it is about.
    """
    reader = _Reader(path)
    steps = list(reader.steps())
    return dataset_from_steps(steps, reader.numbers(), keep_unconverged=keep_unconverged)


class _Reader:
    """Goes through the elements of the file once, forgetting each ionic step when it is read."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._symbols: list[str] | None = None
        self._most_electronic_steps: int | None = None
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

    def numbers(self) -> NDArray[np.int32]:
        """Return the atomic numbers of the atoms."""
        if self._symbols is None:
            raise FileFormatError(self._path, "no atominfo; expected a vasprun.xml")
        unknown = sorted(set(self._symbols) - set(atomic_numbers))
        if unknown or "X" in self._symbols:
            raise FileFormatError(self._path, f"{unknown or 'X'} among the atoms is no element")
        return np.array([atomic_numbers[symbol] for symbol in self._symbols], np.int32)

    def _read_symbols(self, element: ElementTree.Element) -> None:
        rows = element.findall("array[@name='atoms']/set/rc")
        self._symbols = [(row.findtext("c") or "").strip() for row in rows]

    def _read_parameters(self, element: ElementTree.Element) -> None:
        limit, pressure = None, None
        for item in element.iter("i"):
            if item.get("name") == "NELM":
                limit = item.text
            elif item.get("name") == "PSTRESS":
                pressure = item.text
        try:
            self._most_electronic_steps = None if limit is None else int(limit)
            self._pressure = 0.0 if pressure is None else float(pressure) / _KB_PER_EV_A3
        except ValueError as error:
            raise FileFormatError(self._path, f"NELM or PSTRESS: {error}") from error

    def _step(self, element: ElementTree.Element) -> IonicStep:
        step = IonicStep(converged=self._converged(element))
        try:
            self._fill(step, element)
        except ValueError:  # asterisks, or rows of unequal length
            step.unreadable = True
        return step

    def _converged(self, element: ElementTree.Element) -> bool:
        taken = len(element.findall("scstep"))
        limit = self._most_electronic_steps
        return taken > 0 and limit is not None and taken < limit

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


def _table(element: ElementTree.Element, name: str, rows: int) -> NDArray[np.float64] | None:
    """Return the numbers of a varray, shape (rows, 3); None when it is not there."""
    found = element.find(name)
    if found is None:
        return None
    table = np.array([[float(word) for word in (v.text or "").split()] for v in found], np.float64)
    if table.shape != (rows, 3) or not np.isfinite(table).all():
        raise ValueError(f"{name} has shape {table.shape}")
    return table
