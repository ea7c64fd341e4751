"""What is told of an indentation: numbers, curves, and what speaks against them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray

from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.averages import few_blocks
from maxvolt.properties.extremes.indentation_curve import (
    FEWEST_POINTS,
    HertzFit,
    contact_area,
    find_pop_in,
    fit_hertz,
    hardness,
)
from maxvolt.properties.extremes.indented_slab import IndentedSlab
from maxvolt.properties.extremes.indenter import IndentationPlan, IndentationRun
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["indentation_findings"]

_NANONEWTON = 1 / (units.J / units.m) * 1e9
"""One eV/Angstrom."""

_HERTZ_POINTS = 60
_WIDEST = 1 / 3
"""Radius of the contact over the width of the slab."""

_DEEPEST = 0.1
"""Depth over the height of the slab."""

_FASTEST = 0.01
"""Velocity over that of sound."""

_HERTZ_AWAY = 0.15
"""Share by which the fitted modulus may differ from that of the elastic constants."""


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What was read from a run: depths from the first contact, loads in eV/Angstrom."""

    down: tuple[NDArray[np.float64], NDArray[np.float64]]
    back: tuple[NDArray[np.float64], NDArray[np.float64]]
    pop_in: int | None
    fit: HertzFit | None


def indentation_findings(
    slab: IndentedSlab, plan: IndentationPlan, run: IndentationRun
) -> Findings:
    """Give numbers, curves, warnings and notes of an indentation.

    Parameters
    ----------
    slab
        What was pressed into.
    plan
        What was simulated.
    run
        What was recorded.
    """
    read = _read(slab, plan, run)
    quantities = {**_elastic(slab, read), **_plastic(plan, read)}
    depth, load = read.down
    mobile = run.temperatures[: run.turning]
    quantities |= {
        "largest load": Quantity(_NANONEWTON * float(load.max()), "nN"),
        "largest depth": Quantity(float(depth.max()), "Å"),
        "temperature": Quantity(float(mobile.mean()), "K"),
    }
    warnings = (*slab.warnings, *_doubts(slab, plan, read))
    return Findings(
        "Nanoindentation", quantities, _curves(slab, plan, read), warnings, _notes(slab, run, read)
    )


def _read(slab: IndentedSlab, plan: IndentationPlan, run: IndentationRun) -> _Read:
    depths = run.displacements - run.penetrations
    down, back = slice(None, run.turning), slice(run.turning, None)
    loads = run.loads[down]
    pop_in = find_pop_in(loads)
    fit = fit_hertz(depths[down], loads, plan.radius, pop_in, slab.compliance)
    depths = depths - (0.0 if fit is None else fit.contact)
    return _Read((depths[down], loads), (depths[back], run.loads[back]), pop_in, fit)


def _elastic(slab: IndentedSlab, read: _Read) -> dict[str, Quantity]:
    modulus, error, contact, contact_error = (
        (np.nan,) * 4
        if read.fit is None
        else (
            read.fit.modulus, read.fit.modulus_error, read.fit.contact, read.fit.contact_error,
        )
    )  # fmt: skip
    return {
        "reduced modulus": Quantity(GPA_PER_EV_A3 * modulus, "GPa", GPA_PER_EV_A3 * error),
        "modulus from elastic constants": Quantity(GPA_PER_EV_A3 * slab.modulus, "GPa"),
        "first contact": Quantity(contact, "Å", contact_error),
        "compliance of the slab": Quantity(slab.compliance / _NANONEWTON, "Å/nN"),
    }


def _plastic(plan: IndentationPlan, read: _Read) -> dict[str, Quantity]:
    depth, load = read.down
    if read.pop_in is None:
        none = Quantity(np.nan, "nN"), Quantity(np.nan, "Å"), Quantity(np.nan, "GPa")
        return dict(zip(("pop-in load", "pop-in depth", "hardness"), none, strict=True))
    found = hardness(depth, load, plan.radius, read.pop_in)
    mean, error = (np.nan, None) if found is None else (found.mean, GPA_PER_EV_A3 * found.error)
    return {
        "pop-in load": Quantity(_NANONEWTON * float(load[read.pop_in]), "nN"),
        "pop-in depth": Quantity(float(depth[read.pop_in]), "Å"),
        "hardness": Quantity(GPA_PER_EV_A3 * mean, "GPa", error),
    }


