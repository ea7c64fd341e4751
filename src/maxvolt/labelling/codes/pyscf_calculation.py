"""One calculation with PySCF: the only module that calls it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.units import Bohr, Hartree
from pyscf import cc, dft, gto, mp, scf

from maxvolt.labelling.codes.protocol import MisconfiguredError, UnconvergedError

__all__ = ["check_basis", "energy_and_forces"]

_ALL_ELECTRON = atomic_numbers["Kr"]
"""The def2 basis sets replace the cores of the elements beyond by pseudopotentials."""


def check_basis(basis: str | Mapping[str, str], symbols: Sequence[str]) -> None:
    """Raise `MisconfiguredError` where the basis set does not have an element."""
    for symbol in symbols:
        named = basis if isinstance(basis, str) else basis.get(symbol)
        if named is None:
            raise MisconfiguredError(
                f'no basis set for {symbol}; give it as basis = {{{symbol} = "..."}}'
            )
        try:
            gto.basis.load(named, symbol)
        except Exception as error:  # a library of files: whatever goes wrong in reading them
            raise MisconfiguredError(
                f"the basis set {named!r} cannot be had for {symbol} "
                f"({' '.join(str(error).split())}); give another one as basis"
            ) from error


def energy_and_forces(
    atoms: Atoms, charge: int, spin: int, settings: Mapping[str, Any], log: Path
) -> dict[str, Any]:
    """Calculate a molecule.

    Parameters
    ----------
    atoms
        The molecule.
    charge, spin
        Total charge, e, and number of unpaired electrons.
    settings
        Complete, and checked.
    log
        File for what PySCF prints.

    Returns
    -------
    results
        ``energy``, eV, and ``forces``, shape (N, 3), eV/Angstrom.

    Raises
    ------
    UnconvergedError
        The self-consistent field or the coupled-cluster equations did not converge.
    MisconfiguredError
        There is no such functional.
    """
    molecule = _molecule(atoms, charge, spin, settings, log)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PySCF, about its own future
        field = _mean_field(molecule, settings)
        solved = field.run()
        if not solved.converged:
            raise UnconvergedError(
                f"the self-consistent field is not converged after {field.max_cycle} cycles"
            )
        solved = _correlated(solved, settings)
        gradient = solved.nuc_grad_method()
        if hasattr(gradient, "grid_response"):
            gradient.grid_response = True  # else forces are off by what the grid moves
        slope = np.asarray(gradient.kernel())
        if getattr(solved, "converged_lambda", True) is False:
            raise UnconvergedError("the lambda equations of CCSD, for the forces, did not converge")
    molecule.stdout.close()
    return {"energy": float(solved.e_tot) * Hartree, "forces": -slope * (Hartree / Bohr)}


def _molecule(
    atoms: Atoms, charge: int, spin: int, settings: Mapping[str, Any], log: Path
) -> gto.Mole:
    basis = settings["basis"]
    cores = settings.get("ecp")
    if cores is None:
        cores = {
            symbol: named
            for symbol in sorted(set(atoms.symbols))
            if (named := basis if isinstance(basis, str) else basis[symbol])
            .lower()
            .startswith("def2")
            and atomic_numbers[symbol] > _ALL_ELECTRON
        }
    extra = {"max_memory": settings["max_memory"]} if "max_memory" in settings else {}
    molecule: gto.Mole = gto.M(
        atom=list(zip(atoms.symbols, atoms.positions.tolist(), strict=True)),
        unit=Bohr,  # Angstrom as ASE counts them: the same constant both ways
        basis=basis,
        ecp=cores,
        charge=charge,
        spin=spin,
        output=str(log),
        verbose=3,
        **extra,
    )
    return molecule


def _mean_field(molecule: gto.Mole, settings: Mapping[str, Any]) -> Any:
    open_shell = molecule.spin != 0 or settings["unrestricted"]
    if settings["method"] == "dft":
        try:
            field = (dft.UKS if open_shell else dft.RKS)(molecule, xc=settings["xc"])
            dft.libxc.parse_xc(settings["xc"])
        except (KeyError, ValueError) as error:
            raise MisconfiguredError(
                f"pyscf does not know the functional {settings['xc']!r} ({error}); "
                "give another one as xc"
            ) from error
        field.grids.level = settings["grid_level"]
        if settings.get("dispersion") is not None:
            field.disp = settings["dispersion"]
    else:
        field = (scf.UHF if open_shell else scf.RHF)(molecule)
    if settings["density_fit"]:
        field = field.density_fit()
    field.conv_tol = settings["conv_tol"]
    field.max_cycle = settings["max_cycle"]
    return field


def _correlated(field: Any, settings: Mapping[str, Any]) -> Any:
    if settings["method"] == "mp2":
        return mp.MP2(field).run()
    if settings["method"] == "ccsd":
        solved = cc.CCSD(field)
        solved.conv_tol = settings["conv_tol"]
        solved.max_cycle = settings["max_cycle"]
        solved.run()
        if not solved.converged:
            raise UnconvergedError(f"CCSD is not converged after {solved.max_cycle} cycles")
        return solved
    return field
