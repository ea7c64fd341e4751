"""The state of a fit on disk: written whole or not at all, enough to go on bit for bit."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from maxvolt.archives import read_arrays
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.files import replacing
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.variable_projection.levenberg_marquardt import FitState
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["Checkpoint", "fit_signature", "read_checkpoint", "states_so_far", "write_checkpoint"]

_METHOD = 3
"""Of the fit; another one whenever the same data and settings lead to other states."""

_ARRAYS = ("radial", "linear", "reference")
_DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError),  # of the archive
    *(ValueError, KeyError, TypeError, AttributeError),  # of what it holds
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """States of an ensemble's fits so far.

    Attributes
    ----------
    signature : str
        Of data and settings; a fit goes on only with the same.
    states : mapping of str to FitState
        By name, see `Journal`.
    losses : mapping of str to tuple of float
        Loss at the start and after each iteration, by the same names.
    """

    signature: str
    states: Mapping[str, FitState]
    losses: Mapping[str, tuple[float, ...]]


def fit_signature(
    potential: MTP,
    dataset: Dataset,
    settings: FitSettings,
    apart_from: Sequence[MTP] = (),
    other_starts: Sequence[MTP] = (),
) -> str:
    """Hash of everything that a fit's numbers depend on, other than its state.

    It differs from that of versions of maxvolt whose fits go another way. The limit of iterations
    does not count: it may be raised between restarts.
    """
    digest = hashlib.sha256(f"method {_METHOD}".encode())
    for part in dataset.content():
        digest.update(part)
    model = potential.model
    for array in (model.table.basic, model.table.products, model.table.scalars, model.parameters):
        digest.update(np.ascontiguousarray(array).tobytes())
    fixed = replace(settings, max_iterations=1)
    described = (potential.species, model.radial, model.scaling, model.repulsion, fixed)
    digest.update(repr(described).encode())
    for other in apart_from:
        digest.update(other.digest.encode())
    for start in other_starts:
        digest.update(b"start" + start.digest.encode())
    return digest.hexdigest()


def write_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write to a temporary file beside `path`, then rename."""
    arrays: dict[str, Any] = {}
    scalars = {}
    for key, state in checkpoint.states.items():
        for name in _ARRAYS:
            arrays[f"{name}_{key}"] = getattr(state, name)
        scalars[key] = {k: v for k, v in asdict(state).items() if k not in _ARRAYS}
    document = {
        "signature": checkpoint.signature,
        "states": scalars,
        "losses": {key: list(losses) for key, losses in checkpoint.losses.items()},
    }
    with replacing(path) as file:
        np.savez(file, document=np.array(json.dumps(document)), **arrays)


def read_checkpoint(path: str | Path, signature: str) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises
    ------
    FitError
        The file is missing, damaged, or of a fit with other data or settings.
    """
    try:
        file: Mapping[str, Any] = read_arrays(Path(path))
        document = json.loads(str(file["document"]))
        states = {
            key: FitState(**{name: file[f"{name}_{key}"] for name in _ARRAYS}, **scalars)
            for key, scalars in document["states"].items()
        }
        losses = {key: tuple(values) for key, values in document["losses"].items()}
        found = document["signature"]
    except FileNotFoundError as error:
        raise FitError(f"{path}: no such checkpoint; start without restart") from error
    except _DAMAGE as error:
        raise FitError(f"{path}: not a checkpoint of a fit ({error}); start anew") from error
    if found != signature:
        raise FitError(
            f"{path}: the checkpoint belongs to a fit with other data, potential or settings, or "
            "of another version of maxvolt; restart with the same ones, or start anew with another "
            "checkpoint file"
        )
    return Checkpoint(signature, states, losses)


def states_so_far(checkpoint: str | Path | None, restart: bool, signature: str) -> Checkpoint:
    """States to go on from; none where a fit begins anew.

    Raises
    ------
    FitError
        A checkpoint that is to be read cannot be used, or one that exists is not to be read.
    """
    if checkpoint is not None and restart:
        return read_checkpoint(checkpoint, signature)
    if checkpoint is not None and Path(checkpoint).exists():
        raise FitError(
            f"{checkpoint}: this checkpoint exists; continue from it (restart), or remove it to "
            "start anew"
        )
    return Checkpoint(signature, {}, {})
