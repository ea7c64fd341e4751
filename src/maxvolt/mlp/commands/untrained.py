"""``untrained``: the potentials that a training begins with."""

from __future__ import annotations

from maxvolt.mlp.command import OWN, Call, Command, Option

__all__ = ["COMMANDS"]


def _run(call: Call) -> None:
    from maxvolt.mlp.write_untrained import write_untrained

    write_untrained(call)


COMMANDS = (
    Command(
        names={OWN: "untrained"},
        files={OWN: "[level]"},
        summary="write an untrained potential, or those of all levels",
        options=(
            Option(
                "output", "", "file to write; LEVEL.mtp where it is left out", (OWN,), short="o"
            ),
            Option("all", "", "folder for the potentials of levels 2 to 28", (OWN,)),
            Option("suffix", "mtp", "mtp as in MLIP-2, almtp as in MLIP-3", (OWN,)),
            Option("species-count", 1, "number of types of atoms", (OWN,)),
            Option("min-dist", 2.0, "where the radial basis begins, Angstrom", (OWN,)),
            Option("max-dist", 5.0, "cutoff, Angstrom", (OWN,)),
            Option("radial-basis-size", 8, "number of radial basis functions", (OWN,)),
            Option("radial-basis-type", "RBChebyshev", "kind of radial basis", (OWN,)),
        ),
        run=_run,
        details="""
MLIP comes with such files, in untrained_mtps (MLIP-2) and MTP_templates (MLIP-3):
    mlp untrained 16 -o 16.mtp
    mlp untrained --all=untrained_mtps
    mlp untrained --all=MTP_templates --suffix=almtp
The scalars span the same functions as those of MLIP's files; their order differs, so that
coefficients cannot be copied between the two.""",
    ),
)
