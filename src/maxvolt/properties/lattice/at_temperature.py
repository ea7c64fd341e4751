"""What Monte Carlo of an alloy finds at one temperature, and its file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.archives import kept_arrays
from maxvolt.files import replacing
from maxvolt.properties.lattice.order import OrderedState

__all__ = ["AtTemperature"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AtTemperature:
    """What is found at one temperature.

    Attributes
    ----------
    temperature : K
    energy, energy_error : eV per site
        Mean and its standard error, from blocks.
    heat_capacity, heat_capacity_error : k_B per site
        By fluctuations, equation (207): at constant composition, or at constant chemical
        potentials where these are given.
    accepted
        Share of the attempts.
    concentrations : shape (c,)
        Mean shares of the species.
    order, order_error : shape (shells, c, c)
        Parameters of Warren and Cowley, and their standard errors.
    state
        Long-range order; None on lattices that are not cubic.
    occupation : shape (n_sites,)
        The last arrangement.
    random_state : shape (4,)
        Random numbers after it.
    """

    temperature: float
    energy: float
    energy_error: float
    heat_capacity: float
    heat_capacity_error: float
    accepted: float
    concentrations: Array
    order: Array
    order_error: Array
    state: OrderedState | None
    occupation: NDArray[np.int64]
    random_state: NDArray[np.uint64]

    def to_dict(self) -> dict[str, Any]:
        """All but the arrangement and the random numbers, as plain values; units as above."""
        left_out = ("occupation", "random_state")
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        found = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in named.items()
            if name not in left_out
        }
        found["state"] = None if self.state is None else self.state.to_dict()
        return found

    def write(self, path: Path) -> None:
        """Write everything, from which a simulation goes on bit for bit."""
        arrays: dict[str, Any] = {
            one.name: np.asarray(getattr(self, one.name))
            for one in fields(self)
            if one.name != "state"
        }
        arrays["state"] = np.array(json.dumps(self.state and self.state.to_dict()))
        with replacing(path) as file:
            np.savez(file, **arrays)

    @classmethod
    def read(cls, path: Path) -> AtTemperature:
        """Read what was written.

        Raises
        ------
        FileFormatError
            The file is damaged.
        """
        with kept_arrays(path, "temperature that is done") as arrays:
            values: dict[str, Any] = {
                one.name: float(arrays[one.name]) if one.type == "float" else arrays[one.name]
                for one in fields(cls)
            }
            state = json.loads(str(arrays["state"]))
            values["state"] = state and OrderedState.from_dict(state)
        return cls(**values)
