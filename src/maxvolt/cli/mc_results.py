"""What `maxvolt mc` has found: tables, JSON, structures, figures."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json, print_table

if TYPE_CHECKING:
    from maxvolt.potentials.lattice import LowRankPotential, Supercell
    from maxvolt.properties.lattice import AtTemperature, ReplicaExchange
    from maxvolt.properties.lattice.flat_histogram import DensityOfStates, Thermodynamics

__all__ = ["show_annealing", "show_densities"]

_NEXT_TO_NOTHING = 1e-3


def show_annealing(
    options: argparse.Namespace,
    potential: LowRankPotential,
    supercell: Supercell,
    found: list[AtTemperature],
    exchange: ReplicaExchange | None,
) -> None:
    """Show results at temperatures, of annealing or of replica exchange."""
    from maxvolt.io import write
    from maxvolt.report.annealing_figure import draw_annealing
    from maxvolt.report.output import save_figure

    if options.json:
        document = {
            "species": potential.species,
            "method": options.method,
            "chains": options.chains,
            "temperatures": [one.to_dict() for one in found],
        }
        if exchange is not None:
            document["exchanged"] = exchange.exchanged.tolist()
            document["round_trips"] = exchange.round_trips
        print_json(document)
    else:
        _print_temperatures(found, potential.species, exchange)
    if options.output is not None:
        atoms = potential.parent.atoms(supercell, found[-1].occupation)
        write(options.output, atoms)
        note(f"{options.output}: the last structure, {len(atoms)} atoms")
    if options.plot is not None:
        save_figure(draw_annealing(found, potential.species), options.plot)
        note(f"{options.plot}: {len(found)} temperatures")


def _print_temperatures(
    found: list[AtTemperature], species: tuple[str, ...], exchange: ReplicaExchange | None
) -> None:
    pairs = [(s, t) for s in range(len(species)) for t in range(s, len(species))]
    head = ["temperature\nK", "long-range order", "degree", "energy\nmeV per site", "error\nmeV",
            "heat capacity\nk_B per site", "error\nk_B", "accepted\n%"]  # fmt: skip
    rows = [
        [
            f"{one.temperature:g}",
            *_order(one),
            f"{1000 * one.energy:.3f}",
            f"{1000 * one.energy_error:.3f}",
            f"{one.heat_capacity:.3f}",
            f"{one.heat_capacity_error:.3f}",
            f"{100 * one.accepted:.1f}",
            *(f"{one.order[0, s, t]:.3f}" for s, t in pairs),
        ]
        for one in found
    ]
    head += [f"order\n{species[s]}-{species[t]}" for s, t in pairs]
    if exchange is not None:
        shares = [*(f"{100 * share:.1f}" for share in exchange.exchanged), ""]
        rows = [[*row, share] for row, share in zip(rows, shares, strict=True)]
        head.append("exchanged with\nthe next, %")
    print_table(head, rows, text_columns=2)
    if exchange is not None:
        note(f"{exchange.round_trips} ways of replicas from the first temperature to the last and "
             "back")  # fmt: skip


def _order(one: AtTemperature) -> tuple[str, str]:
    """Name of the long-range order, and the largest degree of order of a species."""
    if one.state is None:
        return "no cubic lattice", ""
    degrees = [max(of_class.degrees) for of_class in one.state.classes]
    return one.state.text, f"{max(degrees):.2f}" if degrees else ""


def show_densities(
    options: argparse.Namespace,
    species: tuple[str, ...],
    densities: list[DensityOfStates],
    found: list[Thermodynamics],
) -> None:
    """Show densities of states, and what they say of temperatures."""
    from maxvolt.report.density_figure import draw_densities
    from maxvolt.report.output import save_figure

    if options.json:
        print_json({
            "species": species,
            "method": options.method,
            "chains": options.chains,
            "temperatures": [one.to_dict() for one in found],
            "densities": [one.to_dict() for one in densities],
        })  # fmt: skip
    else:
        _print_thermodynamics(found)
    cut = [one.temperature for one in found if one.highest > _NEXT_TO_NOTHING]
    if cut:
        note(
            f"the highest energy that was found has weight from {min(cut):g} K on: there the range "
            "of energies is too short, unless so small a supercell has no higher ones"
        )
    if options.plot is not None:
        save_figure(draw_densities(densities, found), options.plot)
        note(f"{options.plot}: {len(densities[0].energies)} energies, {len(found)} temperatures")


def _print_thermodynamics(found: list[Thermodynamics]) -> None:
    head = ("temperature\nK", "energy\nmeV per site", "error\nmeV", "heat capacity\nk_B per site",
            "error\nk_B", "free energy\nmeV per site", "error\nmeV", "entropy\nk_B per site",
            "error\nk_B")  # fmt: skip
    rows = [
        [
            f"{one.temperature:g}",
            f"{1000 * one.energy:.3f}",
            f"{1000 * one.energy_error:.3f}",
            f"{one.heat_capacity:.3f}",
            f"{one.heat_capacity_error:.3f}",
            f"{1000 * one.free_energy:.3f}",
            f"{1000 * one.free_energy_error:.3f}",
            f"{one.entropy:.4f}",
            f"{one.entropy_error:.4f}",
        ]
        for one in found
    ]
    print_table(head, rows)
