"""DFTpy: orbital-free density-functional theory, inside Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.labelling.codes.in_process import InProcess, require
from maxvolt.labelling.codes.protocol import MisconfiguredError, merged, refuse_unknown
from maxvolt.labelling.codes.pseudopotentials import files_for

__all__ = ["DFTPY", "KEDFS", "DFTpy"]

_DEFAULTS: Mapping[str, Any] = {
    "kedf": "WT",
    "xc": "LDA",
    "spacing": 0.2,
    "econv": 1e-8,
    "maxiter": 100,
    "method": "TN",
}
_OPTIONAL = ("pseudopotentials", "kedf_options")
KEDFS = ("WT", "SM", "FP", "TFvW")
_FAMILY = "GGA_"
"""Of functionals of the gradient, such as GGA_LKT."""

_FORMATS = (".recpot", ".upf", ".psp8", ".psp", ".lps")


class DFTpy(InProcess):
    """``settings``: ``pseudopotentials`` (needed), ``kedf``, ``xc``, ``spacing`` and others.

    The defaults: the kinetic energy of Wang and Teter, the local density approximation, a grid
    every 0.2 Angstrom, a density converged to 1e-8 Hartree per atom. ``machine``: ``pseudo_dir``,
    the folder of the local pseudopotentials (else that of the settings).
    """

    name = "dftpy"

    @property
    def machine_keys(self) -> frozenset[str]:
        """Where the pseudopotentials lie."""
        return frozenset({"pseudo_dir"})

    def located(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Find the folder of the pseudopotentials, by default the given one."""
        where = Path(machine.get("pseudo_dir", ".")).expanduser()
        return dict(settings), {**machine, "pseudo_dir": str((folder / where).absolute())}

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        return merged(_DEFAULTS, settings)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Refuse settings there are not; each element needs a local pseudopotential."""
        refuse_unknown(self.name, settings, (*_DEFAULTS, *_OPTIONAL))
        for name in ("spacing", "econv"):
            value = settings[name]
            if not isinstance(value, int | float) or not 0 < value < math.inf:
                raise MisconfiguredError(f"{name} is {value!r}; expected a number above 0")
        functional = str(settings["kedf"]).upper()
        if not functional.startswith(_FAMILY) and functional not in map(str.upper, KEDFS):
            raise MisconfiguredError(
                f"kedf is {settings['kedf']!r}; expected one that gives stresses: "
                f"{', '.join(KEDFS)} or {_FAMILY} and the name of a functional, such as GGA_LKT"
            )
        for symbol in symbols:
            _pseudopotential(settings, machine, symbol)

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Import DFTpy."""
        require("dftpy", self.name)

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Calculate in this process; what DFTpy prints goes to ``dftpy.txt``."""
        from maxvolt.labelling.codes.dftpy_calculation import energy_forces_stress

        if not (atoms.pbc.all() and atoms.cell.rank == 3):
            raise MisconfiguredError(
                f"dftpy calculates periodic metals, and {atoms.get_chemical_formula()} is not "
                "periodic in three directions; put a surface or a cluster into a cell with vacuum "
                "around it, and make that periodic"
            )
        files = {
            symbol: str(_pseudopotential(settings, machine, symbol))
            for symbol in sorted(set(atoms.symbols))
        }
        return energy_forces_stress(atoms, files, settings, folder / "dftpy.txt")

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``run.sh`` and the pseudopotentials."""
        for symbol in sorted(set(atoms.symbols)):
            path = _pseudopotential(settings, machine, symbol)
            (folder / path.name).write_bytes(path.read_bytes())
        super().write_input(atoms, settings, machine, folder)


DFTPY = DFTpy()
"""DFTpy for simple metals."""


def _pseudopotential(settings: Mapping[str, Any], machine: Mapping[str, Any], symbol: str) -> Path:
    """Find the file of an element in its folder or, elsewhere, in that of the calculation."""
    folder = Path(machine.get("pseudo_dir", ".")).expanduser()
    named: str | None = settings.get("pseudopotentials", {}).get(symbol)
    if named is None:
        raise MisconfiguredError(
            f"no local pseudopotential for {symbol}: give its file as "
            f'pseudopotentials = {{{symbol} = "..."}} in the settings; {folder} has '
            f"{files_for(symbol, folder, _FORMATS)}"
        )
    for path in (folder / named, Path.cwd() / named):
        if path.is_file():
            return path.absolute()
    raise MisconfiguredError(
        f"the pseudopotential {folder / named} does not exist; give the folder as pseudo_dir under "
        f"[machine]; {folder} has {files_for(symbol, folder, _FORMATS)}"
    )
