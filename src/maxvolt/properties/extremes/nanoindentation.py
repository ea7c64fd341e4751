"""Load, depth and hardness of a crystal under a spherical indenter."""

from __future__ import annotations

from ase import Atoms

from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.extremes.indentation_findings import indentation_findings
from maxvolt.properties.extremes.indentation_settings import IndentationSettings
from maxvolt.properties.extremes.indented_slab import IndentedSlab, prepare_slab
from maxvolt.properties.extremes.indenter import (
    SAMPLE_EVERY,
    IndentationPlan,
    simulate_indentation,
)
from maxvolt.properties.findings import Findings
from maxvolt.properties.grade_recorder import meet_frames
from maxvolt.properties.lammps_stages import LammpsStages
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.same_potential import require_same_energies
from maxvolt.properties.written_potentials import held_interaction, require_written
from maxvolt.sampling.lammps.program import find_program

__all__ = ["nanoindentation"]

_GAP = 0.3
"""Angstrom between surface and sphere at the beginning, so that it touches nothing yet."""

_ANGSTROM_PS = 0.01
"""One m/s."""


def nanoindentation(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: IndentationSettings = IndentationSettings(),  # noqa: B008 (immutable)
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
    interaction: Interaction | None = None,
) -> Findings:
    """Press a sphere into the surface of a crystal, and draw it back.

    Equations (156) to (160). The slab is periodic along the surface. Its lowest layers are held,
    those above have a thermostat, which takes the heat and the sound away; the atoms under the
    sphere have none, so that nothing but the crystal slows down dislocations.

    Parameters
    ----------
    calculator
        With stress, of a moment tensor potential or of embedded atoms; any other one needs
        `interaction`.
    atoms
        Crystal near equilibrium.
    settings
        Plane, size, sphere, path.
    keeping
        Where segments are kept.
    interaction
        The same potential as a pair style of LAMMPS; energies are compared. None: the potential of
        the calculator, with the plugin.

    Raises
    ------
    DataError
        The structure is not periodic, the slab is too thin, or LAMMPS does not know the potential
        of the calculator, and no interaction was given.
    MaxvoltError
        LAMMPS is missing or fails, or its energies are others than those of the calculator.
    """
    purpose = "nanoindentation"
    calculator, atoms = system_of(calculator, atoms, purpose)
    if interaction is None:
        require_written(calculator, purpose, "nanoindentation")
    command = find_program(1, settings.command)
    slab = prepare_slab(calculator, atoms, settings, keeping, purpose)
    holding = held_interaction(interaction, calculator, slab.atoms)
    with holding as held, keeping.somewhere() as folder:
        plan = _plan(held, slab, settings)
        stages = LammpsStages(purpose, folder, command)
        run = simulate_indentation(slab.atoms, plan, stages, keeping.progress)
    compared = [0, len(plan.segments)]  # before the sphere comes, and where it turns
    require_same_energies(
        calculator,
        [run.ends[k] for k in compared],
        [float(run.end_energies[k]) for k in compared],
        float(run.energies.std()),
        purpose,
    )
    meet_frames(calculator, run.ends, above=plan.ground)  # held atoms see the lower surface
    return indentation_findings(slab, plan, run)


def _plan(held: Interaction, slab: IndentedSlab, settings: IndentationSettings) -> IndentationPlan:
    velocity = _ANGSTROM_PS * settings.velocity
    timestep = slab.timestep
    value = settings.steps(settings.depth_step / velocity, timestep, SAMPLE_EVERY, least=1)
    segment = settings.steps(settings.segment_time, timestep, value, least=1)
    path = settings.steps((settings.depth + _GAP) / velocity, timestep, value, least=1)
    return IndentationPlan(
        held,
        settings.radius,
        settings.stiffness,
        slab.top,
        slab.ground,
        slab.bath,
        _GAP,
        velocity,
        settings.temperature,
        timestep,
        settings.steps(settings.equilibration_time, timestep, 1),
        value,
        path,
        segment,
        settings.unloading,
        settings.seed,
    )
