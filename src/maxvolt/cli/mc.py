"""`maxvolt mc`: Monte Carlo of an alloy on a lattice."""

from __future__ import annotations

import argparse
import re
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import note, print_json, print_table, progress_bar
from maxvolt.cli.options import add_json, non_negative_int, numbers_by_name, positive_int
from maxvolt.cli.outputs import check_figure, check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials.lattice import LowRankPotential, Supercell
    from maxvolt.properties.lattice import AtTemperature

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "mc"
SUMMARY = "Monte Carlo of an alloy on a lattice: heat capacity and order against temperature"
DESCRIPTION = """\
Simulate an arrangement of species on the sites of a lattice at one temperature after the other,
each beginning where the one before has ended. LATTICE is how often the primitive cell is repeated,
as 12x12x12, with --composition for species at random; or a file with a structure on the lattice.

Two sites exchange their species, so that the composition is constant; with --chemical-potentials
sites change their species one by one. A sweep is as many attempts as there are sites. Errors come
from blocks. --keep keeps each temperature: the same command goes on after an interruption."""
EXAMPLES = """\
  maxvolt mc pot.lattice.npz 12x12x12 --composition Mo=1,Nb=1,Ta=1,W=1 --temperatures 2000:100:-25
  maxvolt mc pot.lattice.npz start.xyz --temperatures 800,600,400 --keep mc --plot mc.png
  maxvolt mc pot.lattice.npz 20x20x20 --composition Ag=1 --chemical-potentials Ag=0,Pd=0.1 \\
      --temperatures 500 --json"""

_REPEATS = re.compile(r"\d+x\d+x\d+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential on a lattice (.npz)")
    parser.add_argument(
        "lattice", metavar="LATTICE", help="repeats of the primitive cell, as 12x12x12; or a file"
    )
    parser.add_argument(
        "--temperatures",
        required=True,
        metavar="T",
        help="K: FIRST:LAST:STEP, both ends included, or numbers with commas",
    )
    parser.add_argument(
        "--composition", metavar="A=X,B=Y", help="shares of the species, to begin with"
    )
    parser.add_argument(
        "--chemical-potentials",
        metavar="A=X,B=Y",
        help="eV, of all species; they are not conserved then",
    )
    for name, default, text in (
        ("--equilibration", 500, "sweeps before anything counts"),
        ("--production", 2000, "sweeps that count, a multiple of 50"),
        ("--shells", 2, "shells of the short-range order"),
    ):
        parser.add_argument(
            name, type=positive_int, default=default, metavar="N", help=f"{text} (%(default)s)"
        )
    parser.add_argument(
        "--seed", type=non_negative_int, default=0, metavar="N", help="(%(default)s)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep temperatures that are done"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the last structure"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw energy, capacity and order")
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Simulate, print, draw."""
    from maxvolt.potentials.lattice import read_low_rank
    from maxvolt.properties.lattice import AnnealingSettings, anneal, temperatures_of

    given = [
        options.potential,
        None if _REPEATS.fullmatch(options.lattice) else Path(options.lattice),
    ]
    if options.plot is not None:
        check_figure(options.plot, given)
    if options.output is not None:
        check_output(options.output, given)
    potential = read_low_rank(options.potential)
    settings = AnnealingSettings(
        temperatures_of(options.temperatures),
        equilibration=options.equilibration,
        production=options.production,
        shells=options.shells,
        chemical_potentials=_chemical_potentials(options, potential),
        seed=options.seed,
    )
    supercell, occupation = _begin(options, potential)
    with progress_bar("temperatures", len(settings.temperatures)) as advance:
        found = anneal(
            potential, supercell, occupation, settings, folder=options.keep,
            progress=lambda *_: advance(1),
        )  # fmt: skip
    _tell(options, potential, supercell, found)


def _tell(
    options: argparse.Namespace,
    potential: LowRankPotential,
    supercell: Supercell,
    found: list[AtTemperature],
) -> None:
    from maxvolt.io import write
    from maxvolt.report.annealing_figure import draw_annealing
    from maxvolt.report.output import save_figure

    if options.json:
        print_json({"species": potential.species, "temperatures": [one.to_dict() for one in found]})
    else:
        _print(found, potential.species)
    if options.output is not None:
        atoms = potential.parent.atoms(supercell, found[-1].occupation)
        write(options.output, atoms)
        note(f"{options.output}: the last structure, {len(atoms)} atoms")
    if options.plot is not None:
        save_figure(draw_annealing(found, potential.species), options.plot)
        note(f"{options.plot}: {len(found)} temperatures")


def _print(found: list[AtTemperature], species: tuple[str, ...]) -> None:
    pairs = [(s, t) for s in range(len(species)) for t in range(s, len(species))]
    head = ("temperature\nK", "energy\nmeV per site", "error\nmeV", "heat capacity\nk_B per site",
            "error\nk_B", "accepted\n%")  # fmt: skip
    rows = [
        [
            f"{one.temperature:g}",
            f"{1000 * one.energy:.3f}",
            f"{1000 * one.energy_error:.3f}",
            f"{one.heat_capacity:.3f}",
            f"{one.heat_capacity_error:.3f}",
            f"{100 * one.accepted:.1f}",
            *(f"{one.order[0, s, t]:.3f}" for s, t in pairs),
        ]
        for one in found
    ]
    print_table((*head, *(f"order\n{species[s]}-{species[t]}" for s, t in pairs)), rows)


def _shares(text: str, option: str) -> dict[str, float]:
    try:
        found = numbers_by_name(text)
    except ValueError:
        found = {}
    if not found or not all(map(isfinite, found.values())):
        raise MaxvoltError(f"{option}: expected A=X,B=Y with numbers, got {text!r}")
    return found


def _chemical_potentials(
    options: argparse.Namespace, potential: LowRankPotential
) -> tuple[float, ...] | None:
    if options.chemical_potentials is None:
        return None
    given = _shares(options.chemical_potentials, "--chemical-potentials")
    if set(given) != set(potential.species):
        raise MaxvoltError(
            f"--chemical-potentials: give one for each of {', '.join(potential.species)}"
        )
    return tuple(given[symbol] for symbol in potential.species)


def _begin(options: argparse.Namespace, potential: LowRankPotential) -> tuple[Supercell, Any]:
    from maxvolt.cli.inputs import read_structures
    from maxvolt.potentials.lattice import Supercell, on_lattice
    from maxvolt.properties.lattice import random_occupation

    if _REPEATS.fullmatch(options.lattice):
        if options.composition is None:
            raise MaxvoltError("--composition is needed: which species are distributed at random?")
        supercell = Supercell.of([int(word) for word in options.lattice.split("x")])
        shares = _shares(options.composition, "--composition")
        return supercell, random_occupation(potential.parent, supercell, shares, options.seed)
    if options.composition is not None:
        raise MaxvoltError("--composition: the structure of LATTICE has one already")
    path = Path(options.lattice)
    if not path.is_file():
        raise MaxvoltError(
            f"LATTICE is repeats of the primitive cell, as 12x12x12, or a file; there is no {path}"
        )
    (atoms,) = read_structures(path, None).select([0]).to_atoms()
    mapped = on_lattice(atoms, potential.parent)
    return mapped.supercell, mapped.occupation
