"""CP2K's Quickstep: density-functional theory with Gaussians and plane waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ase import Atoms

from maxvolt.labelling.codes.cp2k_data import check_data
from maxvolt.labelling.codes.cp2k_input import cp2k_input
from maxvolt.labelling.codes.cp2k_output import read_cp2k_output
from maxvolt.labelling.codes.programs import ProgramCode, configured
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnfinishedError,
    merged,
    refuse_unknown,
)

__all__ = ["CP2K", "Cp2k"]

_DEFAULTS: Mapping[str, Any] = {
    "xc": "PBE",
    "basis_set": "DZVP-MOLOPT-SR-GTH",
    "basis_set_file": "BASIS_MOLOPT",
    "pseudo_potential": "auto",
    "potential_file": "GTH_POTENTIALS",
    "cutoff": 8163.4,
    "rel_cutoff": 816.34,
    "kpts": {"density": 4.0, "gamma": True},
    "scf": "diagonalization",
    "smearing": 0.2,
    "eps_scf": 1e-7,
    "max_scf": 100,
    "uks": False,
}
_OPTIONAL = ("charge", "multiplicity", "inp")
_SOLVERS = ("diagonalization", "ot")
_OF_DIAGONALIZATION = ("kpts", "smearing")
_INPUT = "cp2k.inp"


class Cp2k(ProgramCode):
    """``settings`` are those of ASE's CP2K, and ``kpts``, ``smearing``, ``scf``, ``rel_cutoff``.

    The defaults are for metals and insulators: PBE, DZVP-MOLOPT-SR-GTH, 600 and 60 Ry, k-points of
    density 4 Angstrom, Fermi-Dirac smearing of 0.2 eV. ``scf = "ot"`` is the faster way for large
    cells with a gap. ``machine``: ``command`` ("cp2k.psmp").
    """

    name = "cp2k"
    machine_keys = frozenset({"command"})
    output = "cp2k.out"
    errors = "cp2k.err"
    complaints: tuple[str, ...] = (errors, output)
    alternatives: ClassVar = ()

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults; orbital transformation has neither k-points nor smearing."""
        complete = merged(_DEFAULTS, settings)
        if complete.get("scf") == "ot":
            for name in _OF_DIAGONALIZATION:
                if name not in settings:
                    complete.pop(name, None)
        return complete

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse settings there are not; each element needs a basis set and a pseudopotential."""
        refuse_unknown(
            self.name,
            settings,
            (*_DEFAULTS, *_OPTIONAL),
            ", and inp, a template of the input, takes everything else",
        )
        if settings["scf"] not in _SOLVERS:
            raise MisconfiguredError(
                f"scf is {settings['scf']!r}; expected {' or '.join(_SOLVERS)}"
            )
        useless = [name for name in _OF_DIAGONALIZATION if name in settings]
        if settings["scf"] == "ot" and useless:
            raise MisconfiguredError(
                f'{", ".join(useless)} cannot go with scf = "ot", which takes the Gamma '
                'point and full occupations; remove it, or take scf = "diagonalization"'
            )
        check_data(settings, machine, symbols)

    def command(self, machine: Mapping[str, Any]) -> str:
        """Return ``cp2k.psmp`` or what is configured."""
        return str(machine.get("command") or configured("cp2k", "command") or "cp2k.psmp")

    def arguments(self, machine: Mapping[str, Any]) -> str:
        """Return a line for the shell."""
        return f"{self.command(machine)} -i {_INPUT}"

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``cp2k.inp`` and ``run.sh``."""
        (folder / _INPUT).write_text(cp2k_input(atoms, settings))
        self.write_run_script(folder, self.arguments(machine), machine)

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Read ``cp2k.out``. CP2K's total energy is the free energy, -TS included."""
        path = folder / self.output
        if not path.is_file():
            raise UnfinishedError(f"there is no {path.name}")
        return read_cp2k_output(path, atoms)


CP2K = Cp2k()
