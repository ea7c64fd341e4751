"""`mindist` and its undocumented relatives: shortest distances, noted, required or made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.cli.outputs import check_output
from maxvolt.errors import DataError
from maxvolt.mlp.command import Call, Command, Option

if TYPE_CHECKING:
    from maxvolt.io.cfg_record import CfgConfiguration
    from maxvolt.mlp.type_distances import TypeDistances

__all__ = ["COMMANDS"]


def _mindist(call: Call) -> None:
    from maxvolt.mlp.configurations import (
        read_configurations,
        with_features,
        write_configurations,
    )
    from maxvolt.mlp.type_distances import shortest, smallest_of

    path = Path(call.files[0])
    overwrites = not call.value("no_overwrite")
    if overwrites:
        check_output(path)
    configurations = read_configurations(path, empty=True)
    each = [_measured(path, number, one) for number, one in enumerate(configurations, 1)]
    if overwrites:
        noted = [
            with_features(one, _features(call, distances))
            for one, distances in zip(configurations, each, strict=True)
        ]
        write_configurations(path, noted)
    together = smallest_of(each)
    print(f"Global mindist: {shortest(together):.6g}")
    for (a, b), distance in together.items():
        print(f"mindist({a}, {b}) = {distance:.6g}")


def _features(call: Call, distances: TypeDistances) -> dict[str, str]:
    """What each version notes: MLIP-3 the distances of pairs of types, MLIP-2 the smallest.

    A line that does not tell the version gets both.
    """
    from maxvolt.mlp.type_distances import listed, shortest

    smallest = f"{shortest(distances):f}"
    if call.options.get("no_types"):
        return {"mindists": smallest}
    of_pairs = {"mindists": listed(distances)}
    return of_pairs if call.version == 3 else {"mindist": smallest, **of_pairs}


def _measured(path: Path, number: int, one: CfgConfiguration) -> TypeDistances:
    from maxvolt.mlp.configurations import naming
    from maxvolt.mlp.type_distances import shortest_by_types

    with naming(path, number):
        return shortest_by_types(one)


def _filter(call: Call) -> None:
    from maxvolt.mlp.changes import number_of
    from maxvolt.mlp.configurations import read_configurations, write_configurations
    from maxvolt.mlp.type_distances import shortest

    source, target = Path(call.files[0]), Path(call.files[2])
    least = number_of(call.files[1], "a distance in Angstrom")
    check_output(target, [source])
    found = read_configurations(source, empty=True)
    kept = [
        one
        for number, one in enumerate(found, 1)
        if shortest(_measured(source, number, one)) >= least
    ]
    write_configurations(target, kept)
    print(f"{len(kept)} of {len(found)} configurations kept")


def _fix(call: Call) -> None:
    from maxvolt.mlp.changes import number_of
    from maxvolt.mlp.configurations import (
        read_configurations,
        with_features,
        write_configurations,
    )
    from maxvolt.mlp.lattice import with_fixed_lattice
    from maxvolt.mlp.outputs import output_of_ranks
    from maxvolt.mlp.repulsion import pushed_apart

    source = Path(call.files[0])
    target = output_of_ranks(call, call.files[1])
    least = number_of(call.files[2], "a distance in Angstrom")
    check_output(target, [source])
    fixed, failed = [], 0
    for number, one in enumerate(read_configurations(source, empty=True), 1):
        start = with_fixed_lattice(one) if call.options["correct_cell"] else one
        try:
            done = pushed_apart(start, least)
            fixed.append(with_features(done, {"from": "fix_mindist_OK"}))
        except DataError as error:
            failed += 1
            note(f"mlp: warning: {source}: configuration {number} stays as it is: {error}")
            fixed.append(start)
    write_configurations(target, fixed)
    print(f"{counted(len(fixed) - failed, 'configuration')} of {len(fixed)} fixed")


COMMANDS = (
    Command(
        names={2: "mindist", 3: "mindist"},
        files={2: "db.cfg", 3: "db.cfg"},
        summary="note the shortest distances in a file, in its place",
        options=(
            Option("no-overwrite", False, "only print them", (2,)),
            Option("no_overwrite", False, "only print them", (3,)),
            Option("no_types", False, "note one distance for all pairs of types", (3,)),
        ),
        run=_mindist,
        same=True,
    ),
    Command(
        names={3: "mindist_filter"},
        files={3: "in.cfg distance out.cfg"},
        summary="keep configurations without a shorter distance",
        options=(),
        run=_filter,
    ),
    Command(
        names={3: "fix_mindist"},
        files={3: "in.cfg out.cfg distance"},
        summary="push atoms apart that are closer than a distance",
        options=(
            Option("correct_cell", False, "make the lattice orthogonal, lower triangular", (3,)),
            Option(
                "log", None, "of the steps", (3,), ignored="it is done in one go, without a log"
            ),
        ),
        run=_fix,
    ),
)
