"""Files of uncertainties: potential, measures and calibration in one archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.potentials import Ensemble, Potential
from maxvolt.potentials.ensemble import members_of
from maxvolt.uncertainty.archive import (
    Archive,
    active_set_of,
    bytes_of,
    damage_named,
    potential_of,
    read_archive,
    write_archive,
)
from maxvolt.uncertainty.calibration import CalibratedError, Calibration
from maxvolt.uncertainty.conformal import ConformalScores
from maxvolt.uncertainty.error_model import ErrorModel
from maxvolt.uncertainty.measures import (
    CommitteeMeasure,
    ForceDeviationMeasure,
    GradeMeasure,
    Measure,
    PosteriorMeasure,
)
from maxvolt.uncertainty.posterior import Posterior

__all__ = ["read_parts", "write_parts"]

_KIND = "maxvolt uncertainty"
_VERSION = 1
_REMEDY = "write one with maxvolt calibrate"

Arrays = Mapping[str, NDArray[Any]]


def write_parts(
    path: str | Path, potential: Potential, measures: Sequence[Measure], calibration: Calibration
) -> None:
    """Write what an `Uncertainty` is made of; the file appears whole or not at all.

    Raises
    ------
    DataError
        A measure that is not of this package, or a potential without a file format.
    """
    arrays: dict[str, Any] = {}
    members = members_of(potential)
    for number, member in enumerate(members):
        arrays[f"potential.{number}"] = bytes_of(member)
    packed = [
        _packed_measure(measure, f"measure.{number}.", members, arrays)
        for number, measure in enumerate(measures)
    ]
    document = {
        "species": [list(member.species) for member in members],
        "measures": packed,
        "calibration": _packed_calibration(calibration, arrays),
    }
    write_archive(path, Archive(_KIND, _VERSION, document, arrays))


def read_parts(path: str | Path) -> tuple[Potential, tuple[Measure, ...], Calibration]:
    """Read what `write_parts` wrote.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or holds something else.
    """
    archive = read_archive(path, _KIND, _VERSION, _REMEDY)
    arrays, document = archive.arrays, archive.document
    with damage_named(path):
        members = tuple(
            potential_of(arrays[f"potential.{number}"], species)
            for number, species in enumerate(document["species"])
        )
        potential = members[0] if len(members) == 1 else Ensemble(members)
        measures = tuple(
            _unpacked_measure(packed, f"measure.{number}.", members, arrays)
            for number, packed in enumerate(document["measures"])
        )
        return potential, measures, _unpacked_calibration(document["calibration"], arrays)


# --------------------------------------------------------------------- measures


def _packed_measure(
    measure: Measure, prefix: str, members: tuple[Potential, ...], arrays: dict[str, Any]
) -> dict[str, Any]:
    if isinstance(measure, GradeMeasure):
        arrays[f"{prefix}active_set"] = bytes_of(measure.active_set)
        return {"name": "grade", "species": list(measure.species)}
    if isinstance(measure, PosteriorMeasure):
        arrays |= measure.posterior.to_arrays(prefix)
        return {"name": measure.name, **_of_members(measure, prefix, members, arrays)}
    if isinstance(measure, CommitteeMeasure):
        return {"name": "committee", **_of_members(measure, prefix, members, arrays)}
    raise DataError(
        f"the measure {measure.name!r} is none of this package, and cannot be written; keep what "
        "makes it, and calibrate again"
    )


def _of_members(
    measure: Measure, prefix: str, members: tuple[Potential, ...], arrays: dict[str, Any]
) -> dict[str, Any]:
    """Potentials of a measure: numbers of those that are kept already, the others with it."""
    known = {member.digest: number for number, member in enumerate(members)}
    kept: list[int] = []
    for number, member in enumerate(measure.members):
        kept.append(known.get(member.digest, -1))
        if kept[-1] < 0:
            arrays[f"{prefix}potential.{number}"] = bytes_of(member)
    return {"members": kept, "species": [list(member.species) for member in measure.members]}


def _unpacked_measure(
    packed: Mapping[str, Any], prefix: str, members: tuple[Potential, ...], arrays: Arrays
) -> Measure:
    if packed["name"] == "grade":
        return GradeMeasure(active_set_of(arrays[f"{prefix}active_set"], packed["species"]))
    own = tuple(
        members[kept] if kept >= 0 else potential_of(arrays[f"{prefix}potential.{number}"], species)
        for number, (kept, species) in enumerate(
            zip(packed["members"], packed["species"], strict=True)
        )
    )
    if packed["name"] == "committee":
        return CommitteeMeasure(Ensemble(own))
    kinds = {"posterior": PosteriorMeasure, "posterior forces": ForceDeviationMeasure}
    return kinds[packed["name"]](Posterior.from_arrays(own[0], arrays, prefix))


# --------------------------------------------------------------------- calibration


def _packed_calibration(calibration: Calibration, arrays: dict[str, Any]) -> dict[str, Any]:
    energy = calibration.energy
    return {
        "names": list(calibration.names),
        "n_structures": calibration.n_structures,
        "n_atoms": calibration.n_atoms,
        "source": calibration.source,
        "force": _packed_error(calibration.force, "force.", arrays),
        "energy": None if energy is None else _packed_error(energy, "energy.", arrays),
    }


def _unpacked_calibration(packed: Mapping[str, Any], arrays: Arrays) -> Calibration:
    energy = packed["energy"]
    return Calibration(
        names=tuple(packed["names"]),
        force=_unpacked_error(packed["force"], "force.", arrays),
        energy=None if energy is None else _unpacked_error(energy, "energy.", arrays),
        n_structures=int(packed["n_structures"]),
        n_atoms=int(packed["n_atoms"]),
        source=str(packed["source"]),
    )


def _packed_error(error: CalibratedError, prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    arrays[f"{prefix}edges"] = error.scores.edges
    arrays[f"{prefix}structures"] = error.scores.structures
    arrays[f"{prefix}reached"] = error.scores.reached
    for number, scores in enumerate(error.scores.scores):
        arrays[f"{prefix}scores.{number}"] = scores
    return {
        "names": list(error.names),
        "model": _packed_model(error.model),
        "alone": {name: _packed_model(model) for name, model in error.alone.items()},
    }


def _unpacked_error(packed: Mapping[str, Any], prefix: str, arrays: Arrays) -> CalibratedError:
    edges = arrays[f"{prefix}edges"]
    scores = tuple(arrays[f"{prefix}scores.{number}"] for number in range(len(edges) + 1))
    return CalibratedError(
        names=tuple(packed["names"]),
        model=_unpacked_model(packed["model"]),
        scores=ConformalScores(
            edges, scores, arrays[f"{prefix}structures"], arrays[f"{prefix}reached"]
        ),
        alone={name: _unpacked_model(model) for name, model in packed["alone"].items()},
    )


def _packed_model(model: ErrorModel) -> dict[str, Any]:
    return {
        "floors": model.floors.tolist(),
        "exponents": model.exponents.tolist(),
        "prefactor": model.prefactor,
        "largest": model.largest.tolist(),
    }


def _unpacked_model(packed: Mapping[str, Any]) -> ErrorModel:
    floors, exponents, largest = (
        np.array(packed[name], np.float64) for name in ("floors", "exponents", "largest")
    )
    if not floors.shape == exponents.shape == largest.shape:
        raise ValueError("the numbers of a calibration have different lengths")
    return ErrorModel(floors, exponents, float(packed["prefactor"]), largest)
