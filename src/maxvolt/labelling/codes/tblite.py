"""Extended tight binding (xTB) with tblite, inside Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import CalculationFailed, InputError

from maxvolt.labelling.codes.in_process import InProcess, require
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    merged,
    refuse_unknown,
)
from maxvolt.labelling.codes.python import results_of

__all__ = ["METHODS", "TBLITE", "TBlite"]

METHODS = ("auto", "GFN2-xTB", "GFN1-xTB", "IPEA1-xTB")

_DEFAULTS: Mapping[str, Any] = {
    "method": "auto",
    "accuracy": 0.1,
    "electronic_temperature": 300.0,
    "max_iterations": 250,
}
_OPTIONAL = (
    "charge",
    "multiplicity",
    "mixer_damping",
    "spin_polarization",
    "solvation",
    "electric_field",
)
_UNCONVERGED = "not converged"


class TBlite(InProcess):
    """``settings`` are those of tblite's ASE calculator.

    ``method`` is by default GFN2-xTB for molecules and GFN1-xTB for what is periodic; what the
    energy is counted from differs between the two.
    """

    name = "tblite"

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        return merged(_DEFAULTS, settings)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse settings and methods there are not."""
        refuse_unknown(self.name, settings, (*_DEFAULTS, *_OPTIONAL))
        if settings["method"] not in METHODS:
            raise MisconfiguredError(
                f"the method is {settings['method']!r}; expected one of {', '.join(METHODS)}"
            )

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Import tblite."""
        require("tblite.ase", self.name)

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Calculate in this process. The energy is the free energy, -TS included."""
        from tblite.ase import TBLite

        method = settings["method"]
        if method == "auto":
            method = "GFN1-xTB" if atoms.pbc.any() else "GFN2-xTB"
        atoms = atoms.copy()
        atoms.calc = TBLite(**{**settings, "method": method, "verbosity": 0})
        try:
            return results_of(atoms)
        except InputError as error:
            raise MisconfiguredError(f"{error}") from error
        except CalculationFailed as error:
            if _UNCONVERGED in str(error):
                raise UnconvergedError(str(error)) from error
            raise


TBLITE = TBlite()
"""xTB for molecules and crystals."""
