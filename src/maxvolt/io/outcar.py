"""Read VASP's OUTCAR.

Energy: the free energy TOTEN of each ionic step, which belongs to the forces. Stress: from the line
``Total`` of "FORCE on cell", a virial in eV, in the order xx, yy, zz, xy, yz, zx and with the sign
opposite to this package's. Steps of VASP's own machine-learned force field are not labels and
are not taken. Elements: from VRHFIN, or from the names of the pseudopotentials where that is not
printed. Selective dynamics, which an OUTCAR does not tell: from a CONTCAR or POSCAR beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.dataset import Dataset
from maxvolt.errors import FileFormatError
from maxvolt.files import reading
from maxvolt.io.poscar import constraints_beside
from maxvolt.io.vasp_elements import element_of_symbol, element_of_title
from maxvolt.io.vasp_steps import IonicStep, VaspRun, largest_meant
from maxvolt.units import plus_stress_to_stress

__all__ = ["outcar_run", "read_outcar"]

_ITERATION = re.compile(rb"Iteration\s+(\S+?)\(\s*(\S+?)\)")
_ELEMENT = re.compile(rb"VRHFIN\s*=\s*([A-Za-z]{1,2})")
_TITLE = re.compile(rb"^\s*(POTCAR:|TITEL)[\s=]*(.*)")
_NELM = re.compile(rb"^\s*NELM\s*=\s*([0-9]{1,9})(?![0-9])")
_EDIFF = re.compile(rb"^\s*EDIFF\s*=\s*(\S+)")
_CHANGE = re.compile(rb"total energy-change \(2\. order\)\s*:\s*(\S+)")
# Columns of fixed width may touch, as in -10293.69148-10013.02274; the digits tell them apart.
_FIVE_DIGITS = re.compile(rb"-?\d+\.\d{5}")
_NINE_DIGITS = re.compile(rb"-?\d+\.\d{9}")
_ATOM = re.compile(rb"\s*" + rb"\s*".join([rb"(-?\d+\.\d{5})"] * 3 + [rb"(-?\d+\.\d{6})"] * 3))
_VOIGT_FROM_VASP = [0, 1, 2, 4, 5, 3]


def read_outcar(
    path: str | Path, *, keep_unconverged: bool = False
) -> tuple[Dataset, Mapping[str, int]]:
    """Read the ionic steps of an OUTCAR.

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
        When the file does not say which atoms it is about.
    """
    return outcar_run(path).dataset(keep_unconverged=keep_unconverged)


def outcar_run(path: str | Path) -> VaspRun:
    """Read all ionic steps of an OUTCAR, and which atoms they are about, as `read_outcar`."""
    with reading(path) as stream:
        reader = _Reader(_whole_lines(stream), path)
        steps = reader.steps()
    if not steps:
        raise FileFormatError(
            path, "no ionic step; expected the OUTCAR of a finished or running VASP calculation"
        )
    species, counts = reader.atoms()
    numbers = np.repeat(np.array([atomic_numbers[symbol] for symbol in species], np.int32), counts)
    unique = tuple(dict.fromkeys(species))
    return VaspRun(steps, numbers, unique, constraints_beside(Path(path), numbers))


def _whole_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out a last line without its end: its last number may have lost digits."""
    return (line for line in lines if line.endswith(b"\n"))


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: Iterator[bytes], path: str | Path) -> None:
        self._lines = enumerate(lines, 1)
        self._path = path
        self._line = 0
        self._elements: list[str] = []
        self._titles: dict[bytes, list[str]] = {}
        self._most_electronic_steps: int | None = None
        self._tolerance: float | None = None
        self._linear_response = False
        self._counts: list[int] = []
        self._cell: NDArray[np.float64] | None = None
        self._steps: list[IonicStep] = []
        self._ionic = b""
        self._virials: list[tuple[IonicStep, NDArray[np.float64]]] = []

    def steps(self) -> list[IonicStep]:
        """Return the ionic steps."""
        for number, line in self._lines:
            self._line = number
            if b"TOTEN" in line:
                self._read_energy(line)
            elif b"TOTAL-FORCE (eV/Angst)" in line:
                self._read_atoms(line)
            elif b"direct lattice vectors" in line:
                self._read_cell()
            elif b"FORCE on cell =-STRESS" in line:
                self._read_stress(line)
            elif b"energy-change" in line:
                self._read_change(line)
            elif b"EDIFF" in line or b"NELM " in line:
                self._read_convergence(line)
            elif b"Iteration" in line:
                self._begin(line)
            elif b"Linear response" in line:
                self._linear_response = True
            elif b"VRHFIN" in line:
                self._read_element(line)
            elif b"POTCAR:" in line or b"TITEL" in line:
                self._read_title(line)
            elif b"ions per type" in line:
                self._read_counts(line)
        self._steps = [step for step in self._steps if not step.is_response]
        self._convert_virials()
        for step in self._steps:
            step.decide(self._most_electronic_steps, self._tolerance)
        return self._steps

    def atoms(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return the elements in the order of the file, and how many atoms of each there are."""
        elements = self._named_elements()
        if not self._counts or len(elements) < len(self._counts):
            raise FileFormatError(
                self._path,
                f"{len(elements)} elements (VRHFIN, TITEL or POTCAR:) for {len(self._counts)} "
                "counts (ions per type); expected the OUTCAR from its beginning",
            )
        total = sum(self._counts)
        for step in self._steps:
            if step.positions is not None and len(step.positions) != total:
                raise FileFormatError(
                    self._path,
                    f"a step has {len(step.positions)} atoms, ions per type says {total}",
                )
        species = tuple(elements[: len(self._counts)])
        if all(step.positions is None for step in self._steps):
            return species, (0,) * len(species)  # no step will be kept; do not trust the count
        return species, tuple(self._counts)

    def _named_elements(self) -> list[str]:
        """Return the elements from where they stand in full.

        The lines ``POTCAR:`` stand at the beginning of the file, and once more each before what is
        said of the pseudopotential, if that is said.
        """
        listed = self._titles.get(b"POTCAR:", [])
        kinds = len(self._counts)
        if len(listed) >= 2 * kinds and listed[:kinds] == listed[kinds : 2 * kinds]:
            listed = listed[:kinds]
        for named in (self._elements, self._titles.get(b"TITEL", []), listed):
            if len(named) >= kinds:
                return named
        return self._elements or listed

    # ------------------------------------------------------------ the pieces

    def _begin(self, line: bytes) -> None:
        match = _ITERATION.search(line)
        if match is None:
            return
        ionic, electronic = match.groups()
        if ionic != self._ionic or electronic == b"1":
            self._ionic = ionic
            self._steps.append(IonicStep(cell=self._cell, after_response=self._linear_response))
        step = self._steps[-1]
        announced = (
            int(electronic) if electronic.isdigit() and len(electronic) < 10 else 0
        )  # asterisks beyond 9999
        step.electronic_steps = max(step.electronic_steps + 1, announced)

    def _current(self) -> IonicStep:
        """Return the step being read; one begins here if no iteration was announced."""
        if not self._steps:
            self._steps.append(IonicStep(cell=self._cell))
        return self._steps[-1]

    def _read_convergence(self, line: bytes) -> None:
        """Read the settings NELM and EDIFF, or what is said at the end of an electronic loop."""
        if b"EDIFF is reached" in line:
            self._current().announced = True
        elif b"EDIFF was not reached" in line:
            self._current().announced = False
        elif match := _NELM.match(line):
            if self._most_electronic_steps is None or b"NELMIN" in line:  # not that of the INCAR
                self._most_electronic_steps = int(match[1])
        elif self._tolerance is None and (match := _EDIFF.match(line)):
            self._tolerance = largest_meant(match[1].decode("ascii", "replace"))

    def _read_change(self, line: bytes) -> None:
        match = _CHANGE.search(line)
        if match is not None:
            try:
                self._current().change = float(match[1])
            except ValueError:  # asterisks: far from converged
                self._current().change = math.inf

    def _read_energy(self, line: bytes) -> None:
        # With two blanks after "free" it is the energy of the ionic step; with one, of an
        # electronic step; with ML, not VASP's.
        name, _, rest = line.partition(b"=")
        if name.strip() != b"free  energy   TOTEN":
            return
        step = self._current()
        try:
            step.energy = float(rest.split()[0])
        except (ValueError, IndexError):
            step.unreadable = True

    def _read_atoms(self, line: bytes) -> None:
        step = self._current()
        machine_learned = b"(ML)" in line
        rows: list[tuple[bytes, ...]] = []
        self._next()  # a line of dashes
        while (text := self._next()) is not None and not text.lstrip().startswith(b"----"):
            match = _ATOM.match(text)
            if match is None:
                step.unreadable = step.unreadable or not machine_learned
            else:
                rows.append(match.groups())
        if machine_learned or step.unreadable or text is None or not rows:
            return
        table = np.array([list(map(float, row)) for row in rows])
        step.positions, step.forces = table[:, :3].copy(), table[:, 3:].copy()

    def _read_cell(self) -> None:
        lines = [self._next() for _ in range(3)]
        rows = [_NINE_DIGITS.findall(line or b"") for line in lines]
        if any(len(row) != 6 for row in rows):
            self._cell = None
            if self._steps and None not in lines:
                self._steps[-1].unreadable = True
        else:
            self._cell = np.array([list(map(float, row[:3])) for row in rows])
        if self._steps:
            self._steps[-1].cell = self._cell

    def _read_stress(self, line: bytes) -> None:
        if b"ML" in line:
            return
        step = self._current()
        while (text := self._next()) is not None:
            if text.startswith((b"  Total ", b"  Total-")):
                break
            if b"in kB" in text:
                return
        values = _FIVE_DIGITS.findall(text or b"")
        if len(values) == 6:
            virial = np.array(list(map(float, values)))[_VOIGT_FROM_VASP]
            self._virials.append((step, virial))
        elif text is not None:
            step.unreadable = True

    def _convert_virials(self) -> None:
        """Divide by the volume at the end: the cell of a step stands after its virial."""
        for step, virial in self._virials:
            if step.cell is None:
                continue  # the step cannot be used
            volume = cell_volume(step.cell)
            if volume > 0:
                step.stress = plus_stress_to_stress(virial, volume)
            else:
                step.unreadable = True

    def _read_element(self, line: bytes) -> None:
        match = _ELEMENT.search(line)
        symbol = None if match is None else element_of_symbol(match[1].decode())
        if symbol is None:
            raise FileFormatError(
                self._path, f"VRHFIN names no element: {line[:60]!r}", line=self._line
            )
        self._elements.append(symbol)

    def _read_title(self, line: bytes) -> None:
        match = _TITLE.match(line)
        if match is None:
            return
        symbol = element_of_title(match[2].decode("ascii", "replace"))
        if symbol is not None:
            self._titles.setdefault(match[1], []).append(symbol)

    def _read_counts(self, line: bytes) -> None:
        words = line.partition(b"=")[2].split()
        if not words or not all(word.isdigit() and len(word) < 10 for word in words):
            raise FileFormatError(
                self._path, "expected whole numbers after ions per type =", line=self._line
            )
        self._counts = [int(word) for word in words]

    def _next(self) -> bytes | None:
        self._line, line = next(self._lines, (self._line, None))
        return line
