"""``calc-efs`` and ``calc-errors``: a potential on configurations, and against their labels."""

from __future__ import annotations

from maxvolt.cli.console import counted, note
from maxvolt.mlp.command import Call, Command, Option
from maxvolt.mlp.outputs import give, is_file, output_of_ranks

__all__ = ["COMMANDS"]


def _calculate(call: Call) -> None:
    """Write configurations with energies, forces and stresses by a potential."""
    from maxvolt.mlp.configurations import (
        check_outputs,
        read_configurations,
        write_configurations,
    )
    from maxvolt.mlp.evaluation import predicted
    from maxvolt.mlp.potentials import read_trained

    potential, source, *named = call.files
    target = named[0] if named else source
    if call.options.get("output_filename"):
        target = str(output_of_ranks(call, call.options["output_filename"]))
    check_outputs(target, inputs=[potential])
    configurations = read_configurations(source)
    found = predicted(read_trained(potential), configurations, source, call.ranks, call.version)
    write_configurations(target, found)
    note(f"{target}: {counted(len(found), 'configuration')} with EFS of {potential}")


def _check(call: Call) -> None:
    """Print how far a potential is from the labels."""
    from maxvolt.mlp.configurations import check_outputs, read_configurations
    from maxvolt.mlp.potentials import read_trained
    from maxvolt.mlp.reports import compared, report_of

    path, source = call.files
    target = call.options.get("report_to", "stdout")
    check_outputs(target if is_file(target) else None, inputs=call.files)
    errors = compared(read_trained(path), read_configurations(source), source, call.ranks)
    give(report_of(errors, call.version) + "\n", target)


COMMANDS = (
    Command(
        names={2: "calc-efs", 3: "calculate_efs"},
        files={2: "pot.mtp in.cfg out.cfg", 3: "pot.almtp in.cfg"},
        summary="energies, forces and stresses of configurations by a potential",
        options=(
            Option(
                "output_filename",
                "",
                "file to write; by default the configurations are written back to in.cfg, through "
                "a temporary file",
                (3,),
            ),
        ),
        run=_calculate,
        on_ranks=True,
    ),
    Command(
        names={2: "calc-errors", 3: "check_errors"},
        files={2: "pot.mtp in.cfg", 3: "pot.almtp in.cfg"},
        summary="errors of a potential: energies, forces and stresses against their labels",
        options=(
            Option("report_to", "stdout", "where the report goes: stdout, stderr or a file", (3,)),
            Option(
                "log",
                "none",
                "where MLIP writes what it does",
                (3,),
                ignored="progress goes to the terminal",
            ),
        ),
        run=_check,
        on_ranks=True,
        details="""
Forces are compared by the components of their vectors as MLIP-2, and by the length of the
difference vector as MLIP-3 does; the report has the form of the version.""",
    ),
)
