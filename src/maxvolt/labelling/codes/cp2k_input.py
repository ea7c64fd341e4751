"""The input of CP2K for energy, forces and stress of one structure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import kpts2sizeandoffsets
from ase.calculators.cp2k import InputSection, parse_input
from ase.dft.kpoints import monkhorst_pack
from ase.units import kB

from maxvolt.labelling.codes.cp2k_data import name_of, pseudopotential_of
from maxvolt.labelling.codes.molecules import charge_of
from maxvolt.labelling.codes.protocol import MisconfiguredError

__all__ = ["cp2k_input"]

_VACUUM = 6.0
"""Around a molecule on each side, Angstrom."""

_DFT = "FORCE_EVAL/DFT"


def cp2k_input(atoms: Atoms, settings: Mapping[str, Any]) -> str:
    """Return the input; what the template ``inp`` of the settings says, stays.

    Raises
    ------
    MisconfiguredError
        The structure is periodic in one or two directions.
    """
    if atoms.pbc.any() and not atoms.pbc.all():
        raise MisconfiguredError(
            "cp2k calculates here what is periodic in three directions or in none; make a surface "
            "or a wire periodic in all of them, with vacuum in its cell"
        )
    root = parse_input(settings.get("inp", ""))
    _add_task(root, periodic=bool(atoms.pbc.all()))
    _add_method(root, settings)
    if charge := charge_of(atoms, settings.get("charge")):
        _add(root, _DFT, f"CHARGE {charge}")
    _add_scf(root, settings)
    if atoms.pbc.all() and settings.get("kpts") is not None:
        _add_kpoints(root, atoms, settings["kpts"])
    _add_structure(root, atoms, settings)
    return "\n".join([*root.write(), ""])


def _add(root: InputSection, path: str, *lines: str) -> None:
    """Add keywords to a section, but for those that are there."""
    section = root.get_subsection(path)
    there = {line.split()[0].upper() for line in section.keywords}
    section.keywords += [line for line in lines if line.split()[0].upper() not in there]


def _switch_on(root: InputSection, path: str) -> None:
    section = root.get_subsection(path)
    if section.params is None:
        section.params = "ON"


def _add_task(root: InputSection, *, periodic: bool) -> None:
    _add(root, "GLOBAL", "PROJECT maxvolt", "RUN_TYPE ENERGY_FORCE", "PRINT_LEVEL LOW")
    _add(root, "FORCE_EVAL", "METHOD QUICKSTEP")
    _switch_on(root, "FORCE_EVAL/PRINT/FORCES")
    _add(root, "FORCE_EVAL/PRINT/FORCES", "NDIGITS 12")
    if periodic:
        _add(root, "FORCE_EVAL", "STRESS_TENSOR ANALYTICAL")
        _switch_on(root, "FORCE_EVAL/PRINT/STRESS_TENSOR")
    else:
        _add(root, f"{_DFT}/POISSON", "PERIODIC NONE", "POISSON_SOLVER WAVELET")


def _add_method(root: InputSection, settings: Mapping[str, Any]) -> None:
    files = settings["basis_set_file"]
    dft = root.get_subsection(_DFT)
    if not any(line.upper().startswith("BASIS_SET_FILE_NAME") for line in dft.keywords):
        names = [files] if isinstance(files, str) else files
        dft.keywords += [f"BASIS_SET_FILE_NAME {name}" for name in names]
    _add(root, _DFT, f"POTENTIAL_FILE_NAME {settings['potential_file']}")
    _add(
        root,
        f"{_DFT}/MGRID",
        f"CUTOFF [eV] {settings['cutoff']:.12g}",
        f"REL_CUTOFF [eV] {settings['rel_cutoff']:.12g}",
    )
    _add(root, f"{_DFT}/QS", "EPS_DEFAULT 1.0E-12")
    functional = root.get_subsection(f"{_DFT}/XC/XC_FUNCTIONAL")
    if functional.params is None and not functional.subsections:
        for name in settings["xc"].upper().replace("LDA", "PADE").split():
            functional.subsections.append(InputSection(name.removeprefix("XC_")))
    if settings["uks"]:
        _add(root, _DFT, "UKS ON")
    if settings.get("multiplicity") is not None:
        _add(root, _DFT, f"MULTIPLICITY {settings['multiplicity']}")


def _add_scf(root: InputSection, settings: Mapping[str, Any]) -> None:
    path = f"{_DFT}/SCF"
    _add(root, path, f"EPS_SCF {settings['eps_scf']:.6g}")
    if settings["scf"] == "ot":
        inner = min(20, settings["max_scf"])
        _add(root, path, f"MAX_SCF {inner}")
        _switch_on(root, f"{path}/OT")
        _add(root, f"{path}/OT", "PRECONDITIONER FULL_ALL", "MINIMIZER DIIS")
        _switch_on(root, f"{path}/OUTER_SCF")
        outer = max(settings["max_scf"] // inner - 1, 0)
        _add(
            root,
            f"{path}/OUTER_SCF",
            f"MAX_SCF {outer}",
            f"EPS_SCF {settings['eps_scf']:.6g}",
        )
        return
    _add(root, path, f"MAX_SCF {settings['max_scf']}")
    _switch_on(root, f"{path}/DIAGONALIZATION")
    _add(root, f"{path}/DIAGONALIZATION", "ALGORITHM STANDARD")
    _switch_on(root, f"{path}/MIXING")
    _add(root, f"{path}/MIXING", "METHOD BROYDEN_MIXING", "ALPHA 0.2", "NBROYDEN 8")
    if settings.get("smearing"):
        _add(root, path, "ADDED_MOS -1")
        _switch_on(root, f"{path}/SMEAR")
        kelvin = settings["smearing"] / kB
        _add(
            root,
            f"{path}/SMEAR",
            "METHOD FERMI_DIRAC",
            f"ELECTRONIC_TEMPERATURE [K] {kelvin:.10g}",
        )


def _add_kpoints(root: InputSection, atoms: Atoms, kpts: Mapping[str, Any] | list[int]) -> None:
    """Add the points one by one: even meshes with the Gamma point have no name of their own."""
    given = kpts if isinstance(kpts, Mapping) else {"size": kpts}
    size, offsets = kpts2sizeandoffsets(atoms=atoms, **given)
    if tuple(size) == (1, 1, 1) and not np.any(offsets):
        return  # the real code of the Gamma point, which is faster
    section = root.get_subsection(f"{_DFT}/KPOINTS")
    if section.keywords:
        return
    section.keywords += ["SCHEME GENERAL", "UNITS B_VECTOR", "SYMMETRY OFF"]
    for point, weight in _halved(monkhorst_pack(size) + offsets):
        coordinates = " ".join(f"{value:.12f}" for value in point)
        section.keywords.append(f"KPOINT {coordinates} {weight}")


def _halved(points: np.ndarray[Any, np.dtype[np.float64]]) -> list[tuple[tuple[float, ...], int]]:
    """Return one point of each pair k and -k, with the number of those it stands for."""
    weights: dict[tuple[float, ...], int] = {}
    for point in points:
        # Into [-1/2, 1/2), so that points that differ by a reciprocal vector are the same.
        own, opposite = (
            tuple(float(value) for value in np.round((side + 0.5) % 1.0 - 0.5, 9) + 0.0)
            for side in (point, -point)
        )
        same = opposite if opposite in weights else own
        weights[same] = weights.get(same, 0) + 1
    return list(weights.items())


def _add_structure(root: InputSection, atoms: Atoms, settings: Mapping[str, Any]) -> None:
    positions, cell = atoms.positions, atoms.cell.array
    if not atoms.pbc.all():
        # The solver for what is not periodic (wavelets) takes cubes only.
        cell = np.diag([np.ptp(positions, axis=0).max() + 2 * _VACUUM] * 3)
        positions = positions - positions.min(axis=0) + _VACUUM
    subsystem = root.get_subsection("FORCE_EVAL/SUBSYS")
    box = root.get_subsection("FORCE_EVAL/SUBSYS/CELL")
    box.keywords = [
        f"{name} " + " ".join(f"{value:.12f}" for value in vector)
        for name, vector in zip("ABC", cell, strict=True)
    ]
    box.keywords.append("PERIODIC XYZ" if atoms.pbc.all() else "PERIODIC NONE")
    kinds = _kinds(atoms, polarized=bool(settings["uks"]))
    root.get_subsection("FORCE_EVAL/SUBSYS/COORD").keywords = [
        f"{kind} " + " ".join(f"{value:.12f}" for value in position)
        for kind, position in zip(kinds, positions, strict=True)
    ]
    there = {part.params for part in subsystem.subsections if part.name == "KIND"}
    moments = atoms.get_initial_magnetic_moments()
    for kind, index in {kind: index for index, kind in enumerate(kinds)}.items():
        if kind in there:
            continue
        symbol = atoms.symbols[index]
        section = InputSection("KIND", kind)
        section.keywords = [
            f"ELEMENT {symbol}",
            f"BASIS_SET {name_of(settings['basis_set'], symbol, 'basis_set')}",
            f"POTENTIAL {pseudopotential_of(settings, symbol)}",
        ]
        if settings["uks"] and moments[index]:
            section.keywords.append(f"MAGNETIZATION {moments[index]:g}")
        subsystem.subsections.append(section)


def _kinds(atoms: Atoms, *, polarized: bool) -> list[str]:
    """Return the kind of each atom: its symbol; with moments, a number for each of them."""
    moments = np.round(atoms.get_initial_magnetic_moments(), 6)
    if not (polarized and moments.any()):
        return [str(symbol) for symbol in atoms.symbols]
    order = {value: index for index, value in enumerate(sorted(set(moments.tolist())), start=1)}
    return [
        f"{symbol}{order[moment]}"
        for symbol, moment in zip(atoms.symbols, moments.tolist(), strict=True)
    ]
