"""``add_species``: more types of atoms for a potential."""

from __future__ import annotations

from maxvolt.mlp.command import Call, Command, Option

__all__ = ["COMMANDS"]


def _run(call: Call) -> None:
    from maxvolt.mlp.species import add_species

    add_species(call)


COMMANDS = (
    Command(
        names={3: "add_species"},
        files={3: "pot.almtp types-or-cfg ..."},
        summary="add types of atoms to a potential",
        options=(Option("save_to", "", "file to write; by default that of the potential", (3,)),),
        run=_run,
        details="""
Types are numbers, or all those of a file of configurations. The radial functions of new pairs begin
as the average of the others; train the potential before you use it.""",
    ),
)
