"""The potential of a calculator as a pair style of LAMMPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maxvolt.errors import DataError
from maxvolt.potentials.families import family_of
from maxvolt.properties.melting.interaction import Interaction

__all__ = ["require_written", "written_interaction"]


def require_written(calculator: Any, purpose: str, function: str) -> None:
    """Refuse a calculator whose potential LAMMPS does not know.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    purpose
        What is computed, for messages.
    function
        Of this package that computes it, for messages: it takes a pair style instead.

    Raises
    ------
    DataError
        It has neither a moment tensor potential nor embedded atoms.
    """
    if _ending(calculator) is None:
        raise DataError(
            f"{purpose} runs in LAMMPS: from the command line it is for moment tensor potentials "
            f"and for .eam.alloy and .eam.fs; for another one, call {function} from Python with "
            "the pair style (interaction=)"
        )


def written_interaction(calculator: Any, symbols: Sequence[str], folder: Path) -> Interaction:
    """Write the potential of a calculator to a file that LAMMPS reads.

    Parameters
    ----------
    calculator
        One that `require_written` does not refuse.
    symbols
        Elements in the order of the types of LAMMPS.
    folder
        Where the file is written; it must last as long as the interaction is used.
    """
    path = folder / f"potential{_ending(calculator)}"
    calculator.potential.write(path)
    return Interaction.of_potential(path, " ".join(symbols))


def _ending(calculator: Any) -> str | None:
    """Return the ending of the name of the file; None where LAMMPS has no pair style."""
    potential: Any = getattr(calculator, "potential", None)
    family = family_of(potential)
    return None if family is None else family.lammps_suffix(potential)
