"""What ``calc-grade``, ``select-add`` and their like do."""

from __future__ import annotations

from collections.abc import Sequence

from maxvolt.cli.console import counted, note
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.command import Call
from maxvolt.mlp.configurations import (
    check_outputs,
    read_configurations,
    with_features,
    write_configurations,
)
from maxvolt.mlp.extrapolation import with_grade
from maxvolt.mlp.outputs import output_of_ranks
from maxvolt.mlp.potentials import TypedPotential, read_trained
from maxvolt.mlp.selection import EQUATIONS, read_state, selected_of, settings_of, write_state
from maxvolt.selection import ActiveSet

__all__ = ["calc_grade", "calculate_grade", "select", "select_add"]


def calc_grade(call: Call) -> None:
    """MLIP-2: grades by an active set that is made from a training set and saved."""
    path, training, source, target = call.files
    state = call.options["als-filename"]
    check_outputs(target, state, inputs=[path, training])
    settings = settings_of(call)
    potential = read_trained(path)
    files = {training: read_configurations(training)}
    active_set = settings.select(settings.empty(potential), potential, files, call.ranks).active_set
    _write_state(call, state, active_set)
    graded = _graded(potential, active_set, source, call)
    write_configurations(target, graded)
    note(f"{target}: {counted(len(graded), 'configuration')} with grades")


def calculate_grade(call: Call) -> None:
    """MLIP-3: grades by the active set in the file of the potential."""
    path, source, named = call.files
    target = output_of_ranks(call, named)
    check_outputs(target, inputs=[path])
    potential = read_trained(path)
    active_set = _state(path, potential)
    graded = [
        with_features(one, {"ID": str(number)})
        for number, one in enumerate(_graded(potential, active_set, source, call))
    ]
    write_configurations(target, graded)
    note(f"{target}: {counted(len(graded), 'configuration')} with grades")


def _graded(
    potential: TypedPotential, active_set: ActiveSet, source: str, call: Call
) -> list[CfgConfiguration]:
    """Configurations with MV_grade and, in neighbourhood mode, grades of their atoms."""
    configurations = read_configurations(source)
    dataset = potential.dataset(configurations, source)
    grades = active_set.grade_dataset(dataset, ranks=call.ranks)
    note(f"active set: {active_set.mode} mode, {active_set.completeness}")
    return [with_grade(one, grades, dataset, s) for s, one in enumerate(configurations)]


def select_add(call: Call) -> None:
    """Select the candidates that a training set lacks."""
    path, training, source, target = call.files
    mlip_2 = call.version == 2
    state = call.options["als-filename" if mlip_2 else "save_to"]
    every = call.options["selected-filename" if mlip_2 else "save_selected_to"]
    check_outputs(target, every or None, inputs=[path, training, source])
    check_outputs(state or None, inputs=[training, source, target])
    settings = settings_of(call)
    potential = read_trained(path)
    files = {
        training: read_configurations(training),
        source: read_configurations(source, empty=True),
    }
    _check_apart(training, source)
    start = settings.empty(potential)
    if not mlip_2 and settings.weights is None:
        start = read_state(path, potential) or start
    selection = settings.select(start, potential, files, call.ranks)
    new = [
        with_features(files[source][index], {EQUATIONS: str(info[EQUATIONS])})
        for index, info in zip(selection.indices.tolist(), selection.structures.infos, strict=True)
    ]
    write_configurations(target, new)
    if every:
        write_configurations(every, selected_of(selection.active_set, files, potential))
    _write_state(call, state, selection.active_set)
    _say_selected(target, new, files[source], selection.active_set)


def select(call: Call) -> None:
    """Select from one set of configurations, beginning with nothing."""
    path, source, target = call.files
    check_outputs(target, inputs=[path, source])
    check_outputs(call.options["save_to"] or None, inputs=[source, target])
    settings = settings_of(call)
    potential = read_trained(path)
    files = {source: read_configurations(source)}
    active_set = settings.select(settings.empty(potential), potential, files, call.ranks).active_set
    chosen = selected_of(active_set, files, potential)
    write_configurations(target, chosen)
    _write_state(call, call.options["save_to"], active_set)
    _say_selected(target, chosen, files[source], active_set)


def _state(path: str, potential: TypedPotential) -> ActiveSet:
    active_set = read_state(path, potential)
    if active_set is None:
        raise MaxvoltError(
            f"{path}: the potential has no active set; train it with mlp train (MLIP-3: an .almtp "
            "file), or make one from its training set: mlp select POT TRAIN OUT --save_to=FILE"
        )
    return active_set


def _write_state(call: Call, path: str | None, active_set: ActiveSet) -> None:
    if path:
        write_state(path, active_set, call.version)
        note(f"{path}: potential and active set")


def _check_apart(training: str, source: str) -> None:
    if training == source:
        raise DataError(f"{source}: is the training set; name the file with the candidates")


def _say_selected(
    target: str,
    chosen: Sequence[CfgConfiguration],
    pool: Sequence[CfgConfiguration],
    active_set: ActiveSet,
) -> None:
    note(f"active set: {active_set.mode} mode, {active_set.completeness}")
    note(f"{target}: {len(chosen)} of {counted(len(pool), 'configuration')} selected")
