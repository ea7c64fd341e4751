"""Settings of a fit: their one set of defaults, for Python, campaign files and the command line.

Nothing heavy is imported here, so that ``maxvolt train --help`` can show the defaults at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypedDict, TypeVar, get_args

from maxvolt.errors import FitError, nearest_name
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.limits import ITERATIONS, MEMBERS, STARTS

__all__ = [
    "DEFAULT_SCALING",
    "FitChanges",
    "FitSettings",
    "IsolatedEnergies",
    "Resampling",
    "Scaling",
    "SizeScaling",
    "SolverSettings",
    "Weights",
    "check_choice",
    "settings_with",
]

Scaling = Literal["vibrations", "molecules", "structures"]
Resampling = Literal["auto", "weights", "bootstrap", "none"]
IsolatedEnergies = Mapping[str, float] | Literal["fit", "data"]

DEFAULT_SCALING: Scaling = "vibrations"

_STARTS = 8
"""By default, of a single potential."""

_LIMITS = {"max_iterations": ITERATIONS, "starts": STARTS, "start_iterations": ITERATIONS}

_OTHER_ARGUMENTS = (
    "settings",
    "validation",
    "threads",
    "checkpoint",
    "restart",
    "progress",
    "ranks",
    "apart_from",
)
"""Of `fit`, besides the fields of the settings."""

Options = TypeVar("Options")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the three kinds of labels in the loss.

    Attributes
    ----------
    energy : float, 1/eV^2
    forces : float, Angstrom^2/eV^2
    stress : float, 1/eV^2
        Of the virial, volume times stress.

    Raises
    ------
    FitError
        A weight is negative or not finite, or all are zero.
    """

    energy: float = 1.0
    forces: float = 0.01
    stress: float = 0.001

    def __post_init__(self) -> None:
        values = (self.energy, self.forces, self.stress)
        if not all(math.isfinite(v) and v >= 0 for v in values) or not any(values):
            raise FitError(
                f"expected weights >= 0, at least one above 0; got energy={self.energy}, "
                f"forces={self.forces}, stress={self.stress}"
            )


@dataclass(frozen=True, slots=True)
class SizeScaling:
    """How errors count by the number of atoms N and by the force, where no name says it.

    Attributes
    ----------
    energy_power : int
        Errors of energies and stresses are divided by N to this power: 0, 1 or 2.
    force_power : int
        Likewise those of forces.
    softening : float, eV^2/Angstrom^2
        Weights of the forces F of an atom are multiplied by s / (|F|^2 + s), so that large ones
        count less; 0: they are not.

    Raises
    ------
    FitError
        A value is out of its range.
    """

    energy_power: int = 1
    force_power: int = 0
    softening: float = 0.0

    def __post_init__(self) -> None:
        for name in ("energy_power", "force_power"):
            if getattr(self, name) not in (0, 1, 2):
                raise FitError(f"{name} must be 0, 1 or 2; got {getattr(self, name)}")
        if not (math.isfinite(self.softening) and self.softening >= 0):
            raise FitError(f"softening must be 0 or more; got {self.softening}")


