"""`run`: what mlip.ini asks for, done with each configuration of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Call, Command
from maxvolt.mlp.outputs import STREAMS, give, output_of_ranks
from maxvolt.mlp.words import FALSE, TRUE

if TYPE_CHECKING:
    from maxvolt.io.cfg_record import CfgConfiguration
    from maxvolt.mlp.ini import Settings
    from maxvolt.mlp.potentials import TypedPotential
    from maxvolt.mlp.selection import Settings as Selection

__all__ = ["COMMANDS"]


def _run(call: Call) -> None:
    from maxvolt.mlp.configurations import read_configurations, write_configurations
    from maxvolt.mlp.evaluation import predicted
    from maxvolt.mlp.mlip_ini import potential_of

    ini, source = call.files
    settings = _settings(call)
    _check_targets(call, settings)
    potential = potential_of(settings, ini)
    configurations = [one for one in read_configurations(source) if len(one)]
    found = configurations
    if settings["calculate_efs"]:
        found = predicted(potential, configurations, source, call.ranks, call.version)
    if _is_asked(settings["check_errors"]):
        _check_errors(call, settings, potential, configurations)
    # What is written comes before an error at a threshold.
    if settings["write_cfgs"]:
        skip = settings["write_cfgs:skip"]
        if skip < 0:
            raise MaxvoltError(f"{settings.where('write_cfgs:skip')}: expected 0 or more")
        written, target = found[:: skip + 1], output_of_ranks(call, settings["write_cfgs"])
        write_configurations(target, written)
        note(f"{target}: {counted(len(written), 'configuration')}")
    if settings["fit"]:
        _fit(call, settings, potential, configurations)
    if settings["select"] and not settings["select:load_state"]:
        _select(call, settings, potential, configurations)
    elif settings["select"] or settings["extrapolation_control"]:
        _grade(call, settings, potential, found)


def _settings(call: Call) -> Settings:
    """Settings of the file, outranked by those on the line."""
    from maxvolt.mlp.ini import Entry, read_ini, understood
    from maxvolt.mlp.mlip_ini import MLIP_KEYS

    entries = read_ini(call.files[0])
    for name in call.given:
        entries[name.replace("-", "_")] = Entry(str(call.options[name]), f"--{name}")
    settings = understood(entries, MLIP_KEYS)
    if settings["fit"] and settings["select"] and settings["select:load_state"]:
        raise MaxvoltError(
            f"{settings.where('fit')}: a fit changes the potential that the active set of "
            "select:load-state belongs to; do one after the other"
        )
    return settings


def _check_targets(call: Call, settings: Settings) -> None:
    from maxvolt.mlp.configurations import check_outputs

    errors = settings["check_errors"]
    saved = "extrapolation_control" if settings["extrapolation_control"] else "select"
    key = f"{saved}:{'save_extrapolative_to' if saved != 'select' else 'save_selected'}"
    check_outputs(
        settings["write_cfgs"] or None,
        settings["fit:save"] or None,
        settings["select:save_state"] or None,
        settings[key] or None if settings[saved] else None,
        errors if _is_asked(errors) and _is_file(errors) else None,
        inputs=call.files,
    )


def _is_asked(text: str | None) -> bool:
    return bool(text) and str(text).lower() not in (*FALSE, "none")


def _is_file(text: str) -> bool:
    return text.lower() not in (*TRUE, *STREAMS)


def _check_errors(
    call: Call,
    settings: Settings,
    potential: TypedPotential,
    configurations: Sequence[CfgConfiguration],
) -> None:
    from maxvolt.mlp.reports import compared, report_of

    text = str(settings["check_errors"])
    target = text if _is_file(text) else "stderr" if text.lower() == "stderr" else "stdout"
    named = f"{settings.where('check_errors')}: {call.files[1]}"
    errors = compared(potential, configurations, call.files[1], call.ranks, named)
    give(report_of(errors, call.version) + "\n", target)


def _grade(
    call: Call,
    settings: Settings,
    potential: TypedPotential,
    configurations: list[CfgConfiguration],
) -> None:
    """Keep what extrapolates; end with an error at the threshold to break."""
    from maxvolt.mlp.configurations import write_configurations
    from maxvolt.mlp.extrapolation import sampled
    from maxvolt.mlp.mlip_ini import control_of

    ini, source = call.files
    control = control_of(settings, potential, ini)
    assert control is not None
    found = sampled(
        configurations, source, potential, control.query, control.thresholds, call.ranks
    )
    if control.target is not None:
        target = output_of_ranks(call, str(control.target))
        write_configurations(target, found.kept)
        note(f"{target}: {counted(len(found.kept), 'configuration')} that extrapolate")
    if found.broken_at is not None:
        raise MaxvoltError(
            f"{source}: configuration {found.broken_at + 1} has the grade {found.grades[-1]:.6g}, "
            f"the threshold to break is {control.thresholds.stop:g}"
        )


def _select(
    call: Call,
    settings: Settings,
    potential: TypedPotential,
    configurations: list[CfgConfiguration],
) -> None:
    """Make an active set of the configurations."""
    from maxvolt.mlp.configurations import write_configurations
    from maxvolt.mlp.selection import selected_of, write_state

    source = call.files[1]
    selection = _selection(settings)
    files = {source: configurations}
    active_set = selection.select(
        selection.empty(potential), potential, files, call.ranks
    ).active_set
    note(f"active set: {active_set.mode} mode, {active_set.completeness}")
    if target := settings["select:save_selected"]:
        chosen = selected_of(active_set, files, potential)
        write_configurations(target, chosen)
        note(f"{target}: {len(chosen)} of {counted(len(configurations), 'configuration')} selected")
    if state := settings["select:save_state"]:
        write_state(state, active_set, call.version)
        note(f"{state}: potential and active set")


def _selection(settings: Settings) -> Selection:
    from maxvolt.mlp.selection import Settings as Selection
    from maxvolt.mlp.selection import scaling_of
    from maxvolt.selection import RowWeights

    weights = RowWeights(
        energy=settings["select:energy_weight"],
        force=settings["select:force_weight"],
        stress=settings["select:stress_weight"],
        site_energy=settings["select:site_en_weight"],
        scaling=scaling_of(settings["select:weighting"], settings.where("select:weighting")),
    )
    return Selection(
        weights=weights,
        threshold=settings["select:threshold_swap"],
        entry=max(settings["select:threshold"], settings["select:threshold_swap"]),
        initial_value=settings["select:threshold_init"],
    )


def _fit(
    call: Call,
    settings: Settings,
    potential: TypedPotential,
    configurations: list[CfgConfiguration],
) -> None:
    """Fit the potential to the labels of the configurations."""
    from maxvolt.cli.fit_progress import fit_reporter
    from maxvolt.fitting import fit
    from maxvolt.fitting.settings import FitSettings, SizeScaling, Weights

    target = settings["fit:save"]
    if not target:
        raise MaxvoltError(
            f"{settings.where('fit')}: is TRUE without fit:save, the file for the fitted potential"
        )
    weights = Weights(*(settings[f"fit:{kind}_weight"] for kind in ("energy", "force", "stress")))
    wanted = FitSettings(weights=weights, scaling=SizeScaling(1, 0, settings["fit:scale_by_force"]))
    dataset = potential.dataset(configurations, call.files[1])
    with fit_reporter() as report:
        result = fit(potential.potential, dataset, wanted, progress=report, ranks=call.ranks)
    result.potential.write(target)
    note(f"{target}: the fitted potential")


COMMANDS = (
    Command(
        names={2: "run", 3: "run"},
        files={2: "mlip.ini in.cfg", 3: "mlip.ini in.cfg"},
        summary="do with each configuration what mlip.ini asks for",
        options=(),
        run=_run,
        takes_others=True,
        on_ranks=True,
        details="""
Evaluates (calculate-efs), grades by an active set (select with select:load-state, or of MLIP-3
extrapolation_control), selects one (select without it), fits (fit), compares with labels
(check-errors) and writes (write-cfgs). Keys may stand on the line, where they outrank the file:
--select:threshold=3.""",
    ),
)
