"""`maxvolt free-energy`: free energies of crystals and liquids by thermodynamic integration."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import note, print_json, print_table
from maxvolt.cli.crystal_options import crystal_of
from maxvolt.cli.defaults import OfSettings, given
from maxvolt.cli.interactions import add_interaction, add_ranks, add_times, interaction_of
from maxvolt.cli.options import (
    add_json,
    finite_float,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.cli.stages import stages
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    from maxvolt.properties.free_energy import Crossing, FreeEnergies, FreeEnergy

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "free-energy"
SUMMARY = "free energies and entropies of crystals and liquids, by switching in LAMMPS"
DESCRIPTION = """\
Compute free energies in LAMMPS, by switching from the potential to a system whose free energy is
known, and back: a crystal to an Einstein crystal, a liquid to the Uhlenbeck-Ford liquid. What is
lost on both ways says whether the switching was slow enough.

Of a crystal the harmonic free energy at the same volume stands beside it, so that the difference is
what is not harmonic. With both phases, the temperature is told at which their Gibbs energies cross.
All that is found is kept in the folder, stage by stage: the same command goes on after an
interruption, and with more seeds or temperatures it adds what is missing. With --reference each
free energy is corrected to that of the reference, by its energies of some structures. A liquid
needs calphy, pip install maxvolt[free-energy]."""
EXAMPLES = """\
  maxvolt free-energy pot.mtp --structure Al --temperatures 300 600 900 -o free_energy
  maxvolt free-energy Al_mm.eam.fs --structure fcc:Al --phases solid liquid \\
      --temperatures 850 900 950 1000 -o melting
  maxvolt free-energy pot.mtp --structure Al --temperatures 900 --reference emt -o corrected
  maxvolt free-energy pot.mtp --structure alloy.xyz --temperatures 300 1000 --json -o alloy"""

_RESULT, _FIGURE = "free_energy.json", "free_energy.png"

_of_settings = partial(OfSettings, "maxvolt.properties.free_energy:FreeEnergySettings")

_TIMES = (
    ("timestep", "FS", "time step, in fs"),
    ("equilibration-time", "PS", "time at temperature and pressure before anything counts, in ps"),
    ("averaging-time", "PS", "time over which cell, energy and displacements are averaged, in ps"),
    ("switching-time", "PS", "time of each way of a switching, in ps"),
    ("settling-time", "PS", "time before each way of a switching, in ps"),
)


_SNAPSHOTS = 20
"""Structures of each state that a reference is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_interaction(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder for all that is found; the same command goes on from what is there",
    )
    parser.add_argument(
        "--structure",
        required=True,
        metavar="CRYSTAL",
        help="a file, an element (Al), or a kind and an element (bcc:Al, fcc:Al:4.05); a liquid is "
        "made of it",
    )
    parser.add_argument(
        "--temperatures",
        nargs="+",
        type=positive_float,
        required=True,
        metavar="K",
        help="temperatures in K",
    )
    parser.add_argument(
        "--phases",
        nargs="+",
        choices=("solid", "liquid"),
        default=["solid"],
        help="solid, liquid, or both, and where they cross (solid)",
    )
    _add_care(parser)
    parser.add_argument(
        "--reference",
        metavar="CALC",
        help="a potential file, a code that labels (emt, espresso ...) or a TOML file with its "
        "settings: correct the free energies to those of it, by the energies of --snapshots",
    )
    parser.add_argument(
        "--snapshots",
        type=positive_int,
        metavar="N",
        help=f"structures of each state that the reference is asked for ({_SNAPSHOTS})",
    )
    add_ranks(parser)
    add_json(parser)


def _add_care(parser: argparse.ArgumentParser) -> None:
    """Declare what decides about state, error and time."""
    parser.add_argument(
        "--pressure",
        type=finite_float,
        default=_of_settings("pressure"),
        metavar="GPA",
        help="external pressure in GPa (%(default)s)",
    )
    parser.add_argument(
        "--atoms",
        type=positive_int,
        default=_of_settings("atoms"),
        metavar="N",
        help="about how many atoms are simulated (%(default)s)",
    )
    parser.add_argument(
        "--seeds",
        nargs="+",
        type=non_negative_int,
        default=_of_settings("seeds"),
        metavar="N",
        help="random seeds; it is switched both ways with each of them (%(default)s)",
    )
    add_times(parser, _of_settings, _TIMES)
    parser.add_argument(
        "--no-harmonic",
        dest="without_harmonic",
        action="store_true",
        help="leave the harmonic crystal out",
    )


