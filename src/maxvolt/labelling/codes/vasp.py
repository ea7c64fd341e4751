"""VASP: input through ASE, output through this package's own readers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.vasp import Vasp as AseVasp
from ase.config import ASEEnvDeprecationWarning
from ase.geometry import find_mic

from maxvolt.dataset import Dataset
from maxvolt.errors import FileFormatError
from maxvolt.io.outcar import read_outcar
from maxvolt.io.read_report import UNCONVERGED
from maxvolt.io.vasprun import read_vasprun
from maxvolt.labelling.codes.programs import ProgramCode
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    UnfinishedError,
    merged,
)

__all__ = ["VASP", "Vasp"]

_DEFAULTS: Mapping[str, Any] = {
    "xc": "PBE",
    "setups": "recommended",
    "prec": "Accurate",
    "encut": 500.0,
    "ediff": 1e-6,
    "algo": "Normal",
    "nelm": 100,
    "ismear": 1,
    "sigma": 0.1,
    "kspacing": 0.2,
    "kgamma": True,
    "lreal": False,
    "lwave": False,
    "lcharg": False,
    "nsw": 0,
    "ibrion": -1,
}
_PARALLEL = frozenset({"ncore", "npar", "kpar", "nsim", "lplane", "lscalu"})
"""Tags of INCAR that say how the work is shared among ranks, and change no result."""

_SORT = "ase-sort.dat"
_FAR = 0.02


class Vasp(ProgramCode):
    """``settings`` are ASE's keywords, which are those of INCAR in small letters.

    The defaults are sensible for metals: PBE, 500 eV, Methfessel-Paxton smearing of 0.1 eV,
    KSPACING 0.2 1/Angstrom (2 pi included, as VASP counts). ``machine``: ``command`` (else
    $ASE_VASP_COMMAND, $VASP_COMMAND or "vasp_std"), ``pp_path``, the folder that holds
    ``potpaw_PBE`` (else $VASP_PP_PATH), and how VASP shares its work among ranks: ``ncore``,
    ``kpar`` ...
    """

    name = "vasp"
    machine_keys = frozenset({"command", "pp_path"}) | _PARALLEL
    output = "vasp.out"
    errors = "vasp.err"
    complaints: tuple[str, ...] = (errors, output)
    alternatives: ClassVar = (
        frozenset({"kspacing", "kpts", "reciprocal"}),
        frozenset({"xc", "gga", "metagga", "pp"}),
    )

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        return merged(_DEFAULTS, settings, self.alternatives)

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Each element needs a POTCAR."""
        atoms = Atoms(symbols, cell=[10.0, 10.0, 10.0], pbc=True)
        try:
            with _potentials(machine):
                AseVasp(**_keywords(settings, machine)).initialize(atoms)
        except Exception as error:  # ASE raises whatever went wrong inside
            raise MisconfiguredError(
                "ASE cannot make the input of VASP; give the folder that holds potpaw_PBE as "
                f'"pp_path" under [machine] or as VASP_PP_PATH ({" ".join(str(error).split())})'
            ) from error

    def command(self, machine: Mapping[str, Any]) -> str:
        """Return ``vasp_std`` or what is configured."""
        environment = os.environ.get("ASE_VASP_COMMAND") or os.environ.get("VASP_COMMAND")
        return str(machine.get("command") or environment or "vasp_std")

    def arguments(self, machine: Mapping[str, Any]) -> str:
        """Return the command, which goes to the shell as it always did in ASE."""
        return self.command(machine)

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write INCAR, POSCAR, POTCAR, KPOINTS, the order of the atoms and ``run.sh``."""
        with _potentials(machine):
            AseVasp(directory=str(folder), **_keywords(settings, machine)).write_input(atoms)
        self.write_run_script(folder, self.command(machine), machine)

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Read OUTCAR, else vasprun.xml, also compressed; the energy is TOTEN, the free one."""
        steps = _read(folder)
        if len(steps) != 1:
            raise RuntimeError(f"{len(steps)} ionic steps; expected a single calculation (NSW 0)")
        order = _order_in_vasp(folder, len(atoms))
        _check_same(atoms[order], steps[0])
        forces = np.empty_like(steps.forces)
        forces[order] = steps.forces
        results: dict[str, Any] = {
            "energy": steps.energies[0],
            "free_energy": steps.energies[0],
            "forces": forces,
        }
        if steps.has_stress[0]:
            results["stress"] = steps.stresses[0]
        return results


VASP = Vasp()


def _keywords(settings: Mapping[str, Any], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return all tags of INCAR, those of this machine included."""
    return {**settings, **{tag: machine[tag] for tag in sorted(_PARALLEL & set(machine))}}


def _read(folder: Path) -> Dataset:
    """Return the converged ionic steps of the output that is there."""
    for pattern, reader in (("OUTCAR*", read_outcar), ("vasprun.xml*", read_vasprun)):
        for path in sorted(folder.glob(pattern)):
            try:
                dataset, dropped = reader(path)
            except FileFormatError as error:
                raise UnfinishedError(str(error)) from error
            if UNCONVERGED in dropped:
                raise UnconvergedError(f"{path.name}: {UNCONVERGED}")
            if dropped or not len(dataset):
                raise UnfinishedError(f"{path.name}: {', '.join(dropped) or 'no ionic step'}")
            return dataset
    raise UnfinishedError("there is no OUTCAR and no vasprun.xml")


def _order_in_vasp(folder: Path, n_atoms: int) -> list[int]:
    """Return which atom of the structure stands at each place in VASP's files."""
    path = folder / _SORT
    if not path.is_file():
        raise RuntimeError(f"there is no {_SORT}, which says in which order VASP has the atoms")
    order = [int(line.split()[0]) for line in path.read_text().splitlines() if line.strip()]
    if sorted(order) != list(range(n_atoms)):
        raise RuntimeError(f"{_SORT} orders {len(order)} atoms; the structure has {n_atoms}")
    return order


def _check_same(expected: Atoms, found: Atoms) -> None:
    """Refuse the output of another structure."""
    if not np.array_equal(expected.numbers, found.numbers):
        raise RuntimeError(
            f"the output is about {found.get_chemical_formula()}; "
            f"expected {expected.get_chemical_formula()}"
        )
    _, distances = find_mic(found.positions - expected.positions, expected.cell, pbc=True)
    far = max(np.abs(found.cell.array - expected.cell.array).max(), distances.max())
    if far > _FAR:
        raise RuntimeError(f"the output is about another structure: {far:.3g} A away")


@contextmanager
def _potentials(machine: Mapping[str, Any]) -> Iterator[None]:
    """Show ASE where the potentials are, which it looks for in the environment only."""
    before = os.environ.get(AseVasp.VASP_PP_PATH)
    if "pp_path" in machine:
        os.environ[AseVasp.VASP_PP_PATH] = str(Path(machine["pp_path"]).expanduser())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ASEEnvDeprecationWarning)
            yield
    finally:
        if before is not None:
            os.environ[AseVasp.VASP_PP_PATH] = before
        else:
            os.environ.pop(AseVasp.VASP_PP_PATH, None)
