"""Phonon bands, density of states, and what they say of heat."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from ase import Atoms
from ase.cell import Cell
from numpy.typing import NDArray

from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.force_constants import PhononSettings, phonons_of, require_phonopy
from maxvolt.properties.static.resting_cells import resting_cell

__all__ = ["phonons"]

_POINTS = 41
"""Of a path between two points of high symmetry."""

_TEMPERATURE = 300.0
_KJ_PER_MOL = 96.48533212331
"""Of one eV."""

_IMAGINARY = -0.05
"""THz; frequencies above are those of translations, not imaginary."""

Segment = tuple[NDArray[np.float64], str, str]
"""Wave vectors, and the names of both ends."""


def phonons(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: PhononSettings = PhononSettings(),  # noqa: B008 (immutable)
) -> Findings:
    """Compute phonon bands, their density of states and harmonic thermal properties at 300 K.

    By phonopy. The path is that of seekpath where it is installed, else that of ASE. Non-analytic
    terms are left out. Equations (85) to (87).

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Any crystal near equilibrium; it is relaxed first.
    settings
        Size of the cell, displacement, mesh.

    Raises
    ------
    MaxvoltError
        phonopy is not installed, or the crystal did not relax.
    """
    purpose = "phonons"
    require_phonopy(purpose)
    calculator, atoms = system_of(calculator, atoms, purpose)
    crystal = resting_cell(calculator, atoms, purpose)
    found, warnings, notes = phonons_of(calculator, crystal, settings, purpose)
    path, source = _path_of(found.primitive)
    bands, points, lowest = _bands(found, path)
    found.run_mesh([settings.mesh] * 3, is_gamma_center=True)
    found.run_total_dos()
    density = found.total_dos
    labels = ("frequency (THz)", "density of states (1/THz)")
    curves = [
        *bands,
        Curve.of("density of states", density.frequency_points, density.dos, labels),
    ]
    if lowest < _IMAGINARY:
        warnings += (
            f"a frequency is imaginary, down to {lowest:.3g} THz: the crystal is not stable with "
            "this potential, or it extrapolates; look at the bands, and at the largest grade",
        )
    highest = max(max(curve.y) for curve in bands)
    quantities = {
        "highest frequency": Quantity(highest, "THz"),
        "lowest frequency": Quantity(lowest, "THz"),
        **points,
        **_thermal(found),
    }
    notes += (f"path of {source}",)
    return Findings("Phonons", quantities, tuple(curves), warnings, notes)


def _thermal(found: Any) -> dict[str, Quantity]:
    """Of the harmonic crystal, per atom."""
    found.run_thermal_properties(temperatures=[0.0, _TEMPERATURE], exclude_gamma_acoustic=True)
    thermal = found.thermal_properties
    count = len(found.primitive)
    zero, free = (1000 * value / _KJ_PER_MOL / count for value in thermal.free_energy)
    entropy = 1000 * float(thermal.entropy[1]) / (1000 * _KJ_PER_MOL) / count
    return {
        "zero-point energy": Quantity(float(zero), "meV/atom"),
        "free energy at 300 K": Quantity(float(free), "meV/atom"),
        "entropy at 300 K": Quantity(entropy, "meV/K/atom"),
        "heat capacity at 300 K": Quantity(float(thermal.heat_capacity[1]) / count, "J/K/mol"),
    }


def _path_of(primitive: Any) -> tuple[list[Segment], str]:
    """Segments between points of high symmetry of the primitive cell, and who chose them."""
    try:
        import seekpath
    except ImportError:
        return _path_of_ase(primitive), "ASE"
    found = seekpath.get_path_orig_cell(primitive.totuple())
    points = {name: np.array(place) for name, place in found["point_coords"].items()}
    segments = [
        (np.linspace(points[start], points[end], _POINTS), _named(start), _named(end))
        for start, end in found["path"]
    ]
    return segments, "seekpath"


def _path_of_ase(primitive: Any) -> list[Segment]:
    path = Cell(np.asarray(primitive.cell)).bandpath(npoints=0)
    points = path.special_points
    segments: list[Segment] = []
    for part in _parts(path.path):
        for start, end in itertools.pairwise(part):
            line = np.linspace(points[start], points[end], _POINTS)
            segments.append((line, _named(start), _named(end)))
    return segments


def _parts(path: str) -> list[list[str]]:
    """Names of points along each unbroken part; a name may have a number behind its letter."""
    from ase.dft.kpoints import parse_path_string

    return [list(part) for part in parse_path_string(path)]


def _named(name: str) -> str:
    return "Γ" if name.upper() in ("G", "GAMMA") else name.replace("_", "")


def _bands(found: Any, path: list[Segment]) -> tuple[list[Curve], dict[str, Quantity], float]:
    """Curves of all branches, frequencies at points of high symmetry, and the lowest of all."""
    inverse = np.linalg.inv(np.asarray(found.primitive.cell)).T
    begin, before = 0.0, ""
    ticks: list[tuple[float, str]] = []
    curves: list[Curve] = []
    points: dict[str, Quantity] = {}
    lowest = np.inf
    labels = ("wave vector times the cube root of the volume of an atom", "frequency (THz)")
    # So that crystals of different lattice constants have the same points along x.
    length = float(found.primitive.volume / len(found.primitive)) ** (1 / 3)
    few = len(found.primitive) <= 2
    for line, start, end in path:
        frequencies = np.asarray(found.run_qpoints(line).frequencies)
        lowest = min(lowest, float(frequencies.min()))
        steps = length * np.linalg.norm(np.diff(line @ inverse, axis=0), axis=1)
        x = begin + np.concatenate([[0.0], np.cumsum(steps)])
        if not ticks or before != start:
            joined = f"{before}|{start}" if before else start
            ticks = [*ticks[:-1], (begin, joined)] if ticks else [(begin, start)]
        ticks.append((float(x[-1]), end))
        curves += [Curve.of("bands", x, branch, labels) for branch in frequencies.T]
        for name, values in ((start, frequencies[0]), (end, frequencies[-1])):
            if few and name != "Γ" and f"{name} 1" not in points:
                for branch, value in enumerate(values.tolist()):
                    points[f"{name} {branch + 1}"] = Quantity(value, "THz")
        begin, before = float(x[-1]), end
    first = curves[0]
    curves[0] = Curve(first.name, first.x, first.y, *labels, ticks=tuple(ticks))
    return curves, points, lowest
