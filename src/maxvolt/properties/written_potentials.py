"""The potential of a calculator as a pair style of LAMMPS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ase import Atoms

from maxvolt.errors import DataError
from maxvolt.potentials.families import family_of
from maxvolt.properties.melting.interaction import Interaction

__all__ = ["held_interaction", "require_written"]


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


@contextmanager
def held_interaction(
    given: Interaction | None, calculator: Any, atoms: Atoms
) -> Iterator[Interaction]:
    """Give the interaction that was given, or the potential of a calculator in a file for LAMMPS.

    Parameters
    ----------
    given
        None: write the potential; the file is gone when the context ends.
    calculator
        One that `require_written` does not refuse, where nothing was given.
    atoms
        What is simulated.
    """
    if given is not None:
        yield given
        return
    symbols = dict.fromkeys(atoms.get_chemical_symbols())
    with TemporaryDirectory(prefix="maxvolt-potential-") as folder:
        path = Path(folder, f"potential{_ending(calculator)}")
        calculator.potential.write(path)
        yield Interaction.of_potential(path, " ".join(symbols))


def _ending(calculator: Any) -> str | None:
    """Return the ending of the name of the file; None where LAMMPS has no pair style."""
    potential: Any = getattr(calculator, "potential", None)
    family = family_of(potential)
    return None if family is None else family.lammps_suffix(potential)
