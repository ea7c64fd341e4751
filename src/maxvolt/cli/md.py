"""`maxvolt md`: molecular dynamics under the two-threshold rule."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.inputs import check_order, check_species, read_structures
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    non_negative_float,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.cli.outputs import check_structures
from maxvolt.cli.potentials import potential_files
from maxvolt.cli.sampling_options import (
    add_pressure,
    add_rule,
    calculator_factory,
    committee_files,
    limits_of,
    load_calculator,
    pressure_of,
    thresholds_of,
    write_extrapolative,
)

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.sampling import MolecularDynamics, SamplingResult

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "md"
SUMMARY = "molecular dynamics that stops where it extrapolates"
DESCRIPTION = """\
Run molecular dynamics from each structure of IN. With an active set (.almtp, .als) or a committee,
structures above one grade are kept and the run stops above another; it stops as well at numbers
that are not finite, at atoms too close and at lost atoms. OUT gets the trajectory as it is made.
A schedule is a number, or 'ramp FROM TO STEPS; hold VALUE STEPS; oscillation MEAN AMPLITUDE PERIOD
STEPS; nonequilibrium FROM TO MODULATION PERIOD STEPS', one or more of them; the last is a ramp with
a squared sine on top of it."""
EXAMPLES = """\
  maxvolt md pot.almtp fcc.xyz --steps 10000 --temperature 900 --save-extrapolative new.xyz
  maxvolt md pot.mtp fcc.xyz --steps 20000 --temperature 'ramp 300 2000 15000' -o melting.xyz
  maxvolt md Al.eam.alloy fcc.xyz --steps 2000 --temperature 900 --committee train.xyz
  maxvolt md pot.mtp fcc.xyz --steps 20000 --temperature 600 --ensemble npt --pressure 5 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument("input", type=Path, metavar="IN", help="initial structures")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="trajectory to write")
    parser.add_argument("--steps", type=positive_int, required=True, metavar="N", help="time steps")
    parser.add_argument(
        "--temperature", required=True, metavar="K", help="temperature or its schedule, K"
    )
    parser.add_argument(
        "--ensemble",
        choices=("nve", "nvt", "npt"),
        default="nvt",
        help="what is held constant (default: %(default)s)",
    )
    parser.add_argument(
        "--thermostat",
        choices=("langevin", "bussi"),
        default="langevin",
        help="thermostat of nvt (default: %(default)s)",
    )
    add_pressure(parser)
    parser.add_argument(
        "--strain", metavar="E", help="schedule of the strain, equal in all directions (nve, nvt)"
    )
    _add_numbers(parser)
    add_rule(parser)
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--initial-temperature",
        type=non_negative_float,
        metavar="K",
        help="temperature of the initial velocities (default: the first of --temperature)",
    )
    parser.add_argument("--shape", action="store_true", help="let npt change the cell's shape, too")
    for name, kind, default, unit, text in (
        ("--timestep", positive_float, 1.0, "FS", "time step, fs"),
        ("--thermostat-time", positive_float, 100.0, "FS", "coupling to the thermostat, fs"),
        ("--barostat-time", positive_float, 500.0, "FS", "period of the barostat, fs"),
        ("--record-every", positive_int, 100, "N", "write and keep structures every N steps"),
        ("--grade-every", positive_int, 1, "N", "compute grades every N steps, see docs/sampling"),
        ("--seed", non_negative_int, 0, "N", "random seed"),
    ):
        parser.add_argument(
            name, type=kind, default=default, metavar=unit, help=f"{text} (default: %(default)g)"
        )


