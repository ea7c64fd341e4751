"""Files of ANI potentials: safetensors, with species, settings and version among the metadata."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError, FileFormatError, MaxvoltError
from maxvolt.files import replacing
from maxvolt.potentials.ani.libraries import require_safetensors, stored_metadata
from maxvolt.potentials.ani.settings import SUFFIX, ANISettings
from maxvolt.species import check_species

__all__ = ["Content", "looks_like_ani", "read_content", "write_content"]

_FORMAT, _VERSION = "maxvolt.ani", 2
_FIRST_EXPONENTS = 1.42, 8.7
"""Overlaps (166) of Gaussians and of angles in files of version 1."""

_LARGEST_FILE = 2_000_000_000
"""Bytes; the networks of ANI-Al have 150,000."""

_ENERGIES, _SCALES = "energies", "scales"


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a file holds; attributes as of `maxvolt.potentials.ani.potential.ANI`."""

    species: tuple[str, ...]
    settings: ANISettings
    weights: Mapping[str, NDArray[np.float64]]
    energies: NDArray[np.float64]
    scales: NDArray[np.float64]


def looks_like_ani(beginning: bytes) -> bool:
    """Whether a file begins so: the length of a header, and a header with the format's name."""
    return beginning[8:9] == b"{" and f'"{_FORMAT}"'.encode() in beginning


def write_content(path: str | Path, content: Content) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    DataError
        The name has another ending, or it cannot be written.
    """
    if not str(path).endswith(SUFFIX):
        raise DataError(f"{path}: end the name of this potential with {SUFFIX}")
    about = {
        "version": _VERSION,
        "species": content.species,
        "settings": asdict(content.settings),
    }
    arrays = dict(content.weights)
    if arrays:
        arrays |= {_ENERGIES: content.energies, _SCALES: content.scales}
    # The metadata have one entry, since several are written in no particular order.
    written = require_safetensors().numpy.save(arrays, {_FORMAT: json.dumps(about)})
    with replacing(path) as stream:
        stream.write(written)


def read_content(path: Path) -> Content:
    """Read a file.

    Raises
    ------
    FileFormatError
        It is no such file, of a version that is not known, or damaged.
    MaxvoltError
        safetensors is not installed.
    """
    library = require_safetensors()
    content = _bytes(path)
    metadata = _metadata(path, content)
    try:
        arrays = dict(library.numpy.load(content))
    except (library.SafetensorError, ValueError, KeyError) as error:
        raise FileFormatError(path, f"is damaged: {error}") from error
    try:
        species = check_species(metadata["species"])
        settings = ANISettings.from_dict(metadata["settings"])
        if metadata["version"] == 1:
            settings = _with_first_exponents(settings)
    except (MaxvoltError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise FileFormatError(path, f"species or settings cannot be read: {error}") from error
    zeros, ones = np.zeros(len(species)), np.ones(len(species))
    energies, scales = arrays.pop(_ENERGIES, zeros), arrays.pop(_SCALES, ones)
    return Content(species, settings, arrays, energies, scales)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise FileFormatError(
                path, f"has more than {_LARGEST_FILE:,} bytes, above any ANI potential"
            )
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror}") from error


def _metadata(path: Path, content: bytes) -> Mapping[str, Any]:
    try:
        metadata: Mapping[str, Any] = json.loads(stored_metadata(content)[_FORMAT])
        version = metadata["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            path, f"is no ANI potential written by maxvolt, or is damaged ({error!r:.80})"
        ) from error
    if version not in (1, _VERSION):
        raise FileFormatError(
            path,
            f"has version {version!r:.20} of its format; this maxvolt reads versions 1 to "
            f"{_VERSION}: use a newer one",
        )
    return metadata


def _with_first_exponents(settings: ANISettings) -> ANISettings:
    """Fill in the exponents that version 1 left out, so that its potentials stay what they were."""
    of_distances, of_angles = _FIRST_EXPONENTS
    radial = (settings.radial_cutoff - settings.start) / settings.radial_functions
    shells = (settings.angular_cutoff - settings.start) / settings.angular_shells
    sections = math.pi / settings.angular_sections
    given = settings.radial_eta, settings.angular_eta, settings.zeta
    then = of_distances / radial**2, of_distances / shells**2, of_angles / sections**2
    radial_eta, angular_eta, zeta = (
        old if value is None else value for value, old in zip(given, then, strict=True)
    )
    return replace(settings, radial_eta=radial_eta, angular_eta=angular_eta, zeta=zeta)