def _curves(slab: IndentedSlab, plan: IndentationPlan, read: _Read) -> tuple[Curve, ...]:
    labels = ("depth (Å)", "load (nN)")
    ways = {"loading": read.down, "unloading": read.back}
    curves = [
        Curve.of(name, depth, _NANONEWTON * load, labels)
        for name, (depth, load) in ways.items()
        if len(depth)
    ]
    if read.fit is not None:
        end = read.down[1].max()
        load = end * np.linspace(0, 1, _HERTZ_POINTS) ** 1.5
        stiffness = 4 / 3 * read.fit.modulus * np.sqrt(plan.radius)
        depth = (load / stiffness) ** (2 / 3) + slab.compliance * load
        curves.append(Curve.of("Hertz", depth, _NANONEWTON * load, labels))
    depth, load = read.down
    touching = load > 0
    pressure = GPA_PER_EV_A3 * load / contact_area(depth, plan.radius)
    known = touching & np.isfinite(pressure)
    names = ("depth (Å)", "mean pressure under the indenter (GPa)")
    return (*curves, Curve.of("loading", depth[known], pressure[known], names))


def _doubts(slab: IndentedSlab, plan: IndentationPlan, read: _Read) -> tuple[str, ...]:
    """Say what speaks against the numbers, and what to do."""
    deepest = float(read.down[0].max())
    sound = float(np.sqrt(slab.stiffness[2, 2] / slab.density)) * 1e3 * units.fs
    reach = float(np.sqrt(contact_area(np.array([deepest]), plan.radius)[0] / np.pi))
    doubts = []
    if reach > _WIDEST * slab.width:
        doubts.append(
            f"the contact has a radius of {reach:.3g} Å, more than a third of the width of "
            f"{slab.width:.3g} Å: its images harden the slab; raise width, or lower radius or depth"
        )
    if deepest > _DEEPEST * slab.height:
        doubts.append(
            f"the depth of {deepest:.3g} Å is more than a tenth of the {slab.height:.3g} Å that "
            "are not held: the ground hardens the slab; raise height or lower depth"
        )
    if plan.velocity > _FASTEST * sound:
        doubts.append(
            f"the sphere moves with {plan.velocity / sound:.1%} of the velocity of sound: load "
            "and depth are not in equilibrium; lower velocity"
        )
    return (*doubts, *_doubts_of_fit(slab, read), *_doubts_of_hardness(plan, read))


def _doubts_of_fit(slab: IndentedSlab, read: _Read) -> tuple[str, ...]:
    if read.fit is None:
        return (
            f"fewer than {FEWEST_POINTS} loads before the pop-in, or none that grow: Hertz's law "
            "was not fitted, and depths count from the surface of the perfect slab; lower "
            "depth_step, or raise depth",
        )
    away = read.fit.modulus / slab.modulus - 1
    if abs(away) < _HERTZ_AWAY:
        return ()
    return (
        f"the reduced modulus is {abs(away):.0%} {'above' if away > 0 else 'below'} that of the "
        "elastic constants: the crystal is not linear at this pressure, or not in equilibrium; "
        "lower velocity, or raise radius",
    )


def _doubts_of_hardness(plan: IndentationPlan, read: _Read) -> tuple[str, ...]:
    if read.pop_in is None:
        return (
            "no pop-in: the load never falls by more than its noise, so that nothing was seen to "
            "yield and there is no hardness; raise depth, or lower radius",
        )
    depth, load = read.down
    found = hardness(depth, load, plan.radius, read.pop_in)
    if found is None:
        return ("hardness: the pop-in is at the end of the path; raise depth",)
    return few_blocks("hardness", found.blocks, "depth")


def _notes(slab: IndentedSlab, run: IndentationRun, read: _Read) -> tuple[str, ...]:
    notes = [
        "depth: how far the sphere is below the first contact, less how far atoms are within it "
        f"(up to {run.penetrations.max():.2g} Å); pile-up and sink-in are not looked at",
        "the modulus is that of a half space: what the slab gives way beyond one was subtracted",
    ]
    if read.fit is not None:
        notes.append(
            f"Hertz's law fitted to {read.fit.points} loads, which scatter by "
            f"{_NANONEWTON * read.fit.scatter:.2g} nN about it"
        )
    if read.pop_in is None:
        notes.append("no pop-in was found")
    return (*notes, *slab.notes)
