"""Melting points by coexistence, and curves of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maxvolt.errors import DataError
from maxvolt.properties.melting.coexistence import Coexistence, simulate
from maxvolt.properties.melting.inputs import Inputs
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.melting.phases import Phases, heated_guess
from maxvolt.properties.melting.result import MeltingPoint
from maxvolt.properties.melting.settings import MeltingSettings
from maxvolt.properties.melting.sizes import mean_of_size, trend
from maxvolt.properties.melting.stages import Progress, Recorder
from maxvolt.properties.statistics import weighted_mean
from maxvolt.sampling.lammps.program import find_program

__all__ = ["melting_curve", "melting_point"]

_COARSE = 5.0
"""K; starts are multiples of it."""


def melting_point(
    interaction: Interaction | str | Path,
    settings: MeltingSettings,
    folder: str | Path,
    *,
    ranks: int = 1,
    command: str | None = None,
    progress: Progress | None = None,
) -> MeltingPoint:
    """Simulate crystal and liquid side by side in LAMMPS, and read off their temperature.

    What is found is kept in the folder, stage by stage; called again, it goes on from there.

    Parameters
    ----------
    interaction
        A potential file of maxvolt, or `Interaction.of_pair_style`.
    settings
        What is melted, and how carefully.
    folder
        Where stages are kept.
    ranks
        MPI ranks of each simulation.
    command
        Words that start LAMMPS, without arguments, instead of ``lmp`` on these ranks.
    progress
        Is told what runs, the steps done of it and the steps of all of it.

    Raises
    ------
    DataError
        There is no such potential.
    MaxvoltError
        LAMMPS is not there or fails, or no start is found from which both phases last.
    """
    if not isinstance(interaction, Interaction):
        interaction = Interaction.of_potential(interaction, settings.species)
    recorder = Recorder(Path(folder), find_program(ranks, command), progress)
    inputs = Inputs(settings, interaction)
    guess = settings.guess or heated_guess(inputs, recorder)
    phases = Phases(inputs, recorder, guess)
    runs: list[Coexistence] = []
    begin = guess
    for size in sorted(settings.sizes, key=lambda size: size[0] * size[1] * size[2]):
        for seed in settings.seeds:
            runs.append(simulate(inputs, recorder, phases, size, seed, begin))
            # Rounded, and of the first run alone: starts that are there stay valid when sizes,
            # seeds or time are added.
            found = runs[0].attempts[-1].start.temperature
            begin = _COARSE * round(found / _COARSE)
    return _result(runs, phases, inputs)


def melting_curve(
    interaction: Interaction | str | Path,
    settings: MeltingSettings,
    pressures: Sequence[float],
    folder: str | Path,
    *,
    ranks: int = 1,
    command: str | None = None,
    progress: Progress | None = None,
    found: Callable[[MeltingPoint], None] = lambda _: None,
) -> tuple[MeltingPoint, ...]:
    """Find the melting point at several pressures, each beginning with the slope of the last.

    Parameters
    ----------
    pressures : GPa
        In this order.
    interaction, settings, folder, ranks, command, progress
        As of `melting_point`; each pressure has a folder of its own in this one.
    found
        Is given each point as soon as it is there.

    Raises
    ------
    DataError
        There is no pressure, or one occurs twice.
    """
    if not len(pressures) or len(set(pressures)) < len(pressures):
        raise DataError(f"melting: expected one or more different pressures; got {pressures}")
    points: list[MeltingPoint] = []
    for pressure in pressures:
        guess = settings.guess
        if points:
            last = points[-1]
            guess = max(1.0, last.value + last.slope * (pressure - last.pressure))
        points.append(
            melting_point(
                interaction,
                settings.at(pressure, guess),
                Path(folder) / f"{pressure:g}GPa",
                ranks=ranks,
                command=command,
                progress=progress,
            )
        )
        found(points[-1])
    return tuple(points)


def _result(runs: Sequence[Coexistence], phases: Phases, inputs: Inputs) -> MeltingPoint:
    by_size = [
        [run for run in runs if run.size == size] for size in dict.fromkeys(r.size for r in runs)
    ]
    sizes = tuple(mean_of_size(one) for one in by_size)
    value, error = weighted_mean([s.temperature for s in sizes], [s.error for s in sizes])
    extrapolated, extrapolated_error = trend(sizes)
    return MeltingPoint(
        value,
        error,
        extrapolated,
        extrapolated_error,
        inputs.settings.pressure,
        phases.heat_of_fusion(value),
        phases.volume_of_fusion(value),
        sizes,
        tuple(runs),
        tuple(phases.points),
        inputs.interaction.name,
    )
