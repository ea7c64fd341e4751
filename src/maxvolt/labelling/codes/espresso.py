"""Quantum ESPRESSO's ``pw.x``, through ASE's input and output."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ase import Atoms
from ase.calculators.espresso import EspressoProfile, EspressoTemplate
from ase.io.espresso_namelist.namelist import Namelist

from maxvolt.labelling.codes.programs import ProgramCode, configured, output_text
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    UnfinishedError,
    merged,
)
from maxvolt.labelling.codes.pseudopotentials import files_for

__all__ = ["ESPRESSO", "Espresso"]

_INPUT_DATA: Mapping[str, Mapping[str, Any]] = {
    "control": {
        "calculation": "scf",
        "tprnfor": True,
        "tstress": True,
        "disk_io": "none",
        "outdir": "./out",
    },
    "system": {
        "ecutwfc": 50.0,
        "ecutrho": 400.0,
        "occupations": "smearing",
        "smearing": "mv",
        "degauss": 0.01,
    },
    "electrons": {"conv_thr": 1e-9, "electron_maxstep": 200, "mixing_beta": 0.4},
}
_K_SPACING = 0.04
_PROPERTIES = ("energy", "forces", "stress")
_DEBIAN = Path("/usr/share/espresso/pseudo")
_TEMPLATE = EspressoTemplate()
_DONE = "JOB DONE."

_ENDINGS = ("upf",)
"""Of files of pseudopotentials, in small letters."""


class Espresso(ProgramCode):
    """``settings`` are ASE's keywords: ``pseudopotentials`` (needed), ``input_data``, ``kpts`` ...

    The defaults are sensible for metals and ultrasoft or PAW potentials: 50 and 400 Ry, cold
    smearing of 0.01 Ry, k-points every 0.04 1/Angstrom (without 2 pi, as ASE counts).
    ``machine``: ``command`` ("pw.x") and ``pseudo_dir`` (else ASE's configuration,
    $ESPRESSO_PSEUDO or Debian's folder).
    """

    name = "espresso"
    machine_keys = frozenset({"command", "pseudo_dir"})
    output = _TEMPLATE.outputname
    errors = _TEMPLATE.errorname
    complaints: tuple[str, ...] = ("CRASH", errors, output)
    alternatives: ClassVar = (frozenset({"kpts", "kspacing"}),)

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Merge ``input_data`` section by section, the rest name by name."""
        complete = merged({"kspacing": _K_SPACING}, settings, self.alternatives)
        given = Namelist(settings.get("input_data"))
        given.to_nested("pw")
        complete["input_data"] = {
            section: dict(_INPUT_DATA.get(section, {})) | dict(given.get(section, {}))
            for section in dict.fromkeys([*_INPUT_DATA, *given])
            if _INPUT_DATA.get(section) or given.get(section)
        }
        return complete

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Each element needs a pseudopotential, which must be there."""
        folder = _pseudo_dir(machine)
        named = settings.get("pseudopotentials", {})
        for symbol in symbols:
            there = f"{folder} has {files_for(symbol, folder, _ENDINGS)}"
            if symbol not in named:
                raise MisconfiguredError(
                    f'no pseudopotential for {symbol}: give its file as "pseudopotentials" in the '
                    f'settings, {symbol} = "..."; {there}'
                )
            if not (folder / named[symbol]).is_file():
                raise MisconfiguredError(
                    f"the pseudopotential {folder / named[symbol]} does not exist; give the folder "
                    f'as "pseudo_dir" under [machine]; {there}'
                )

    def command(self, machine: Mapping[str, Any]) -> str:
        """Return ``pw.x`` or what is configured."""
        return str(machine.get("command") or configured("espresso", "command") or "pw.x")

    def arguments(self, machine: Mapping[str, Any]) -> list[str]:
        """Return the words of the command."""
        profile = EspressoProfile(self.command(machine), _pseudo_dir(machine))
        return list(profile.get_command(_TEMPLATE.inputname))

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``espresso.pwi`` and ``run.sh``."""
        profile = EspressoProfile(self.command(machine), _pseudo_dir(machine))
        # ASE's writer changes what it is given.
        parameters = {**settings, "input_data": Namelist(settings["input_data"])}
        _TEMPLATE.write_input(profile, folder, atoms, parameters, _PROPERTIES)
        self.write_run_script(folder, f"{self.command(machine)} -in {_TEMPLATE.inputname}", machine)

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Read ``espresso.pwo``. ASE's free energy is QE's total energy, -TS included."""
        path = folder / self.output
        text = output_text(path)
        stopped = re.search(r"convergence NOT achieved after +\d+ iterations", text)
        if stopped is not None:
            raise UnconvergedError(stopped.group())
        if _DONE not in text:
            raise UnfinishedError(f"{path.name} does not say {_DONE!r}")
        return dict(_TEMPLATE.read_results(folder))


ESPRESSO = Espresso()


def _pseudo_dir(machine: Mapping[str, Any]) -> Path:
    given = machine.get("pseudo_dir") or configured("espresso", "pseudo_dir")
    given = given or os.environ.get("ESPRESSO_PSEUDO") or _DEBIAN
    return Path(given).expanduser()
