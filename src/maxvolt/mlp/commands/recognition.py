"""`recognize`: the two atoms of each configuration that differ most from what is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.mlp.command import Call, Command, Option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maxvolt.mlp.potentials import TypedPotential

__all__ = ["COMMANDS"]

_OUTPUT = "recognition.txt"

_DISTINCT = 5.0
"""Other atoms should have a grade at least this many times smaller than the second."""

_LOW = 11.0
"""A second grade below this says that nothing unknown is there."""


def _recognize(call: Call) -> None:
    from maxvolt.mlp.potentials import read_trained

    potential = read_trained(call.files[0])
    if call.options["train"]:
        _train(call, potential)
    else:
        _find(call, potential)


def _train(call: Call, potential: TypedPotential) -> None:
    """Make an active set of the neighbourhoods of what is to be known."""
    from maxvolt.mlp.configurations import check_outputs, read_configurations
    from maxvolt.mlp.selection import write_state
    from maxvolt.selection import ActiveSet, RowWeights

    path, source = call.files
    target = call.options["train"]
    check_outputs(target, inputs=[path, source])
    dataset = potential.dataset(read_configurations(source), source)
    weights = RowWeights(energy=0.0, site_energy=1.0, scaling=0)
    active_set = ActiveSet.from_dataset(
        potential.potential, dataset, weights=weights, ranks=call.ranks
    )
    write_state(target, active_set, call.version)
    note(f"{target}: potential and active set, {active_set.completeness}")


def _find(call: Call, potential: TypedPotential) -> None:
    from maxvolt.files import replacing
    from maxvolt.mlp.configurations import check_outputs, read_configurations
    from maxvolt.mlp.mlip_ini import active_set_of

    path, source = call.files
    check_outputs(_OUTPUT, inputs=[path, source])
    query = active_set_of(path, potential)
    if query.mode != "neighborhood":
        raise MaxvoltError(
            f"{path}: its active set is of configurations; make one of neighborhoods with "
            "mlp recognize POT KNOWN.cfg --train=FILE"
        )
    found = read_configurations(source)
    if few := [number for number, one in enumerate(found, 1) if len(one) < 2]:
        raise DataError(f"{source}: configuration {few[0]} has fewer than two atoms")
    alike = [replace(one, types=0 * one.types) for one in found]
    dataset = potential.dataset(alike, source)
    grades = query.site_grades(dataset, ranks=call.ranks)
    blocks = [
        _described(number, grades[dataset.atoms_of(number)], one.cell)
        for number, one in enumerate(found)
    ]
    with replacing(Path(_OUTPUT)) as stream:
        stream.write("\n".join(blocks).encode())
    note(f"{_OUTPUT}: {len(found)} configurations")


def _described(number: int, grades: NDArray[np.float64], cell: NDArray[np.float64]) -> str:
    """The two atoms with the largest grades, and whether they stand out."""
    import numpy as np

    first, second, *rest = np.argsort(-grades, kind="stable").tolist()
    g1, g2 = float(grades[first]), float(grades[second])
    dots = abs(cell @ cell.T)[np.triu_indices(3, 1)].sum()
    lengths = np.linalg.norm(cell, axis=1)
    differences = sum(np.linalg.norm(cell[a] - cell[b]) for a, b in ((0, 1), (1, 2), (0, 2)))
    lines = (
        f"cfg# {number + 1}",
        f"i1= {first} g1={g1:.6g}\ti2= {second} g2={g2:.6g}",
        f"high_grades_check {int(any(grades[k] > g2 / _DISTINCT for k in rest))}",
        f"low_grades_check {int(g2 < _LOW)}",
        f"lattice_ortogonality_check {int(dots < 0.1)}",
        f"lattice_cubic_check {int(differences < 0.1 * lengths.mean() / 4)}",
    )
    return "\n".join(lines) + "\n"


COMMANDS = (
    Command(
        names={3: "recognize"},
        files={3: "pot.almtp in.cfg"},
        summary="find the two atoms that differ most from what an active set knows",
        options=(
            Option(
                "train",
                "",
                "make the active set from in.cfg and write it, with the potential, to this file",
                (3,),
            ),
        ),
        run=_recognize,
        on_ranks=True,
        details="""
Writes recognition.txt: of each configuration the two atoms with the largest grades, whether another
one has more than a fifth of the second grade, and whether the second is below 11. The further
checks of MLIP, of places and distances of a dumbbell in one crystal, are left out.""",
    ),
)
