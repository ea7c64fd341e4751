"""Commands of MLIP, undocumented there, that give configurations another cell."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.mlp.command import Call, Command, Option

if TYPE_CHECKING:
    from maxvolt.io.cfg_record import CfgConfiguration

__all__ = ["COMMANDS"]


def _fix_lattice(call: Call) -> None:
    from maxvolt.mlp.changes import change_each
    from maxvolt.mlp.lattice import with_fixed_lattice

    number = change_each(call.files, with_fixed_lattice)
    print(f"{number} configurations processed.")


def _replicate(call: Call) -> None:
    import numpy as np

    from maxvolt.mlp.changes import change_each, whole_number
    from maxvolt.mlp.lattice import repeated

    words = call.files[2:]
    numbers = [whole_number(word) for word in words]
    if len(numbers) not in (3, 9):
        raise MaxvoltError(
            "expected nx ny nz, or the nine numbers of a matrix, behind in.cfg and out.cfg; got "
            f"{' '.join(words) or 'none'}"
        )
    matrix = np.diag(numbers) if len(numbers) == 3 else np.reshape(numbers, (3, 3))
    change_each(call.files[:2], lambda one: repeated(one, matrix))


def _make_square(call: Call) -> None:
    from maxvolt.mlp.changes import change_each
    from maxvolt.mlp.lattice import repeated, squarest, with_fixed_lattice

    least, most = call.value("min_atoms"), call.value("max_atoms")
    if not 0 < least <= most:
        raise MaxvoltError(f"--min_atoms, --max_atoms: expected 0 < {least} <= {most}")

    def squared(one: CfgConfiguration) -> CfgConfiguration:
        if not one.volume > 0:
            raise DataError("has no Supercell of three vectors that could be repeated")
        matrix = squarest(one.cell, ceil(least / len(one)), most // len(one))
        rows = ("".join(f"{number} " for number in row) for row in matrix)
        print("\n".join(rows))
        found = repeated(one, matrix)
        print(len(found) // len(one))
        return with_fixed_lattice(found)

    change_each(call.files, squared)


_SIZES = tuple(
    Option(f"{which}{sign}atoms", default, f"{text} number of atoms", (version,))
    for version, sign in ((2, "-"), (3, "_"))
    for which, default, text in (("min", 32, "least"), ("max", 64, "largest"))
)

COMMANDS = (
    Command(
        names={2: "make-cell-square", 3: "make_cell_square"},
        files={2: "in.cfg out.cfg", 3: "in.cfg out.cfg"},
        summary="repeat each cell to one as near to a cube as possible",
        options=_SIZES,
        run=_make_square,
    ),
    Command(
        names={2: "replicate-cell", 3: "replicate_cell"},
        files={2: "in.cfg out.cfg nx ny nz ...", 3: "in.cfg out.cfg nx ny nz ..."},
        summary="repeat each cell nx ny nz times, or by a matrix of nine numbers",
        options=(),
        run=_replicate,
    ),
    Command(
        names={2: "fix-lattice", 3: "fix_lattice"},
        files={2: "in.cfg out.cfg", 3: "in.cfg out.cfg"},
        summary="atoms into the cell, lattice as orthogonal as possible and lower triangular",
        options=(),
        run=_fix_lattice,
    ),
)
