"""PySCF: molecules in Gaussian basis sets, inside Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.labelling.codes.in_process import InProcess, require
from maxvolt.labelling.codes.molecules import charge_of, require_molecule, unpaired_electrons
from maxvolt.labelling.codes.protocol import MisconfiguredError, merged, refuse_unknown

__all__ = ["METHODS", "PYSCF", "PySCF"]

METHODS = ("dft", "hf", "mp2", "ccsd")

_DEFAULTS: Mapping[str, Any] = {
    "method": "dft",
    "xc": "PBE0",
    "basis": "def2-TZVP",
    "density_fit": False,
    "grid_level": 3,
    "conv_tol": 1e-10,
    "max_cycle": 100,
    "unrestricted": False,
}
_OPTIONAL = ("charge", "spin", "dispersion", "ecp", "max_memory")
_DFT = ("xc", "grid_level", "dispersion")


class PySCF(InProcess):
    """``settings``: ``method``, ``xc``, ``basis``, ``charge``, ``spin`` ...; see the page on PySCF.

    The default is PBE0 / def2-TZVP, converged to 1e-10 Hartree, with integration grids of level 3
    whose movement with the atoms is part of the forces.
    """

    name = "pyscf"

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults; those of DFT for DFT only."""
        complete = merged(_DEFAULTS, settings)
        if complete.get("method") != "dft":
            for name in _DFT:
                if name not in settings:
                    complete.pop(name, None)
        return complete

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse settings there are not, a method that is not known, a basis without an element."""
        _check_names(settings)
        require("pyscf", self.name)
        from maxvolt.labelling.codes.pyscf_calculation import check_basis

        check_basis(settings["basis"], symbols)

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Import PySCF."""
        require("pyscf", self.name)

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Calculate in this process; what PySCF prints goes to ``pyscf.txt``."""
        from maxvolt.labelling.codes.pyscf_calculation import energy_and_forces

        require_molecule(atoms, "pyscf", "cp2k, gpaw or espresso")
        charge = charge_of(atoms, settings.get("charge"))
        spin = unpaired_electrons(atoms, charge, settings.get("spin"))
        return energy_and_forces(atoms, charge, spin, settings, folder / "pyscf.txt")


PYSCF = PySCF()
"""PySCF for molecules."""


def _check_names(settings: Mapping[str, Any]) -> None:
    refuse_unknown(PYSCF.name, settings, (*_DEFAULTS, *_OPTIONAL))
    method = settings["method"]
    if method not in METHODS:
        raise MisconfiguredError(f"the method is {method!r}; expected one of {', '.join(METHODS)}")
    useless = [name for name in _DFT if name in settings]
    if method != "dft" and useless:
        raise MisconfiguredError(
            f"{', '.join(useless)} has no meaning with method = {method!r}; remove it"
        )