def run(options: argparse.Namespace) -> None:
    """Simulate, print, and write JSON and a figure."""
    from maxvolt.properties.free_energy import (
        FreeEnergySettings,
        corrected,
        draw_free_energies,
        free_energies,
        of_reference,
    )
    from maxvolt.properties.free_energy.thermodynamic_integration import check_system
    from maxvolt.report.output import save_figure, write_json

    reference = _reference_of(options)
    asked = given(options, (one.name for one in fields(FreeEnergySettings)))
    asked["snapshots"] = 0 if reference is None else options.snapshots or _SNAPSHOTS
    settings = FreeEnergySettings(**asked, harmonic=not options.without_harmonic)
    crystal, _ = crystal_of(options.structure)
    interaction = interaction_of(options, " ".join(dict.fromkeys(crystal.symbols)))
    phases = [replace(settings, phase=phase) for phase in dict.fromkeys(options.phases)]
    for each in phases:
        check_system(crystal, each)
    found: list[FreeEnergies] = []
    with stages() as progress:
        for each in phases:
            try:
                found.append(
                    free_energies(
                        interaction,
                        crystal,
                        each,
                        options.output,
                        ranks=options.on_ranks,
                        progress=progress,
                    )
                )
            except MaxvoltError as error:
                if not found:
                    raise
                note(f"warning: {error}")  # what was found stands nevertheless
        if reference is not None:
            found = [corrected(one, reference, options.output, progress) for one in found]
    met, of_other = _crossing(found), None
    if reference is not None:
        of_other = _crossing([of_reference(one) for one in found])
    document = _document(found, met, of_other)
    write_json(document, options.output / _RESULT)
    save_figure(draw_free_energies(found), options.output / _FIGURE)
    if options.json:
        print_json(document)
        return
    _print(found, met, of_other)


def _reference_of(options: argparse.Namespace) -> Any:
    """Make the reference, before anything is simulated; None where none is asked for."""
    from maxvolt.properties.free_energy.perturbation import FEWEST_SNAPSHOTS
    from maxvolt.properties.reference_calculator import reference_calculator

    if options.reference is None:
        if options.snapshots is not None:
            raise MaxvoltError("--snapshots are for a --reference; give one, or leave them out")
        return None
    if options.snapshots is not None and options.snapshots < FEWEST_SNAPSHOTS:
        raise MaxvoltError(
            f"--snapshots must be {FEWEST_SNAPSHOTS} at least; got {options.snapshots}"
        )
    return reference_calculator(options.reference, None)


def _crossing(found: list[FreeEnergies]) -> Crossing | None:
    """Find where two phases cross, if there are two; say so where they do not."""
    from maxvolt.properties.free_energy import crossing

    if len(found) < 2 or min(len(one.states) for one in found) < 2:
        return None
    try:
        return crossing(*found)
    except DataError as error:
        note(f"warning: {error}")
        return None


def _correction_cells(state: FreeEnergy) -> tuple[str, ...]:
    added = state.correction
    return () if added is None else (f"{1e3 * added.value:.2f}", f"{1e3 * added.error:.2f}")


def _document(
    found: list[FreeEnergies], met: Crossing | None, of_other: Crossing | None
) -> dict[str, Any]:
    document: dict[str, Any] = {"phases": [one.to_dict() for one in found]}
    for name, one in (("", met), ("reference_", of_other)):
        if one is not None:
            document[f"{name}crossing_K"] = one.temperature
            document[f"{name}crossing_error_K"] = one.error
    return document


def _print(found: list[FreeEnergies], met: Crossing | None, of_other: Crossing | None) -> None:
    from ase.units import kB

    rows = [
        (
            phase.phase,
            f"{one.temperature:g}",
            f"{one.volume:.3f}",
            f"{one.gibbs:.5f}",
            f"{1e3 * one.error:.2f}",
            f"{1e3 * one.dissipation:.2f}",
            f"{one.entropy / kB:.3f}",
            "-" if one.harmonic is None else f"{1e3 * (one.value - one.harmonic.free_energy):.2f}",
            "-" if one.harmonic is None else f"{1e3 * one.harmonic.quantum:.2f}",
            *_correction_cells(one),
        )
        for phase in found
        for one in phase.states
    ]
    columns: tuple[str, ...] = (
        "phase",
        "K",
        "volume\nA^3/atom",
        "Gibbs energy\neV/atom",
        "error\nmeV/atom",
        "lost\nmeV/atom",
        "entropy\nkB/atom",
        "anharmonic\nmeV/atom",
        "quantum\nmeV/atom",
    )
    if any(one.correction is not None for phase in found for one in phase.states):
        columns += ("to reference\nmeV/atom", "error\nmeV/atom")
    print_table(columns, rows)
    for who, one in (("the phases", met), ("those of the reference", of_other)):
        if one is not None:
            print(f"\n{who} cross at {one.temperature:.1f} +- {one.error:.1f} K")
    for phase in found:
        for warning in phase.warnings:
            note(f"warning: {phase.phase}: {warning}")
