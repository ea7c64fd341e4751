"""ABINIT, through ASE's input and output."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ase import Atoms
from ase.calculators.abinit import AbinitProfile, AbinitTemplate
from ase.data import atomic_numbers
from ase.io.abinit import get_ppp_list

from maxvolt.labelling.codes.programs import ProgramCode, configured, output_text
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    UnfinishedError,
    merged,
)

__all__ = ["ABINIT", "Abinit"]

_DEFAULTS: Mapping[str, Any] = {
    "xc": "PBE",
    "pps": "psp8",
    "ecut": 1000.0,
    "kpts": 4.0,
    "occopt": 7,
    "tsmear": 0.1,
    "tolvrs": 1e-10,
    "nstep": 100,
    "chksymbreak": 0,
    "chksymtnons": 0,
    "prtden": 0,
    "prtwf": 0,
    "prteig": 1,
}
_PROPERTIES = ("energy", "forces", "stress")
_DEBIAN = Path("/usr/share/abinit/psp")
_TEXT = "abinit.abo"
_TEMPLATE = AbinitTemplate()
_DONE = "Calculation completed."


class Abinit(ProgramCode):
    """``settings`` are ASE's keywords and ABINIT's variables; ``ecut`` and ``tsmear`` in eV.

    The defaults are sensible for metals and norm-conserving potentials: 1000 eV, Gaussian smearing
    of 0.1 eV, k-points of density 4 Angstrom. ``machine``: ``command`` ("abinit") and ``pp_paths``,
    a list of folders (else ASE's configuration, $ABINIT_PP_PATH or Debian's folder).
    """

    name = "abinit"
    machine_keys = frozenset({"command", "pp_paths"})
    output = _TEMPLATE.outputname
    errors = _TEMPLATE.errorname
    complaints: tuple[str, ...] = (output, errors)
    alternatives: ClassVar = (
        frozenset({"kpts", "ngkpt", "kptrlatt", "kptrlen"}),
        frozenset({"occopt", "smearing"}),
        frozenset({"tsmear", "smearing"}),
        frozenset({"tolvrs", "toldfe", "toldff", "tolrff", "tolwfr"}),
    )

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        return merged(_DEFAULTS, settings, self.alternatives)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Each element needs a pseudopotential of the kind ``pps``."""
        paths = _pp_paths(machine)
        for symbol in symbols:
            try:
                get_ppp_list(
                    None, [atomic_numbers[symbol]], True, settings["xc"], settings["pps"], paths
                )
            except RuntimeError as error:
                raise MisconfiguredError(
                    f"no pseudopotential of kind {settings['pps']} for {symbol} in "
                    f'{", ".join(paths)}; give the folders as "pp_paths" under [machine]'
                ) from error

    def command(self, machine: Mapping[str, Any]) -> str:
        """Return ``abinit`` or what is configured."""
        return str(machine.get("command") or configured("abinit", "command") or "abinit")

    def arguments(self, machine: Mapping[str, Any]) -> list[str]:
        """Return the words of the command."""
        return list(AbinitProfile(self.command(machine)).get_command(_TEMPLATE.inputname))

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``abinit.in`` and ``run.sh``."""
        profile = AbinitProfile(self.command(machine), pp_paths=_pp_paths(machine))
        _TEMPLATE.write_input(profile, folder, atoms, dict(settings), _PROPERTIES)
        self.write_run_script(folder, f"{self.command(machine)} {_TEMPLATE.inputname}", machine)

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Read ``abinit.abo``. ABINIT's total energy is the free energy, -TS included."""
        path = folder / _TEXT
        text = output_text(path)
        # ASE looks for this in small letters only, which not all versions print.
        stopped = re.search(r"nstep= *\d+ was not enough scf cycles", text, re.IGNORECASE)
        if stopped is not None:
            raise UnconvergedError(" ".join(stopped.group().split()))
        if _DONE not in text:
            raise UnfinishedError(f"{path.name} does not say {_DONE!r}")
        return dict(_TEMPLATE.read_results(folder))


ABINIT = Abinit()


def _pp_paths(machine: Mapping[str, Any]) -> list[str]:
    given = machine.get("pp_paths") or configured("abinit", "pp_paths")
    if given is None:
        given = os.environ.get("ABINIT_PP_PATH", str(_DEBIAN)).split(os.pathsep)
    if isinstance(given, str):
        given = given.splitlines()
    return [str(Path(path).expanduser()) for path in given if path]
