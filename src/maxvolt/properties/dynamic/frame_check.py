"""Frames of a simulation, checked against a reference calculator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.files import make_folder, replacing
from maxvolt.properties.dynamic.keeping import Keeping

__all__ = ["FrameErrors", "asked_reference", "check_frames"]

_NAME = "reference frames"


@dataclass(frozen=True, slots=True, eq=False)
class FrameErrors:
    """How far a calculator is from the reference, frame by frame, k of them.

    Attributes
    ----------
    energies : shape (k,), eV/atom
        Of the calculator minus those of the reference, without their mean: the zero of energy is
        free.
    forces : shape (k,), eV/Angstrom
        Root mean square difference of the components.
    size : eV/Angstrom
        Root mean square component of the forces of the reference.
    """

    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    size: float


def check_frames(
    calculator: Any, reference: Any, frames: Sequence[Atoms], keeping: Keeping, purpose: str
) -> FrameErrors:
    """Compare energies and forces of frames.

    What the reference says of a frame is kept, if anything is.

    Parameters
    ----------
    calculator, reference
        ASE calculators.
    frames
        Structures.
    keeping
        Where is kept.
    purpose
        What is computed, for messages.

    Raises
    ------
    MaxvoltError
        The reference fails.
    """
    energies, forces, sizes = [], [], []
    for k, frame in enumerate(frames):
        if keeping.progress is not None:
            keeping.progress(_NAME, k, len(frames))
        known_energy, known_forces = asked_reference(reference, frame, keeping.folder, purpose)
        own = frame.copy()
        own.calc = calculator
        energies.append((float(own.get_potential_energy()) - known_energy) / len(frame))
        forces.append(float(np.sqrt(np.mean((own.get_forces() - known_forces) ** 2))))
        sizes.append(float(np.mean(known_forces**2)))
    if keeping.progress is not None:
        keeping.progress(_NAME, len(frames), len(frames))
    differences = np.array(energies)
    return FrameErrors(
        differences - differences.mean(), np.array(forces), float(np.sqrt(np.mean(sizes)))
    )


def asked_reference(
    reference: Any, frame: Atoms, folder: Path | None, purpose: str
) -> tuple[float, NDArray[np.float64]]:
    """Ask a reference for energy and forces, unless they are kept.

    Parameters
    ----------
    reference
        ASE calculator.
    frame
        A structure.
    folder
        Where answers are kept; None: nowhere.
    purpose
        What is computed, for messages.

    Returns
    -------
    energy : eV
    forces : shape (N, 3), eV/Angstrom

    Raises
    ------
    MaxvoltError
        The reference fails, or what is kept is damaged.
    """
    path = None if folder is None else folder / f"frame-{_digest(reference, frame)}.json"
    if path is not None and path.is_file():
        try:
            document = json.loads(path.read_bytes())
            return float(document["energy"]), np.array(document["forces"], float)
        except (ValueError, KeyError, TypeError) as error:
            raise MaxvoltError(
                f"{path}: is no kept frame ({error}); remove it, and it is calculated again"
            ) from error
    asked = frame.copy()
    asked.calc = reference
    try:
        energy, forces = float(asked.get_potential_energy()), asked.get_forces()
    except MaxvoltError:
        raise
    except Exception as error:
        raise MaxvoltError(
            f"{purpose}: the reference fails on a frame: {type(error).__name__}: {error}"
        ) from error
    if path is not None:
        make_folder(path.parent)
        with replacing(path) as file:
            document = {"energy": energy, "forces": forces.tolist()}
            file.write(json.dumps(document).encode())
    return energy, np.asarray(forces)


def _digest(reference: Any, frame: Atoms) -> str:
    """Of a frame, and of the reference as far as it says what it is."""
    potential, code = getattr(reference, "potential", None), getattr(reference, "reference", None)
    if potential is not None:
        name = str(potential.digest)
    elif code is not None:
        settings = json.dumps(code.complete_settings, sort_keys=True, default=str)
        name = f"{code.calculator} {settings}"
    else:
        name = f"{type(reference).__qualname__} {getattr(reference, 'parameters', '')}"
    content = sha256(name.encode())
    for array in (frame.numbers, frame.positions, frame.cell.array):
        content.update((np.round(array, 8) + 0.0).tobytes())
    return content.hexdigest()[:24]
