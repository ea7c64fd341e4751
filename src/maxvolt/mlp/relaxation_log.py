"""The log of relaxations, with the lines that MLIP writes at the beginning and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.relaxation import End
from maxvolt.mlp.type_distances import shortest, shortest_by_types
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["log_of"]


def log_of(ends: Mapping[int, End], pressure: float) -> str:
    """Say how each relaxation ended.

    Parameters
    ----------
    ends
        By the number of the configuration, from 0.
    pressure : GPa
    """
    lines: list[str] = []
    for number, end in ends.items():
        lines += _lines(number + 1, end, pressure)
    return "".join(f"{line}\n" for line in lines)


def _lines(number: int, end: End, pressure: float) -> Sequence[str]:
    begin = f"Relaxation: starting relaxation cfg#{number}"
    if end.message or end.configuration is None:
        return [begin, f"Relaxation of cfg#{number} failed: {end.message}", ""]
    last = _state(number, end, end.configuration, pressure)
    return [begin, last, f"Relaxation of cfg#{number} completed successfully", ""]


def _state(number: int, end: End, one: CfgConfiguration, pressure: float) -> str:
    """Steps, shortest distance, energy per atom, enthalpy, largest force and stress."""
    words = [f"cfg {number}", f"itr {end.steps}", f" md {shortest(shortest_by_types(one)):.6g}"]
    if one.energy is not None and one.forces is not None:
        work = pressure / GPA_PER_EV_A3 * one.volume
        force = float(np.linalg.norm(one.forces, axis=1).max())
        words += [f"e/a {one.energy / len(one):.6g}", f"ent {one.energy + work:.6g}"]
        words += [f"frc {force:.6g}"]
    if one.plus_stress is not None and one.volume > 0:
        stress = one.plus_stress / one.volume * GPA_PER_EV_A3
        words += [f"str {float(abs(stress - pressure * np.repeat([1, 0], 3)).max()):.6g}"]
    return "\t".join(words)
