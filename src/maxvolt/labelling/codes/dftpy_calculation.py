"""One calculation with DFTpy: the only module that calls it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress
from ase.units import Bohr, Hartree
from dftpy.field import DirectField
from dftpy.functional import Functional, TotalFunctional
from dftpy.functional.kedf.gga import GGA_KEDF_list
from dftpy.grid import DirectGrid
from dftpy.ions import Ions
from dftpy.math_utils import ecut2nr
from dftpy.optimization import Optimization

from maxvolt.labelling.codes.protocol import MisconfiguredError, UnconvergedError

__all__ = ["energy_forces_stress"]


def energy_forces_stress(
    atoms: Atoms, pseudopotentials: Mapping[str, str], settings: Mapping[str, Any], log: Path
) -> dict[str, Any]:
    """Minimise the energy functional of the density.

    Parameters
    ----------
    atoms
        The structure, periodic in three directions.
    pseudopotentials
        Files by symbol.
    settings
        Complete, and checked.
    log
        File for what DFTpy prints.

    Returns
    -------
    results
        ``energy``, eV; ``forces``, shape (N, 3), eV/Angstrom; ``stress``, shape (6,),
        eV/Angstrom^3.

    Raises
    ------
    UnconvergedError
        The density is not converged.
    MisconfiguredError
        There is no such functional.
    """
    with log.open("w") as stream, redirect_stdout(stream):
        ions = Ions.from_ase(atoms)
        evaluator = _functional(ions, pseudopotentials, settings)
        density = DirectField(grid=evaluator.PSEUDO.grid)
        density[:] = ions.get_ncharges() / ions.cell.volume
        optimization = Optimization(
            EnergyEvaluator=evaluator,
            optimization_method=settings["method"],
            optimization_options={
                "econv": settings["econv"] * len(atoms),
                "maxiter": settings["maxiter"],
            },
        )
        density = optimization.optimize_rho(guess_rho=density)
        if optimization.converged != 0:
            raise UnconvergedError(
                f"the density is not converged to {settings['econv']:g} Hartree per atom after "
                f"{settings['maxiter']} steps"
            )
        energy = float(evaluator.Energy(density))
        forces = np.asarray(evaluator.get_forces(density))
        stress = np.asarray(evaluator.get_stress(density))
    return {
        "energy": energy * Hartree,
        "forces": forces * (Hartree / Bohr),
        "stress": full_3x3_to_voigt_6_stress(stress) * (Hartree / Bohr**3),
    }


def _functional(
    ions: Any, pseudopotentials: Mapping[str, str], settings: Mapping[str, Any]
) -> TotalFunctional:
    shape = ecut2nr(lattice=ions.cell, spacing=settings["spacing"] / Bohr)
    grid = DirectGrid(lattice=ions.cell, nr=shape, full=False)
    # Particle-mesh interpolation of the ions' potential (PME) makes forces inconsistent by a
    # percent on such grids; without it they agree with the energies to 1e-4 eV/Angstrom.
    ionic = Functional(
        type="PSEUDO", grid=grid, ions=ions, PP_list=dict(pseudopotentials), PME=False
    )
    family, _, named = str(settings["kedf"]).upper().partition("_")
    if family == "GGA" and named not in GGA_KEDF_list:
        raise MisconfiguredError(
            f"cannot take kedf = {settings['kedf']!r}; DFTpy has {', '.join(GGA_KEDF_list)}"
        )
    try:
        kinetic = Functional(type="KEDF", name=settings["kedf"], **settings.get("kedf_options", {}))
        # The local density approximation of DFTpy itself, whether pylibxc is installed or not.
        own = {"libxc": False} if settings["xc"].lower() == "lda" else {}
        exchange = Functional(type="XC", name=settings["xc"], **own)
    except (AttributeError, KeyError, ModuleNotFoundError, ValueError) as error:
        raise MisconfiguredError(
            f"cannot take kedf = {settings['kedf']!r} with xc = {settings['xc']!r}: {error}"
        ) from error
    return TotalFunctional(
        KineticEnergyFunctional=kinetic,
        XCFunctional=exchange,
        HARTREE=Functional(type="HARTREE"),
        PSEUDO=ionic,
    )
