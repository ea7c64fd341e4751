"""Gaussian: molecules, through ASE's input and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.io import read, write

from maxvolt.labelling.codes.molecules import charge_of, require_molecule, unpaired_electrons
from maxvolt.labelling.codes.programs import ProgramCode, configured, output_text
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    UnfinishedError,
    merged,
)
from maxvolt.processors import core_count

__all__ = ["GAUSSIAN", "Gaussian"]

_DEFAULTS: Mapping[str, Any] = {
    "xc": "PBE0",
    "basis": "def2TZVP",
    "scf": "tight,xqc",
    "integral": "ultrafine",
    "nosymm": "",
}
_RESOURCES = ("mem", "nprocshared")
_MOVES = ("opt", "irc", "freq", "scan", "bomd", "admp")
_INPUT = "gaussian.com"
_DONE = "Normal termination of Gaussian"
_UNCONVERGED = "Convergence failure -- run terminated"
_FAR = 1e-4
"""How far the printed positions may be from those of the structure, Angstrom: six digits."""


class Gaussian(ProgramCode):
    """``settings`` are ASE's keywords; what ASE does not know goes into the route.

    The default is PBE0 / def2-TZVP with tight convergence and ultrafine grids, and ``nosymm``, so
    that the program does not turn the molecule. ``machine``: ``command`` ("g16"), ``mem`` and
    ``nprocshared``.
    """

    name = "gaussian"
    machine_keys = frozenset({"command", *_RESOURCES})
    output = "gaussian.log"
    errors = "gaussian.err"
    complaints: tuple[str, ...] = (errors, output)
    alternatives: ClassVar = (
        frozenset({"xc", "method"}),
        frozenset({"basis", "basis_set", "basisfile"}),
    )

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        return merged(_DEFAULTS, settings, self.alternatives)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse what moves or turns the atoms, and what belongs to the machine."""
        given = {name.lower() for name in settings}
        if moves := sorted(given & set(_MOVES)):
            raise MisconfiguredError(
                f"{', '.join(moves)} asks for more than energy and forces of the "
                "structure; remove it from the settings"
            )
        if resources := sorted(given & set(_RESOURCES)):
            raise MisconfiguredError(
                f"{', '.join(resources)} changes no result; give it under [machine]"
            )
        if "nosymm" not in given:
            raise MisconfiguredError(
                "without nosymm the program turns the molecule, and its forces are those "
                "of another orientation; leave it in the settings"
            )

    def command(self, machine: Mapping[str, Any]) -> str:
        """Return ``g16`` or what is configured."""
        return str(machine.get("command") or configured("gaussian", "command") or "g16")

    def arguments(self, machine: Mapping[str, Any]) -> str:
        """Return a line for the shell."""
        return f"{self.command(machine)} < {_INPUT}"

    def processes(self, machine: Mapping[str, Any]) -> int | None:
        """One calculation per core, or as many as fit with ``nprocshared`` cores each."""
        if "nprocshared" in machine:
            return max(1, core_count() // int(machine["nprocshared"]))
        return super().processes(machine)

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``gaussian.com`` and ``run.sh``."""
        require_molecule(atoms, "gaussian", "cp2k, vasp or espresso")
        charge = charge_of(atoms, settings.get("charge"))
        multiplicity = settings.get("mult")
        if multiplicity is None:
            multiplicity = unpaired_electrons(atoms, charge, None) + 1
        resources = {name: machine[name] for name in _RESOURCES if name in machine}
        parameters = {**settings, **resources, "charge": charge, "mult": multiplicity}
        write(
            folder / _INPUT,
            Atoms(atoms.symbols, atoms.positions),
            format="gaussian-in",
            properties=["energy", "forces"],
            **parameters,
        )
        self.write_run_script(folder, self.arguments(machine), machine)

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Read ``gaussian.log``: the energy of the method, and the forces."""
        path = folder / self.output
        text = output_text(path)
        # With xqc a first attempt may fail and the second one converge.
        if _DONE not in text:
            if _UNCONVERGED in text:
                raise UnconvergedError(_UNCONVERGED)
            raise UnfinishedError(f"{path.name} does not say {_DONE!r}")
        found = read(path, index=-1, format="gaussian-out")
        assert isinstance(found, Atoms)  # an index was given
        _check_same(atoms, found)
        results = found.calc.results
        if "forces" not in results or results.get("energy") is None:
            raise RuntimeError(f"{path.name}: no energy and forces")
        return {"energy": results["energy"], "forces": results["forces"]}


GAUSSIAN = Gaussian()


def _check_same(expected: Atoms, found: Atoms) -> None:
    """Refuse the output of another molecule, or of a turned one."""
    if not np.array_equal(expected.numbers, found.numbers):
        raise RuntimeError(
            f"the output is about {found.get_chemical_formula()}; "
            f"expected {expected.get_chemical_formula()}"
        )
    far = np.abs(found.positions - expected.positions).max()
    if far > _FAR:
        raise RuntimeError(f"the output is about another geometry, or a turned one: {far:.3g} A")
