"""The state of a fit of networks, in memory and on disk: enough to go on bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.files import replacing
from maxvolt.fitting.contract import FitRequest
from maxvolt.potentials.ani.libraries import require_safetensors, stored_metadata

__all__ = ["NetworkState", "fit_signature", "read_states", "states_so_far", "write_states"]

Arrays = Mapping[str, NDArray[np.float64]]

_GROUPS = ("weights", "best", "means", "squares", "constants")
_SCALARS = ("epoch", "losses", "learning_rate", "waiting", "best_loss", "finished")


@dataclass(frozen=True, slots=True, eq=False)
class NetworkState:
    """Where the fit of one potential stands after an epoch.

    Attributes
    ----------
    epoch : int
        Epochs done.
    losses : tuple of float
        Loss that is watched, at the start and after each epoch.
    learning_rate : float
    waiting : int
        Epochs since the loss fell.
    best_loss : float
    finished : str
        Why it ended; "" while it goes on.
    weights, best : mapping of name to array
        Weights now, and those with the lowest loss.
    means, squares : mapping of name to array
        Running means of gradients and of their squares, of Adam.
    constants : mapping of name to array
        Energies and scales of the elements.
    """

    epoch: int
    losses: tuple[float, ...]
    learning_rate: float
    waiting: int
    best_loss: float
    finished: str
    weights: Arrays
    best: Arrays
    means: Arrays
    squares: Arrays
    constants: Arrays


def fit_signature(request: FitRequest) -> str:
    """Hash of everything that the numbers of a fit depend on, other than its state.

    The limit of epochs does not count: it may be raised between restarts.
    """
    digest = hashlib.sha256()
    for part in request.objective.dataset.content():
        digest.update(part)
    settings = replace(request.settings, max_iterations=1)
    network = replace(settings.network, epochs=1)
    starts = " ".join(one.digest for one in request.starts)
    digest.update(f"{starts} {settings} {network}".encode())
    return digest.hexdigest()


def write_states(path: str | Path, signature: str, states: Mapping[int, NetworkState]) -> None:
    """Write the states of all potentials of an ensemble so far, by number."""
    arrays, scalars = {}, {}
    for member, state in states.items():
        scalars[member] = {name: getattr(state, name) for name in _SCALARS}
        for group in _GROUPS:
            for name, values in getattr(state, group).items():
                arrays[f"{member}/{group}/{name}"] = np.ascontiguousarray(values)
    metadata = {"signature": signature, "states": json.dumps(scalars)}
    written = require_safetensors().numpy.save(arrays, metadata)
    with replacing(path) as stream:
        stream.write(written)


def states_so_far(request: FitRequest, signature: str) -> dict[int, NetworkState]:
    """States to go on from; none where a fit begins anew.

    Raises
    ------
    FitError
        A checkpoint that is to be read cannot be used, or one that exists is not to be read.
    """
    if request.checkpoint is None:
        return {}
    if request.restart:
        return read_states(request.checkpoint, signature)
    if Path(request.checkpoint).exists():
        raise FitError(
            f"{request.checkpoint}: this checkpoint exists; continue from it (restart), or remove "
            "it to start anew"
        )
    return {}


def read_states(path: str | Path, signature: str) -> dict[int, NetworkState]:
    """Read what `write_states` wrote.

    Raises
    ------
    FitError
        The file is missing, damaged, or of a fit with other data or settings.
    """
    library = require_safetensors()
    try:
        content = Path(path).read_bytes()
        metadata = stored_metadata(content)
        arrays = library.numpy.load(content)
        states = {
            int(member): _state(scalars, arrays, member)
            for member, scalars in json.loads(metadata["states"]).items()
        }
        found = metadata["signature"]
    except FileNotFoundError as error:
        raise FitError(f"{path}: no such checkpoint; start without restart") from error
    except (OSError, ValueError, KeyError, TypeError, library.SafetensorError) as error:
        raise FitError(f"{path}: not a checkpoint of a fit of networks; start anew") from error
    if found != signature:
        raise FitError(
            f"{path}: the checkpoint belongs to a fit with other data, potential or settings; "
            "restart with the same ones, or start anew with another checkpoint file"
        )
    return states


def _state(
    scalars: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float64]], member: str
) -> NetworkState:
    groups: dict[str, Any] = {group: {} for group in _GROUPS}
    for key, values in arrays.items():
        number, group, name = key.split("/")
        if number == member:
            groups[group][name] = values
    return NetworkState(**{**scalars, "losses": tuple(scalars["losses"])}, **groups)