def run(options: argparse.Namespace) -> None:
    """Read, run each structure, write as it goes, print."""
    from maxvolt.errors import MaxvoltError
    from maxvolt.sampling import iterate_scenarios
    from maxvolt.sampling.trajectory_file import TrajectoryFile

    check_order(options.potential, options.input)
    _check_outputs(options)
    thresholds = thresholds_of(options)
    potential, query = load_calculator(options.potential, options.species, options)
    species = options.species or potential.species
    dataset = read_structures(options.input, species)
    check_species(options.input, dataset, potential.species)
    scenario = _scenario(options, dataset)
    factory = calculator_factory(potential, query, options.threads)
    note(
        f"{counted(len(dataset), 'structure')}, {counted(dataset.n_atoms, 'atom')}; "
        f"{counted(options.steps, 'step')} each"
    )
    results = []
    trajectory = None if options.output is None else TrajectoryFile(options.output, species)
    with (
        trajectory or nullcontext(),
        progress_bar("molecular dynamics", scenario.total_steps) as advance,
    ):
        for result in iterate_scenarios(
            [scenario],
            factory,
            thresholds,
            seed=options.seed,
            progress=advance,
            recorder=None if trajectory is None else trajectory.recorder,
        ):
            if result.trace is None:
                raise MaxvoltError(f"structure {result.part} could not be run: {result.message}")
            results.append(result)
    kept = write_extrapolative(
        options.save_extrapolative, [result.extrapolative for result in results], species
    )
    if trajectory is not None:
        note(f"{options.output}: {counted(trajectory.length, 'structure')}")
    if options.json:
        rows = [_row(result) for result in results]
        print_json({"kept_for_selection": kept, "trajectories": rows})
    else:
        _print(results)


def _check_outputs(options: argparse.Namespace) -> None:
    from maxvolt.io.formats import check_grows

    inputs = [options.input, *potential_files(options.potential)]
    inputs += committee_files(options)
    if options.save_extrapolative is not None:
        check_structures(options.save_extrapolative, None, inputs, several=True)
    if options.output is None:
        return
    check_grows(options.output, check_structures(options.output, None, inputs))


def _scenario(options: argparse.Namespace, dataset: Dataset) -> MolecularDynamics:
    from maxvolt.sampling import MolecularDynamics, parse_schedule

    return MolecularDynamics(
        "md",
        dataset,
        options.steps,
        parse_schedule(options.temperature),
        options.ensemble,
        options.thermostat,
        pressure=pressure_of(options),
        cell=None if options.strain is None else parse_schedule(options.strain),
        timestep_fs=options.timestep,
        initial_temperature=options.initial_temperature,
        thermostat_time_fs=options.thermostat_time,
        barostat_time_fs=options.barostat_time,
        shape=options.shape,
        record_every=options.record_every,
        limits=limits_of(options),
        grade_every=options.grade_every,
    )


def _row(result: SamplingResult) -> dict[str, Any]:
    trace = result.trace
    assert trace is not None
    return {
        "structure": result.part,
        "reason": str(result.reason),
        "message": result.message,
        "steps": result.steps,
        "total_steps": result.total_steps,
        "seconds": result.seconds,
        "trace": {
            "step": trace.steps,
            "grade": trace.grades,
            "temperature_K": trace.temperatures,
            "potential_energy_eV": trace.potential_energies,
            "kinetic_energy_eV": trace.kinetic_energies,
            "volume_A3": trace.volumes,
            "energy_spread_eV": trace.energy_spreads,
            "force_spread_eV_per_A": trace.force_spreads,
        },
    }


def _print(results: list[SamplingResult]) -> None:
    import numpy as np

    rows = []
    for result in results:
        trace = result.trace
        assert trace is not None
        grades = trace.grades[np.isfinite(trace.grades)]
        rows.append(
            (
                str(result.part),
                result.message,
                f"{result.steps} / {result.total_steps}",
                f"{trace.temperatures.mean():.1f}" if len(trace.temperatures) else "-",
                f"{grades.max():.3f}" if len(grades) else "-",
                f"{1000 * result.seconds / max(result.steps, 1):.3f}",
            )
        )
    columns = ("structure", "end", "steps", "mean\nK", "largest\ngrade", "time\nms/step")
    print_table(columns, rows, text_columns=2)
