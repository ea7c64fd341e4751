"""`relax` of both versions: configurations relaxed, and stopped where they extrapolate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note
from maxvolt.errors import MaxvoltError, nearest_name
from maxvolt.mlp.command import Call, Command, Option
from maxvolt.mlp.relaxation_keys import RELAXATION_KEYS, key_of_option, options_of_keys

if TYPE_CHECKING:
    from maxvolt.mlp.ini import Entry, Settings
    from maxvolt.mlp.mlip_ini import Control
    from maxvolt.mlp.potentials import TypedPotential
    from maxvolt.mlp.relaxation_files import Outputs

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


def _relax(call: Call) -> None:
    from maxvolt.mlp.configurations import read_configurations
    from maxvolt.mlp.relaxation import Relaxing
    from maxvolt.mlp.relaxation_files import portions
    from maxvolt.sampling import Thresholds

    job = _job_2(call) if call.version == 2 else _job_3(call)
    outputs = _outputs(call, job)
    control = job.control
    relaxing = Relaxing(
        job.potential,
        None if control is None else control.query,
        Thresholds() if control is None else control.thresholds,
        job.keys,
        call.version,
    )
    configurations = read_configurations(job.source, empty=True)
    relaxing.check(configurations, job.source)
    done = 0
    for part in portions(configurations):
        ends = relaxing.relax(part, job.source, call.ranks)
        outputs.write(part, ends)
        done += sum(not end.message for end in ends.each.values())
    outputs.say()
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
    return _Job(potential, control, keys, source, relaxed, options["save_unrelaxed"])


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


def _outputs(call: Call, job: _Job) -> Outputs:
    """Files to write; those that could not be written are refused before the work begins."""
    from maxvolt.mlp.configurations import check_outputs
    from maxvolt.mlp.outputs import STREAMS, output_of_ranks
    from maxvolt.mlp.relaxation_files import Outputs

    def path(name: str | Path | None) -> Path | None:
        return None if not name else output_of_ranks(call, str(name))

    log = job.keys["log"]
    is_stream = log in STREAMS
    outputs = Outputs(
        relaxed=path(job.relaxed),
        unrelaxed=path(job.unrelaxed),
        kept=None if job.control is None else path(job.control.target),
        keeps_older=call.version == 2,
        log=Path(log) if is_stream else path(log),
        pressure=job.keys["pressure"],
    )
    same = outputs.relaxed == outputs.unrelaxed
    check_outputs(
        outputs.relaxed,
        None if same else outputs.unrelaxed,
        outputs.kept,
        None if is_stream else outputs.log,
        inputs=[job.source, job.potential.path],
    )
    return outputs


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
