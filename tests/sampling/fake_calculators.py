"""Calculators and a recorder for tests: springs with grades and faults at will; picklable."""

from __future__ import annotations

import json
import os
import pickle

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from maxvolt.sampling import Recorder


class Springs(Calculator):
    """Each atom hangs on a spring; the grade grows with the largest displacement.

    Parameters
    ----------
    home : shape (N, 3), Angstrom
        Where the atoms are at rest; None: where they are at the first call.
    grade
        Grade per Angstrom of the largest displacement; None: there are no grades.
    fault
        "nan" for forces that are NaN, "raise" for an error, "die" for the end of the process, from
        the call `fault_at` on.
    """

    implemented_properties = ("energy", "free_energy", "forces", "stress", "grade")

    def __init__(self, *, home=None, stiffness=1.0, grade=None, fault=None, fault_at=5):
        super().__init__()
        self.home = home
        self.stiffness = stiffness
        self.grade = grade
        self.fault = fault
        self.fault_at = fault_at
        self.calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        if self.home is None:
            self.home = atoms.positions.copy()
        self.calls += 1
        faulty = self.fault is not None and self.calls >= self.fault_at
        if faulty and self.fault == "raise":
            raise RuntimeError("the calculator is out of order")
        if faulty and self.fault == "die":
            os._exit(7)
        away = atoms.positions - self.home
        energy = 0.5 * self.stiffness * float((away**2).sum())
        forces = -self.stiffness * away
        if faulty and self.fault == "nan":
            forces = np.full_like(forces, np.nan)
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": forces,
            "stress": np.zeros(6),
        }
        if self.grade is not None:
            self.results["grade"] = self.grade * float(np.linalg.norm(away, axis=1).max())


def springs():
    return Springs()


def graded_springs():
    return Springs(grade=10.0)


def raising_springs():
    return Springs(fault="raise")


def deadly_springs():
    return Springs(fault="die")


def no_calculator():
    raise RuntimeError("there is no calculator today")


class Notebook(Recorder):
    """Writes what it hears of a part into a file, and its states into another."""

    renew_every = 15

    def __init__(self, folder, scenario):
        self._notes = folder / f"{scenario.name}.{scenario.part}.json"
        self._state = self._notes.with_suffix(".state")
        self._steps = 0
        self._observed = []

    def progress(self, steps):
        self._steps += steps

    def observe(self, step, atoms):
        self._observed.append(step)

    def state(self):
        return pickle.loads(self._state.read_bytes()) if self._state.exists() else None

    def keep(self, state):
        self._state.write_bytes(pickle.dumps(state()))

    def finish(self, result):
        notes = {
            "steps": self._steps,
            "observed": self._observed,
            "steps of the result": result.steps,
            "reason": str(result.reason),
            "process": os.getpid(),
        }
        self._notes.write_text(json.dumps(notes))
