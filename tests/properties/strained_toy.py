"""A crystal whose stress is linear in the strain, but for a jump where one is asked for."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from maxvolt.units import GPA_PER_EV_A3, VOIGT

JUMP_STRAIN = 0.015


class StrainedToy(Calculator):
    """Energy V0/2 e C e of the strain e against a reference cell, plus jumps of the stress.

    Each normal component beyond `JUMP_STRAIN`, in either direction, adds `jump` (GPa) to its own
    stress, as a neighbour shell does that enters the cutoff.
    """

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, reference, stiffness, jump=0.0):
        super().__init__()
        self.reference = reference.copy()
        self.stiffness = np.asarray(stiffness, dtype=float) / GPA_PER_EV_A3
        self.jump = jump / GPA_PER_EV_A3

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        gradient = np.linalg.solve(self.reference.cell.array, atoms.cell.array)
        tensor = (gradient + gradient.T) / 2 - np.eye(3)
        strain = np.array([tensor[a, b] * (1 if a == b else 2) for a, b in VOIGT])
        beyond = np.maximum(np.abs(strain) - JUMP_STRAIN, 0.0)
        beyond[3:] = 0.0
        density = strain @ self.stiffness @ strain / 2 + self.jump * beyond.sum()
        self.results = {
            "energy": self.reference.get_volume() * density,
            "forces": np.zeros((len(atoms), 3)),
            "stress": self.stiffness @ strain + self.jump * np.sign(strain) * (beyond > 0),
        }


def cubic_stiffness(c11, c12, c44):
    matrix = np.diag([c11 - c12] * 3 + [c44] * 3).astype(float)
    matrix[:3, :3] += c12
    return matrix
