"""`sample`: the configurations of a file that extrapolate."""

from __future__ import annotations

from maxvolt.cli.console import counted, note
from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Call, Command, Option

__all__ = ["COMMANDS"]


def _sample(call: Call) -> None:
    from maxvolt.mlp.configurations import (
        check_outputs,
        read_configurations,
        write_configurations,
    )
    from maxvolt.mlp.extrapolation import sampled
    from maxvolt.mlp.mlip_ini import active_set_of, thresholds_from
    from maxvolt.mlp.outputs import give, is_file, output_of_ranks
    from maxvolt.mlp.potentials import read_trained

    path, source, name = call.files
    options = call.options
    target = output_of_ranks(call, name)
    log = options["log"]
    check_outputs(target, log if is_file(log) else None, inputs=[path, source])
    thresholds = thresholds_from(options["threshold_save"], options["threshold_break"])
    potential = read_trained(path)
    query = active_set_of(path, potential)
    configurations = read_configurations(source, empty=True)
    found = sampled(
        configurations,
        source,
        potential,
        query,
        thresholds,
        call.ranks,
        note_grades=options["add_grade_feature"],
    )
    write_configurations(target, found.kept)
    lines = (f"cfg#{number}\tgrade {grade:.6g}\n" for number, grade in enumerate(found.grades, 1))
    give("".join(lines), log)
    note(f"{target}: {len(found.kept)} of {counted(len(configurations), 'configuration')}")
    if found.broken_at is not None:
        raise MaxvoltError(
            f"{source}: configuration {found.broken_at + 1} has the grade "
            f"{found.grades[-1]:.6g}, --threshold_break is {options['threshold_break']:g}; what "
            f"was found until then is in {target}"
        )


COMMANDS = (
    Command(
        names={3: "sample"},
        files={3: "pot.almtp in.cfg out.cfg"},
        summary="keep the configurations that extrapolate",
        options=(
            Option("threshold_save", 2.1, "from this grade on, keep the configuration", (3,)),
            Option(
                "threshold_break", 11.0, "from this grade on, end with an error; 0: never", (3,)
            ),
            Option("add_grade_feature", True, "note the grade: MV_grade, nbh_grades", (3,)),
            Option("log", "stdout", "where the grades go: stdout, stderr, none or a file", (3,)),
        ),
        run=_sample,
        on_ranks=True,
    ),
)
