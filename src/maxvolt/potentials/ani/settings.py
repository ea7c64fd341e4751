"""What an ANI potential is made of: symmetry functions and layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from maxvolt.errors import MaxvoltError
from maxvolt.limits import CUTOFF, Limit

if TYPE_CHECKING:  # the command line shows defaults in its help, and is to start fast
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SUFFIX", "ANISettings"]

SUFFIX = ".ani.safetensors"
"""Of the names of files."""

_FUNCTIONS = Limit(1, 512)
_LAYERS = Limit(1, 64)
_WIDTH = Limit(1, 4096)

_OVERLAP = 43.9 * (5.75 / 32) ** 2
"""Square of the distance of neighbouring radial Gaussians times eta, as in ANI-Al."""

_SHELL_OVERLAP = 6.5 * (3.75 / 8) ** 2
"""The same of the Gaussians of the angular functions."""

_SECTION_OVERLAP = 69.4 * (math.pi / 8) ** 2
"""Square of the distance of neighbouring angles times zeta, as in ANI-Al."""


@dataclass(frozen=True, slots=True)
class ANISettings:
    """Symmetry functions, equations (163) to (166), and networks, equation (167).

    The defaults are those of ANI-Al (Smith et al. 2021).

    Attributes
    ----------
    radial_cutoff : float, Angstrom
        Cutoff of the radial functions and of the potential.
    radial_functions : int
        Radial functions for each species of neighbour.
    angular_cutoff : float, Angstrom
        Cutoff of the angular functions, at most that of the radial ones.
    angular_shells : int
        Distances of the angular functions.
    angular_sections : int
        Angles of the angular functions; there is one function for each distance and angle.
    start : float, Angstrom
        Where the first Gaussian of distances is centred; others follow at equal distances up to the
        cutoff.
    radial_eta, angular_eta : float, 1/Angstrom^2, or None
        Exponents of the Gaussians; None: neighbours overlap as those of ANI-Al do.
    zeta : float or None
        Exponent of the angular functions; None: likewise.
    layers : tuple of int
        Widths of the hidden layers.
    celu_alpha : float
        Parameter of the activation CELU.
    radial_shifts, angular_shifts : tuple of float, Angstrom, or None
        Centres of the Gaussians, where they are not at equal distances.
    angular_angles : tuple of float, radian, or None
        Angles of the angular functions, where they are not at equal distances.
    element_layers : tuple of tuple of int, or None
        Widths of the hidden layers of the network of each species, where they differ.

    Raises
    ------
    MaxvoltError
        A value that cannot be.
    """

    radial_cutoff: float = 7.0
    radial_functions: int = 32
    angular_cutoff: float = 5.0
    angular_shells: int = 8
    angular_sections: int = 8
    start: float = 1.25
    radial_eta: float | None = None
    angular_eta: float | None = None
    zeta: float | None = None
    layers: tuple[int, ...] = (96, 96, 64)
    celu_alpha: float = 0.1
    radial_shifts: tuple[float, ...] | None = None
    angular_shifts: tuple[float, ...] | None = None
    angular_angles: tuple[float, ...] | None = None
    element_layers: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        CUTOFF.check("radial_cutoff", self.radial_cutoff)
        CUTOFF.check("angular_cutoff", self.angular_cutoff)
        if self.angular_cutoff > self.radial_cutoff:
            raise MaxvoltError(
                f"angular_cutoff must be at most radial_cutoff = {self.radial_cutoff:g} A; got "
                f"{self.angular_cutoff:g} A"
            )
        if not 0 <= self.start < self.angular_cutoff:
            raise MaxvoltError(
                f"start must lie between 0 and angular_cutoff = {self.angular_cutoff:g} A; got "
                f"{self.start:g}"
            )
        for name in ("radial_functions", "angular_shells", "angular_sections"):
            _check_whole(name, getattr(self, name), _FUNCTIONS)
        for name in ("radial_eta", "angular_eta", "zeta", "celu_alpha"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise MaxvoltError(f"{name} must be a positive number; got {value}")
        object.__setattr__(self, "layers", _checked_layers("layers", self.layers))
        if self.element_layers is not None:
            each = tuple(_checked_layers("element_layers", one) for one in self.element_layers)
            object.__setattr__(self, "element_layers", each)
        for name, count in (
            ("radial_shifts", self.radial_functions),
            ("angular_shifts", self.angular_shells),
            ("angular_angles", self.angular_sections),
        ):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _checked_centers(name, getattr(self, name), count))

    @property
    def radial_centers(self) -> NDArray[np.float64]:
        """Centres of the radial functions, shape (radial_functions,), Angstrom."""
        if self.radial_shifts is not None:
            return _array(self.radial_shifts)
        return _spread(self.start, self.radial_cutoff, self.radial_functions)

    @property
    def shell_centers(self) -> NDArray[np.float64]:
        """Distances of the angular functions, shape (angular_shells,), Angstrom."""
        if self.angular_shifts is not None:
            return _array(self.angular_shifts)
        return _spread(self.start, self.angular_cutoff, self.angular_shells)

    @property
    def section_centers(self) -> NDArray[np.float64]:
        """Angles of the angular functions, shape (angular_sections,), radian."""
        if self.angular_angles is not None:
            return _array(self.angular_angles)
        half = 0.5 * math.pi / self.angular_sections
        return _spread(half, math.pi + half, self.angular_sections)

    @property
    def exponents(self) -> tuple[float, float, float]:
        """The exponents in use: radial eta, angular eta, zeta."""
        radial = (self.radial_cutoff - self.start) / self.radial_functions
        shells = (self.angular_cutoff - self.start) / self.angular_shells
        sections = math.pi / self.angular_sections
        return (
            _OVERLAP / radial**2 if self.radial_eta is None else self.radial_eta,
            _SHELL_OVERLAP / shells**2 if self.angular_eta is None else self.angular_eta,
            _SECTION_OVERLAP / sections**2 if self.zeta is None else self.zeta,
        )

    def n_features(self, n_species: int) -> int:
        """Symmetry functions of an atom, for so many species."""
        pairs = n_species * (n_species + 1) // 2
        angular = self.angular_shells * self.angular_sections
        return n_species * self.radial_functions + pairs * angular

    def layer_sizes(self, n_species: int, kind: int = 0) -> tuple[int, ...]:
        """Widths of all layers of the network of a species, from its functions to the energy."""
        hidden = self.layers if self.element_layers is None else self.element_layers[kind]
        return (self.n_features(n_species), *hidden, 1)

    def layers_text(self, species: tuple[str, ...]) -> str:
        """Widths of all layers for people; of each species, where they differ."""
        sizes = [self.layer_sizes(len(species), kind) for kind in range(len(species))]
        texts = ["-".join(map(str, one)) for one in sizes]
        if len(set(texts)) == 1:
            return texts[0]
        return ", ".join(f"{symbol} {text}" for symbol, text in zip(species, texts, strict=True))

    def weight_shapes(
        self, n_species: int, kind: int = 0
    ) -> list[tuple[tuple[int, int], tuple[int]]]:
        """Shapes of the weights and biases between the layers of the network of a species."""
        sizes = self.layer_sizes(n_species, kind)
        return [((out, into), (out,)) for into, out in pairwise(sizes)]

    def has_functions_of(self, other: Self) -> bool:
        """Whether the symmetry functions, not the networks, are the same as those of another."""
        networks = {"layers", "element_layers", "celu_alpha"}
        names = [field.name for field in fields(self) if field.name not in networks]
        return all(getattr(self, name) == getattr(other, name) for name in names)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Make settings of what a file holds.

        Raises
        ------
        MaxvoltError
            A name or a value that cannot be.
        """
        names = [field.name for field in fields(cls)]
        if unknown := [name for name in found if name not in names]:
            raise MaxvoltError(f"unknown setting {unknown[0]!r}; expected {', '.join(names)}")
        try:
            return cls(**found)
        except TypeError as error:
            raise MaxvoltError(f"a setting has a value of the wrong kind: {error}") from error


def _checked_layers(name: str, widths: Any) -> tuple[int, ...]:
    found: tuple[int, ...] = tuple(widths)
    _check_whole(f"the number of {name}", len(found), _LAYERS)
    for width in found:
        _check_whole(name, width, _WIDTH)
    return found


def _checked_centers(name: str, values: Any, count: int) -> tuple[float, ...]:
    found: tuple[float, ...] = tuple(float(value) for value in values)
    if len(found) != count:
        raise MaxvoltError(f"{name}: expected {count} numbers, one for each function; got {found}")
    if not all(math.isfinite(value) for value in found):
        raise MaxvoltError(f"{name}: holds a number that is not finite")
    return found


def _array(values: tuple[float, ...]) -> NDArray[np.float64]:
    import numpy as np

    return np.array(values)


def _check_whole(name: str, value: Any, limit: Limit) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MaxvoltError(f"{name}: expected a whole number; got {value!r:.40}")
    limit.check(name, value)


def _spread(first: float, end: float, count: int) -> NDArray[np.float64]:
    """Return so many values at equal distances, from the first on; the end is left out."""
    import numpy as np

    return np.linspace(first, end, count, endpoint=False)
