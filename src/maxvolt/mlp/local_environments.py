"""Atoms around one atom, cut out of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.geometry import dataset_by_type
from maxvolt.mlp.repulsion import pushed_apart
from maxvolt.mlp.type_distances import shortest, shortest_by_types
from maxvolt.selection.neighborhood_cut import cut_neighborhood, cut_neighborhoods

__all__ = ["TO_EXTRACT", "box_around", "spheres", "with_free_shell"]

TO_EXTRACT = "nbhs_inds_to_extract"
"""Feature that lists the atoms whose surroundings are wanted, counted from 1."""


def spheres(configurations: Sequence[CfgConfiguration], cutoff: float) -> list[CfgConfiguration]:
    """Cut the sphere around the atom with the largest grade out of each configuration.

    Those whose largest grade is below 1.1 are passed over.

    Raises
    ------
    DataError
        A configuration without ``nbh_grades``.
    """
    for number, one in enumerate(configurations, 1):
        if one.nbh_grades is None:
            raise DataError(
                f"configuration {number} has no grades of its atoms (nbh_grades); grade it first "
                "by a potential whose active set is of neighborhoods (--al_mode=nbh)"
            )
    filled = [one for one in configurations if len(one)]
    found: list[CfgConfiguration] = []
    for cluster in cut_neighborhoods(dataset_by_type(filled), cutoff):
        features = {
            "cfg#": str(len(found)),
            "nbh#": str(cluster.info["nbh#"]),
            "extrapolation_grade": f"{cluster.info['extrapolation_grade']:f}",
        }
        found.append(
            CfgConfiguration(
                types=(cluster.numbers - 1).astype(np.int32),
                positions=cluster.positions,
                cell=np.zeros((3, 3)),
                features=features,
            )
        )
    return found


def box_around(
    configuration: CfgConfiguration, atom: int, cell: NDArray[np.float64]
) -> CfgConfiguration:
    """Cut a periodic cell with one atom in its middle out of a larger configuration.

    Parameters
    ----------
    configuration
        The large one.
    atom
        Number of the atom, from 0; it becomes the first.
    cell : shape (3, 3), Angstrom
        The new cell.

    Raises
    ------
    DataError
        There is no such atom, or the new cell has no volume.
    """
    if not 0 <= atom < len(configuration):
        raise DataError(f"{TO_EXTRACT}: atom {atom + 1} of {len(configuration)}")
    if not abs(np.linalg.det(cell)) > 0:
        raise DataError("--lattice: the vectors do not span a cell")
    (atoms,) = dataset_by_type([configuration])
    corners = np.array(np.meshgrid(*[[-0.5, 0.5]] * 3)).reshape(3, -1).T @ cell
    reach = float(np.linalg.norm(corners, axis=1).max()) + 1e-6
    around = cut_neighborhood(atoms, atom, reach)
    scaled = np.linalg.solve(cell.T, around.positions.T).T
    # Half open, so that of two images on opposite faces one is taken.
    within = ((scaled >= -0.5 + 1e-9) & (scaled < 0.5 + 1e-9)).all(axis=1)
    inside = np.flatnonzero(within | (np.arange(len(around)) == 0))
    return CfgConfiguration(
        types=(around.numbers[inside] - 1).astype(np.int32),
        positions=around.positions[inside],
        cell=cell,
    )


def with_free_shell(
    configuration: CfgConfiguration, cutoff: float, distance: float
) -> CfgConfiguration:
    """Push atoms apart that the cut has brought together; those around the first one stay.

    Raises
    ------
    DataError
        Atoms that stay are closer than the distance, or there is no room for the others.
    """
    fixed = np.linalg.norm(configuration.positions, axis=1) < cutoff
    fixed[0] = True
    core = replace(
        configuration,
        types=configuration.types[fixed],
        positions=configuration.positions[fixed],
    )
    closest = shortest(shortest_by_types(core))
    if closest < distance:
        raise DataError(
            f"atoms closer than {cutoff:g} A to it, which stay where they are, are {closest:.4g} A "
            "apart across the faces of the cell; choose another cell or a smaller distance"
        )
    return pushed_apart(configuration, distance, ~fixed)
