"""Calculators that compute inside Python: EMT, GPAW, and any class by its name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import CalculatorSetupError, PropertyNotImplementedError

from maxvolt.labelling.codes.in_process import InProcess
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    merged,
)

__all__ = ["EMT", "GPAW", "PythonCode", "imported", "results_of"]

_UNCONVERGED = ("ConvergenceError", "SCFError")
"""Ends of the names of the exceptions that say "not converged" (GPAW, Psi4, PySCF's users ...)."""

_IMPORT = """\
import importlib, sys
module, name, *sys.path = sys.argv[1:]
getattr(importlib.import_module(module), name)
"""
_SECONDS = 60.0
"""What importing a class may take before it is no longer waited for."""

_Check = Callable[[Mapping[str, Any], Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class PythonCode(InProcess):
    """A calculator class.

    Parameters
    ----------
    name
        The name it goes by.
    where
        ``module:Class``; the class is called with the settings.
    defaults
        Settings where none are given.
    log
        Setting that takes the name of a file for the calculator's own output, if it has one.
    install
        What to do when the module is not there.
    refuse
        Raises `MisconfiguredError` for settings and elements that the calculator cannot do, where
        the class itself would take them.
    """

    name: str
    where: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    log: str | None = None
    install: str = "is it installed in this environment?"
    refuse: _Check | None = None

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        return merged(self.defaults, settings)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse settings and elements that the calculator cannot do."""
        if self.refuse is not None:
            self.refuse(settings, symbols)

    def try_out(self, machine: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Look whether the class is there, in a process of its own as calculations are.

        It has the paths of this one, as they have. Classes of ASE are imported here: that takes
        no time and does nothing else.
        """
        if self.where.startswith("ase."):
            self._class()
            return
        try:
            _try_import(self.where, tuple(map(str, sys.path)), frozenset(environment.items()))
        except ImportError as error:
            raise self._absent(error) from error

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Import the class."""
        self._class()

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Calculate in this process."""
        atoms = atoms.copy()
        atoms.calc = self._calculator(settings, folder)
        try:
            return results_of(atoms)
        except Exception as error:
            if any(kind.__name__.endswith(_UNCONVERGED) for kind in type(error).__mro__):
                said = str(error) or "the self-consistent field did not converge"
                raise UnconvergedError(said) from error
            raise

    def _calculator(self, settings: Mapping[str, Any], folder: Path) -> Any:
        kind = self._class()
        extra = {} if self.log is None else {self.log: str(folder / f"{self.name}.txt")}
        try:
            return kind(**{**extra, **settings})
        except (TypeError, ImportError, CalculatorSetupError) as error:
            raise MisconfiguredError(
                f"{self.where} does not take these settings ({type(error).__name__}: {error})"
            ) from error

    def _class(self) -> Any:
        module, _, name = self.where.partition(":")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise self._absent(error) from error

    def _absent(self, why: object) -> MisconfiguredError:
        return MisconfiguredError(f"cannot import {self.where}: {why}; {self.install}")


@cache
def _try_import(where: str, paths: Sequence[str], variables: frozenset[tuple[str, str]]) -> None:
    """Import a class in a process of its own; once for each, unless it fails.

    Raises
    ------
    ImportError
        It cannot be imported.
    """
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _IMPORT, *where.split(":"), *paths],
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return  # it is slow; calculations say what is wrong with it, if anything is
    if tried.returncode:
        said = tried.stderr.decode(errors="replace").strip().splitlines()
        raise ImportError(said[-1] if said else f"exit code {tried.returncode}")


def imported(where: str) -> PythonCode:
    """Return the code for a class given as ``module:Class``."""
    return PythonCode(name=where, where=where)


def results_of(atoms: Atoms) -> dict[str, Any]:
    """Return what a calculator says of the structure it is attached to."""
    results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
    results["free_energy"] = _if_implemented(
        lambda: atoms.get_potential_energy(force_consistent=True)
    )
    if atoms.pbc.all() and atoms.cell.rank == 3:
        results["stress"] = _if_implemented(atoms.get_stress)
    if getattr(atoms.calc, "converged", None) is False:
        raise UnconvergedError("the calculator says that it did not converge")
    return results


def _if_implemented(compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except (PropertyNotImplementedError, NotImplementedError):
        return None


def _check_emt(settings: Mapping[str, Any], symbols: Sequence[str]) -> None:
    from ase.calculators.emt import EMT, parameters

    unknown = sorted(set(settings) - set(EMT.default_parameters))
    if unknown:
        raise MisconfiguredError(
            f"EMT has no setting {', '.join(unknown)}; it knows {', '.join(EMT.default_parameters)}"
        )
    foreign = [symbol for symbol in symbols if symbol not in parameters]
    if foreign:
        raise MisconfiguredError(
            f"EMT has no parameters for {', '.join(foreign)}; it knows {', '.join(parameters)}"
        )


EMT = PythonCode("emt", "ase.calculators.emt:EMT", refuse=_check_emt)
"""ASE's effective-medium theory: a stand-in for a quantum-mechanical code that runs anywhere."""

GPAW = PythonCode(
    "gpaw",
    "gpaw:GPAW",
    defaults={
        "mode": {"name": "pw", "ecut": 400.0},
        "xc": "PBE",
        "kpts": {"density": 5.0, "gamma": True},
        "occupations": {"name": "fermi-dirac", "width": 0.2},
        "convergence": {"density": 1e-5},
        "maxiter": 150,
    },
    log="txt",
    install="install it with: pip install maxvolt[gpaw]",
)
"""GPAW with plane waves."""