@dataclass(frozen=True, slots=True)
class SolverSettings:
    """How the loss of one potential is minimised; the defaults need no tuning.

    Attributes
    ----------
    max_iterations : int
        Most Levenberg-Marquardt iterations of one potential.
    tolerance : float
        A fit ends when the loss falls by less than this, relative, in three successive iterations.
    starts : int, optional
        Random starts tried for each potential, on part of the data; the better half goes on there,
        then on all data, until one is left. None: 8 for one potential; 1 for each of an ensemble,
        whose members the best of many starts would bring to one and the same minimum.
    start_iterations : int
        Most iterations of a start on part of the data. On all data the better ones are given a
        sixth of them, then the better half a third.
    ridge : float
        Regularisation of the linear coefficients, relative to the diagonal of their normal matrix;
        the loss includes it.
    restart_from_potential : bool
        Start from the coefficients of a trained potential instead of random ones.

    Raises
    ------
    FitError
        A value is out of its range.
    """

    max_iterations: int = 100
    tolerance: float = 1e-4
    starts: int | None = None
    start_iterations: int = 12
    ridge: float = 1e-10
    restart_from_potential: bool = True

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            if getattr(self, name) is not None:
                limit.check(name, getattr(self, name), FitError)
        for name in ("tolerance", "ridge"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise FitError(f"{name} must lie between 0 and 1; got {value}")


@dataclass(frozen=True, slots=True)
class FitSettings(SolverSettings):
    """What is fitted, and how. The fields of `SolverSettings` come first.

    Attributes
    ----------
    resampling : str
        Data of the potentials of an ensemble. "weights": each has random weights of the structures,
        as of another sample (the Bayesian bootstrap), so that their spread shows what the choice of
        structures does; "bootstrap": each has as many structures, drawn with replacement; "none":
        all have the same data and differ by their starts alone, which most often end in the same
        minimum; "auto": "weights" for an ensemble, "none" for one potential.
    starts_apart : bool
        Keep the potentials of an ensemble in different minima of the loss. One that comes to the
        minimum of an earlier one is given up there and begun from another random start, up to three
        times; minima are told apart by the spaces that the radial functions span.
    weights : Weights
        Of energies, forces and stresses in the loss.
    scaling : str or SizeScaling
        How errors count by the number of atoms, see `maxvolt.fitting.objective.equation_weights`.
    isolated_energies : "fit", "data" or mapping of symbol to eV
        Energies of isolated atoms: fitted, taken from the structures that are one atom without
        neighbours, or given.
    ensemble : int
        Number of potentials.
    seed : int
        Random seed of starts and random weights.
    robust : bool
        Huber's loss in place of squares: labels with large errors count less, see
        `maxvolt.fitting.robust_weights`.
    network : NetworkSettings
        How neural networks are trained, of families that are such; of the fields of
        `SolverSettings` these heed `restart_from_potential` alone.

    Raises
    ------
    FitError
        A value is out of its range.
    """

    resampling: Resampling = "auto"
    starts_apart: bool = False
    weights: Weights = Weights()
    scaling: Scaling | SizeScaling = DEFAULT_SCALING
    isolated_energies: IsolatedEnergies = "fit"
    ensemble: int = 1
    seed: int = 0
    robust: bool = False
    # No part of the name of a fit of other families, whose numbers do not depend on it.
    network: NetworkSettings = field(default=NetworkSettings(), repr=False)

    def __post_init__(self) -> None:
        SolverSettings.__post_init__(self)
        check_choice("resampling", self.resampling, Resampling)
        if not isinstance(self.starts_apart, bool):
            raise FitError(f"starts_apart must be True or False; got {self.starts_apart!r:.60}")
        if not isinstance(self.scaling, SizeScaling):
            check_choice("scaling", self.scaling, Scaling)
        MEMBERS.check("ensemble", self.ensemble, FitError)
        if self.seed < 0:
            raise FitError(f"a seed must be 0 or more; got {self.seed}")
        if not isinstance(self.robust, bool):
            raise FitError(f"robust must be True or False; got {self.robust!r:.60}")
        if not isinstance(self.weights, Weights):
            raise FitError(f"weights: expected maxvolt.Weights; got {self.weights!r:.60}")
        if not isinstance(self.network, NetworkSettings):
            raise FitError(f"network: expected NetworkSettings; got {self.network!r:.60}")
        if isinstance(self.isolated_energies, Mapping):
            object.__setattr__(self, "isolated_energies", dict(self.isolated_energies))
        elif self.isolated_energies not in ("fit", "data"):
            raise FitError(
                "isolated_energies must be 'fit', 'data' or energies by symbol; got "
                f"{self.isolated_energies!r:.60}"
            )

    @property
    def n_starts(self) -> int:
        """Random starts of each potential."""
        if self.starts is not None:
            return self.starts
        return 1 if self.resamples or (self.starts_apart and self.ensemble > 1) else _STARTS

    @property
    def resamples(self) -> bool:
        """Whether each potential has data of its own."""
        return self.resampling_used != "none"

    @property
    def resampling_used(self) -> Literal["weights", "bootstrap", "none"]:
        """What "auto" stands for, or what was asked for."""
        if self.resampling == "auto":
            return "weights" if self.ensemble > 1 else "none"
        return self.resampling


class FitChanges(TypedDict, total=False):
    """Fields of `FitSettings` as keywords of `fit`; weights and network may be mappings."""

    max_iterations: int
    tolerance: float
    starts: int | None
    start_iterations: int
    ridge: float
    restart_from_potential: bool
    resampling: Resampling
    starts_apart: bool
    weights: Weights | Mapping[str, float]
    scaling: Scaling | SizeScaling
    isolated_energies: IsolatedEnergies
    ensemble: int
    seed: int
    robust: bool
    network: NetworkSettings | Mapping[str, Any]


def settings_with(
    settings: FitSettings | Mapping[str, Any], changes: Mapping[str, Any]
) -> FitSettings:
    """Give settings with some fields changed by name, as `fit` takes them.

    Parameters
    ----------
    settings
        Settings, or fields of them by name.
    changes
        Fields by name, which count more.

    Returns
    -------
    FitSettings

    Raises
    ------
    FitError
        A name or a value that does not exist; the message names those that do.
    """
    names = [field.name for field in fields(FitSettings)]
    if unknown := [key for key in changes if key not in names]:
        near = _nearest(unknown[0], [*names, *_OTHER_ARGUMENTS])
        raise FitError(
            f"fit: there is no argument {unknown[0]!r}{near}; the fields of the settings are "
            f"{', '.join(names)}"
        )
    if isinstance(settings, Mapping):
        _check_names("settings", settings, names)
        settings = _made(FitSettings, "settings", _with_weights(settings))
    elif not isinstance(settings, FitSettings):
        raise _unexpected("settings", FitSettings, names, settings)
    try:
        return replace(settings, **_with_weights(changes))
    except TypeError as error:
        raise FitError(f"fit: expected numbers; got {dict(changes)!r:.80}") from error


def check_choice(name: str, value: object, choices: Any) -> None:
    """Refuse what is none of the values of a `Literal`."""
    if value not in get_args(choices):
        raise FitError(f"{name} must be one of {', '.join(get_args(choices))}; got {value!r}")


def _with_weights(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with weights and network as their classes, also from ``{"energy": 1}``."""
    found = dict(given)
    weights = found.get("weights", Weights())
    if not isinstance(weights, Weights):
        names = [field.name for field in fields(Weights)]
        if not isinstance(weights, Mapping):
            raise _unexpected("weights", Weights, names, weights)
        _check_names("weights", weights, names)
        found["weights"] = _made(Weights, "weights", weights)
    network = found.get("network")
    if isinstance(network, Mapping):
        _check_names("network", network, [one.name for one in fields(NetworkSettings)])
        found["network"] = _made(NetworkSettings, "network", network)
    return found


def _check_names(what: str, given: Mapping[str, Any], known: list[str]) -> None:
    for key in given:
        if key not in known:
            raise FitError(
                f"{what}: there is no {key!r} among {', '.join(known)}{_nearest(key, known)}"
            )


def _made(kind: type[Options], what: str, given: Mapping[str, Any]) -> Options:
    try:
        return kind(**given)
    except TypeError as error:
        raise FitError(f"{what}: expected numbers; got {dict(given)!r:.80}") from error


def _unexpected(what: str, kind: type, known: list[str], given: object) -> FitError:
    return FitError(
        f"{what}: expected maxvolt.{kind.__name__} or a dict with {', '.join(known)}; got "
        f"{type(given).__name__} {given!r:.60}"
    )


def _nearest(key: object, names: list[str]) -> str:
    near = nearest_name(str(key), names)
    return f"; did you mean {near!r}?" if near else ""
