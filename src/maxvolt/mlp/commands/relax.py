"""`relax` of both versions: configurations relaxed, and stopped where they extrapolate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.errors import MaxvoltError, nearest_name
from maxvolt.mlp.command import Call, Command, Option
from maxvolt.mlp.relaxation_keys import RELAXATION_KEYS, key_of_option, options_of_keys

if TYPE_CHECKING:
    from maxvolt.io.cfg_record import CfgConfiguration
    from maxvolt.mlp.ini import Entry, Settings
    from maxvolt.mlp.mlip_ini import Control
    from maxvolt.mlp.potentials import TypedPotential
    from maxvolt.mlp.relaxation import Ends

__all__ = ["COMMANDS"]


@dataclass(frozen=True, slots=True)
class _Job:
    """One line, in the terms that both versions share."""

    potential: TypedPotential
    control: Control | None
    keys: Settings
    source: str
    relaxed: str | None
    unrelaxed: str | None
    made_by: str


def _relax(call: Call) -> None:
    from maxvolt.mlp.configurations import read_configurations
    from maxvolt.mlp.relaxation import Relaxing
    from maxvolt.sampling import Thresholds

    job = _job_2(call) if call.version == 2 else _job_3(call)
    _check_targets(call, job)
    control = job.control
    relaxing = Relaxing(
        job.potential,
        None if control is None else control.query,
        Thresholds() if control is None else control.thresholds,
        job.keys,
        job.made_by,
    )
    configurations = read_configurations(job.source, empty=True)
    ends = relaxing.relax(configurations, job.source, call.ranks)
    _write(call, job, configurations, ends)
    done = sum(not end.message for end in ends.each.values())
    print(f"From {len(configurations)} configurations {done} were relaxed successfully")


# ------------------------------------------------------------------ what is asked for


def _job_2(call: Call) -> _Job:
    """MLIP-2: potential and selection from mlip.ini, the rest on the line."""
    from maxvolt.mlp.ini import read_ini, understood
    from maxvolt.mlp.mlip_ini import MLIP_KEYS, control_of, potential_of

    ini = call.files[0]
    settings = understood(read_ini(ini), MLIP_KEYS)
    for key, why in (
        ("fit", "a potential cannot be fitted while it relaxes"),
        ("select:save_state", "an active set does not change during relaxations"),
    ):
        if settings[key]:
            raise MaxvoltError(f"{settings.where(key)}: {why}; leave the key out")
    if not settings["calculate_efs"]:
        raise MaxvoltError(
            f"{settings.where('calculate_efs')}: is FALSE, but relaxations need forces"
        )
    source = call.options["cfg-filename"]
    if source is None:
        raise MaxvoltError("--cfg-filename: is missing; which configurations are to be relaxed?")
    if call.options["save-relaxed"] is None:
        note("mlp: warning: without --save-relaxed=FILE relaxed configurations are not written")
    potential = potential_of(settings, ini)
    return _Job(
        potential,
        control_of(settings, potential, ini),
        understood(_given(call), RELAXATION_KEYS),
        source,
        call.options["save-relaxed"],
        call.options["save-unrelaxed"],
        "MultiMTP",
    )


def _job_3(call: Call) -> _Job:
    """MLIP-3: everything on the line, but for what a file of settings says."""
    from maxvolt.mlp.ini import read_ini, understood
    from maxvolt.mlp.mlip_ini import Control, active_set_of, thresholds_from
    from maxvolt.mlp.potentials import read_trained

    path, source, relaxed = call.files
    options = call.options
    ini = options["relaxation_settings"]
    entries = {} if ini is None else read_ini(ini)
    entries = {key_of_option(name): entry for name, entry in entries.items()} | _given(call)
    potential = read_trained(path)
    control = None
    if options["extrapolation_control"]:
        control = Control(
            active_set_of(path, potential),
            thresholds_from(options["threshold_save"], options["threshold_break"]),
            Path(options["save_extrapolative_to"]),
        )
    keys = understood(entries, RELAXATION_KEYS)
    return _Job(potential, control, keys, source, relaxed, options["save_unrelaxed"], "MultiMTP3")


def _given(call: Call) -> dict[str, Entry]:
    """Keys of relax.ini that stand on the line."""
    from maxvolt.mlp.ini import Entry

    known = {key.name: key for key in RELAXATION_KEYS}
    found = {}
    for name in call.given:
        key = key_of_option(name)
        if key in known and known[key].ignored and name == key:
            continue  # that has been said
        if key in known:
            found[key] = Entry(str(call.options[name]), f"--{name}")
        elif name not in _OWN:
            near = nearest_name(name, [known for known in call.options if known != name])
            hint = f"; did you mean --{near}?" if near else ""
            raise MaxvoltError(f"--{name} is no option of this command{hint}")
    return found


# ------------------------------------------------------------------ what is written


def _check_targets(call: Call, job: _Job) -> None:
    """Refuse, before the work begins, what could not be written."""
    from maxvolt.mlp.configurations import check_outputs
    from maxvolt.mlp.output_names import output_of_ranks

    kept = None if job.control is None else job.control.target
    same = job.relaxed == job.unrelaxed
    named = [job.relaxed, None if same else job.unrelaxed, None if kept is None else str(kept)]
    named += [_log(job)]
    check_outputs(
        *(None if name is None else output_of_ranks(call, name) for name in named),
        inputs=[job.source, job.potential.path],
    )


def _log(job: _Job) -> str | None:
    from maxvolt.mlp.relaxation_log import STREAMS

    log = job.keys["log"]
    return log if log and log not in STREAMS else None


def _write(call: Call, job: _Job, configurations: Sequence[CfgConfiguration], ends: Ends) -> None:
    from maxvolt.mlp.configurations import write_configurations
    from maxvolt.mlp.output_names import output_of_ranks
    from maxvolt.mlp.relaxation_log import write_log

    failed = {number: end.message for number, end in ends.each.items() if end.message}
    for number, message in failed.items():
        note(f"mlp: warning: relaxation of cfg#{number + 1} failed: {message}")
    originals = {number: configurations[number] for number in failed}
    relaxed = {n: end.configuration for n, end in ends.each.items() if end.configuration}
    if job.unrelaxed is not None and job.unrelaxed == job.relaxed:
        relaxed, originals = dict(sorted((relaxed | originals).items())), {}
    for name, found in ((job.relaxed, relaxed), (job.unrelaxed, originals)):
        if name is not None and (name != job.relaxed or found is relaxed):
            target = output_of_ranks(call, name)
            write_configurations(target, list(found.values()))
            note(f"{target}: {counted(len(found), 'configuration')}")
    if job.control is not None:
        _write_extrapolative(call, job.control, ends)
    if job.keys["log"]:
        log = _log(job)
        target = Path(job.keys["log"]) if log is None else output_of_ranks(call, log)
        write_log(target, ends.each, job.keys["pressure"])


def _write_extrapolative(call: Call, control: Control, ends: Ends) -> None:
    """Write what was kept; MLIP-2 adds it to what the file holds already."""
    from maxvolt.mlp.configurations import write_configurations
    from maxvolt.mlp.output_names import output_of_ranks

    found = ends.extrapolative
    if control.target is None or (call.version == 2 and not found):
        return
    target = output_of_ranks(call, str(control.target))
    write_configurations(target, found, append=call.version == 2)
    note(f"{target}: {counted(len(found), 'configuration')} that extrapolate")


_OPTIONS = (
    Option("cfg-filename", None, "configurations to relax", (2,)),
    Option("save-relaxed", None, "where to write what was relaxed", (2,)),
    Option("save-unrelaxed", None, "where to write, as they were, those that failed", (2,)),
    Option("extrapolation_control", False, "grade each step by the active set of pot", (3,)),
    Option("threshold_save", 2.1, "from this grade on, keep the configuration", (3,)),
    Option("threshold_break", 10.0, "from this grade on, its relaxation fails; 0: never", (3,)),
    Option("save_extrapolative_to", "preselected.cfg", "where to write what was kept", (3,)),
    Option("save_unrelaxed", None, "where to write, as they were, those that failed", (3,)),
    Option("relaxation_settings", None, "relax.ini: a file with the settings below", (3,)),
)

_OWN = tuple(option.name for option in _OPTIONS)

COMMANDS = (
    Command(
        names={2: "relax", 3: "relax"},
        files={2: "mlip.ini", 3: "pot.almtp in.cfg out.cfg"},
        summary="relax atoms and cells of configurations, stop where they extrapolate",
        options=(*_OPTIONS, *options_of_keys()),
        run=_relax,
        takes_others=True,
        on_ranks=True,
        details="""
Settings may also be written as in relax.ini: --relax:pressure=10. Of MLIP-2, mlip.ini names the
potential (mtp-filename) and, with select TRUE, the active set (select:load-state), thresholds and
the file for what extrapolates. Under mpirun the output of the first process gets all, with the name
that MLIP gives it: relaxed.cfg_0 (MLIP-2), relaxed.cfg.0 (MLIP-3).""",
    ),
)
