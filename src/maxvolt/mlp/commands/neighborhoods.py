"""`cut_extrapolative_nbh` and `extract_nbhs`: surroundings of atoms, cut out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note
from maxvolt.cli.outputs import check_output
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.mlp.command import Call, Command, Option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maxvolt.io.cfg_record import CfgConfiguration

__all__ = ["COMMANDS"]


def _cut(call: Call) -> None:
    from maxvolt.mlp.configurations import read_configurations, write_configurations
    from maxvolt.mlp.local_environments import spheres

    source, target = map(Path, call.files)
    cutoff = _positive("cutoff", call.options["cutoff"])
    check_output(target, [source])
    try:
        found = spheres(read_configurations(source, empty=True), cutoff)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    write_configurations(target, found)
    for number, one in enumerate(found, 1):
        grade = float(one.features["extrapolation_grade"])
        print(
            f"from cfg#{number} cut nbh#{one.features['nbh#']} with grade={grade:.6g} (atoms "
            f"count is {len(one) - 1})"
        )


def _extract(call: Call) -> None:
    from maxvolt.mlp.configurations import naming, read_configurations, write_configurations

    source, target = map(Path, call.files)
    check_output(target, [source])
    cell, cutoff = _cell(call)
    distance = None if call.options["mindist"] is None else _distance(call.options["mindist"])
    found: list[CfgConfiguration] = []
    for number, one in enumerate(read_configurations(source, empty=True), 1):
        with naming(source, number):
            cut = _extracted(one, cell, cutoff, distance)
        print(f"from configuration #{number} extracted {len(cut)} configuration(s)")
        found += cut
    write_configurations(target, found)


def _extracted(
    one: CfgConfiguration, cell: NDArray[np.float64], cutoff: float, distance: float | None
) -> list[CfgConfiguration]:
    from maxvolt.mlp.local_environments import TO_EXTRACT, box_around, with_free_shell

    found = []
    for word in _listed(one.features.get(TO_EXTRACT)):
        cut = box_around(one, word - 1, cell)
        if distance is None:
            found.append(cut)
            continue
        try:
            found.append(with_free_shell(cut, cutoff, distance))
        except DataError as error:
            note(f"mlp: warning: atom {word} is left out: {error}")
    return found


def _listed(text: str | None) -> list[int]:
    words = [] if text is None else [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isdigit() for word in words):
        raise DataError(
            "expected a feature nbhs_inds_to_extract with numbers of atoms from 1, such as 5,17"
        )
    return [int(word) for word in words]


def _cell(call: Call) -> tuple[NDArray[np.float64], float]:
    """Cell to cut out, and the distance within which it is true."""
    import numpy as np

    text = call.options["lattice"]
    if text is None:
        cutoff = _positive("cutoff", call.options["cutoff"])
        return 2 * cutoff * np.eye(3), cutoff
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 9 or not np.isfinite(numbers).all():
        raise MaxvoltError(f"--lattice: expected nine numbers with commas, got '{text}'")
    cell = np.reshape(numbers, (3, 3))
    return cell, float(np.linalg.norm(cell, axis=1).min()) / 2


def _distance(text: str) -> float:
    try:
        return _positive("mindist", float(text))
    except ValueError:
        raise MaxvoltError(
            f"--mindist: expected one distance in Angstrom for all types, got '{text}'"
        ) from None


def _positive(name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise MaxvoltError(f"--{name}: expected a distance above 0 in Angstrom, got {value:g}")
    return value


COMMANDS = (
    Command(
        names={3: "cut_extrapolative_nbh"},
        files={3: "in.cfg out.cfg"},
        summary="cut out the sphere around the atom with the largest grade",
        options=(Option("cutoff", 7.0, "radius of the sphere, Angstrom", (3,)),),
        run=_cut,
    ),
    Command(
        names={3: "extract_nbhs"},
        files={3: "large.cfg out.cfg"},
        summary="cut cells around the atoms that the feature nbhs_inds_to_extract lists",
        options=(
            Option("lattice", None, "nine numbers: the cell (a cube of twice the cutoff)", (3,)),
            Option("cutoff", 5.0, "half the edge of the cube, Angstrom", (3,)),
            Option(
                "mindist",
                None,
                "one distance for all types: push atoms apart that the cut brings closer, Angstrom",
                (3,),
            ),
        ),
        run=_extract,
    ),
)
