"""`maxvolt mc`: Monte Carlo of an alloy on a lattice."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import progress_bar
from maxvolt.cli.lattice_options import repeats_of
from maxvolt.cli.mc_inputs import begin, chemical_potentials
from maxvolt.cli.mc_results import show_annealing, show_densities
from maxvolt.cli.options import (
    add_json,
    add_threads,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.cli.outputs import check_figure, check_output
from maxvolt.errors import MaxvoltError

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "mc"
SUMMARY = "Monte Carlo of an alloy on a lattice: heat capacity and order against temperature"
METHODS = ("anneal", "replica-exchange", "wang-landau")
DESCRIPTION = """\
Simulate an arrangement of species on the sites of a lattice. SUPERCELL is how often the primitive
cell is repeated, as 12x12x12, with --composition for species at random; or a file with a structure
on the lattice.

--method anneal visits one temperature after the other, each beginning where the one before has
ended. replica-exchange simulates all temperatures at once, and neighbours change places, which
helps where chains get stuck. wang-landau finds the density of states by a walk that visits all
energies alike: energy, heat capacity, free energy and entropy at any temperature.

Two sites exchange their species, so that the composition is constant; with --chemical-potentials
sites change their species one by one. A sweep is as many attempts as there are sites. Errors come
from blocks, or from the scatter of --chains. Long-range order is named on cubic lattices, with the
species that are enriched on each kind of site: B2(Mo; Ta). --keep keeps what is done: the same
command goes on after an interruption."""
EXAMPLES = """\
  maxvolt mc pot.lattice.npz 12x12x12 --composition Mo=1,Nb=1,Ta=1,W=1 --temperatures 2000:100:-25
  maxvolt mc pot.lattice.npz start.xyz --temperatures 800,600,400 --keep mc --plot mc.png
  maxvolt mc pot.lattice.npz 20x20x20 --composition Ag=1 --chemical-potentials Ag=0,Pd=0.1 \\
      --temperatures 500 --json
  maxvolt mc pot.lattice.npz 12x12x12 --composition Mo=1,Ta=1 --method replica-exchange \\
      --temperatures 1500:300:-50
  maxvolt mc pot.lattice.npz 8x8x8 --composition Mo=1,Ta=1 --method wang-landau --chains 4 \\
      --temperatures 2000:100:-100 --plot density.png"""

_DEFAULTS = {
    "equilibration": 500, "production": 2000, "shells": 2, "exchange_every": 10, "bins": 200,
    "windows": 1, "final_step": 1e-6,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential on a lattice (.npz)")
    parser.add_argument(
        "supercell",
        metavar="SUPERCELL",
        help="repeats of the primitive cell, as 12x12x12; or a file",
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
    parser.add_argument(
        "--method", choices=METHODS, default="anneal", help="see above (%(default)s)"
    )
    parser.add_argument(
        "--chains",
        type=positive_int,
        default=1,
        metavar="N",
        help="independent chains, or walks of Wang and Landau, for errors (%(default)s)",
    )
    for name, kind, text in (
        ("--equilibration", positive_int, "sweeps before anything counts"),
        ("--production", positive_int, "sweeps that count, a multiple of 50"),
        ("--shells", positive_int, "shells of the short-range order"),
        ("--exchange-every", positive_int, "replica-exchange: sweeps between exchanges"),
        ("--bins", positive_int, "wang-landau: bins of the range of energies"),
        ("--windows", positive_int, "wang-landau: overlapping ranges with walks of their own"),
        ("--final-step", positive_float, "wang-landau: of the logarithms, at the end"),
    ):
        default = _DEFAULTS[name[2:].replace("-", "_")]
        parser.add_argument(name, type=kind, metavar="N", help=f"{text} ({default:g})")
    parser.add_argument(
        "--seed", type=non_negative_int, default=0, metavar="N", help="(%(default)s)"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what is done")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the last structure"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw energy, capacity and order")
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Simulate, print, draw."""
    file = None if repeats_of(options.supercell) else Path(options.supercell)
    given = [options.potential, file]
    if options.plot is not None:
        check_figure(options.plot, given)
    if options.output is not None:
        check_output(options.output, given)
    _check(options)
    for name, default in _DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    if options.method == "wang-landau":
        _find_densities(options)
    else:
        _simulate(options)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that belong to another method."""
    of_temperatures = ("anneal", "replica-exchange")
    belongs = {
        "equilibration": of_temperatures, "production": of_temperatures, "shells": of_temperatures,
        "chemical_potentials": of_temperatures, "output": of_temperatures,
        "exchange_every": ("replica-exchange",), "bins": ("wang-landau",),
        "windows": ("wang-landau",), "final_step": ("wang-landau",),
    }  # fmt: skip
    for name, methods in belongs.items():
        if getattr(options, name) is not None and options.method not in methods:
            raise MaxvoltError(
                f"--{name.replace('_', '-')} belongs to --method {' or '.join(methods)}, not to "
                f"{options.method}"
            )
    if options.method == "replica-exchange" and options.chains > 1:
        raise MaxvoltError("--chains: replica exchange has a chain at each temperature already")


def _simulate(options: argparse.Namespace) -> None:
    from maxvolt.potentials.lattice import read_low_rank
    from maxvolt.properties.lattice import (
        AnnealingSettings,
        anneal_chains,
        mean_of_chains,
        replica_exchange,
        temperatures_of,
    )

    potential = read_low_rank(options.potential)
    settings = AnnealingSettings(
        temperatures_of(options.temperatures),
        equilibration=options.equilibration,
        production=options.production,
        shells=options.shells,
        chemical_potentials=chemical_potentials(options, potential),
        seed=options.seed,
    )
    supercell, occupations = begin(options, potential)
    if options.method == "replica-exchange":
        with progress_bar("pieces", settings.pieces_before + settings.pieces) as advance:
            exchange = replica_exchange(
                potential, supercell, occupations[0], settings, every=options.exchange_every,
                threads=options.threads, folder=options.keep, progress=lambda *_: advance(1),
            )  # fmt: skip
        show_annealing(options, potential, supercell, list(exchange.temperatures), exchange)
        return
    with progress_bar("temperatures", options.chains * len(settings.temperatures)) as advance:
        chains = anneal_chains(
            potential, supercell, occupations, settings, threads=options.threads,
            folder=options.keep, progress=lambda *_: advance(1),
        )  # fmt: skip
    show_annealing(options, potential, supercell, mean_of_chains(chains), None)


def _find_densities(options: argparse.Namespace) -> None:
    from maxvolt.potentials.lattice import read_low_rank
    from maxvolt.properties.lattice import temperatures_of
    from maxvolt.properties.lattice.flat_histogram import (
        WangLandauSettings,
        thermodynamics,
        wang_landau,
    )

    temperatures = temperatures_of(options.temperatures)
    potential = read_low_rank(options.potential)
    settings = WangLandauSettings(
        bins=options.bins, windows=options.windows, final_step=options.final_step,
        chains=options.chains, seed=options.seed,
    )  # fmt: skip
    supercell, occupations = begin(options, potential)
    done = 0
    with progress_bar("per cent", 100) as advance:

        def tell(part: float) -> None:
            nonlocal done
            if int(100 * part) > done:
                advance(int(100 * part) - done)
                done = int(100 * part)

        densities = wang_landau(
            potential, supercell, occupations[0], settings, threads=options.threads,
            folder=options.keep, progress=tell,
        )  # fmt: skip
    show_densities(options, potential.species, densities, thermodynamics(densities, temperatures))
