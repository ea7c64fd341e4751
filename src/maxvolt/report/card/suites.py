"""Named suites: properties of a card with settings that belong together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from maxvolt.errors import DataError, nearest_name
from maxvolt.report.card.deviations import Deviation

__all__ = ["MELTING_POINTS", "SUITES", "Suite", "find_suite"]

MELTING_POINTS: Mapping[str, float] = {"Al": 933.0}
"""Measured ones, K, by elements."""

Settings = dict[str, dict[str, Any]]
"""Settings by the names of properties on the card, in the order of the suite."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Properties with their settings.

    Attributes
    ----------
    name
        By which the command knows it.
    summary
        What it is, in a line.
    source
        Where it is from.
    full
        Settings for about where the element melts, K: temperatures follow from it.
    small
        What the quick form has in their place: small cells and short times, which try everything
        and give numbers of no use.
    headline
        Patterns of the quantities that stand in the table of deviations, by property; of another
        property all do.
    """

    name: str
    summary: str
    source: str
    full: Callable[[float], Settings]
    small: Mapping[str, Mapping[str, Any]]
    headline: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """What it is, with its source."""
        return f"Suite {self.name}: {self.summary}; after {self.source}."

    def headlines(self, found: Iterable[Deviation]) -> list[Deviation]:
        """Those deviations that stand in the table."""
        return [
            one
            for one in found
            if re.fullmatch(self.headline.get(one.property.partition(":")[0], ".*"), one.quantity)
        ]

    def settings(self, melting_point: float, *, quick: bool = False) -> Settings:
        """Give the settings of all properties.

        Parameters
        ----------
        melting_point : K
            About where the element melts.
        quick
            Whether cells are small and times short.
        """
        full = self.full(melting_point)
        if not quick:
            return full
        return {name: {**chosen, **self.small.get(name, {})} for name, chosen in full.items()}


def find_suite(name: str) -> Suite:
    """Find a suite by its name.

    Raises
    ------
    DataError
        There is none.
    """
    if name in SUITES:
        return SUITES[name]
    near = nearest_name(name, list(SUITES))
    hint = f"did you mean {near}?" if near else f"expected one of {', '.join(SUITES)}"
    raise DataError(f"there is no suite {name!r}; {hint}")


def _rounded(temperature: float) -> float:
    return 10.0 * round(temperature / 10)


def _discovery(melting_point: float) -> Settings:
    cold, liquid, hot = (_rounded(share * melting_point) for share in (0.32, 1.07, 1.71))
    melt = {"temperature": liquid, "phase": "melt", "production_time": 30.0}
    return {
        "lattice": {},
        "elastic": {},
        "cold-curves": {"smallest": 0.75, "largest": 1.9},
        "paths": {},
        "stacking-faults": {},
        "vacancies": {},
        "interstitials": {},
        "surfaces": {},
        "phonons": {},
        "density:melt": dict(melt),
        "structure:melt": dict(melt),
        "melting": {
            "guess": melting_point,
            "pressures": [0.0, 5.0, 10.0],
            "sizes": [[5, 5, 12]],
            "seeds": [1],
            "equilibration_time": 20.0,
            "production_time": 60.0,
        },
        "heating-cooling": {"temperature": cold, "highest": hot},
        "shock": {
            "temperature": cold,
            "piston_velocities": [2.0],
            "length": 500.0,
            "cluster_radii": [6.0, 8.0, 10.0],
        },
    }


_BRIEF = {"atoms": 64, "equilibration_time": 0.4}
_SMALL: Mapping[str, Mapping[str, Any]] = {
    "cold-curves": {"points": 9},
    "paths": {"points": 11},
    "stacking-faults": {"points": 5},
    "vacancies": {"size": 8.0},
    "interstitials": {"size": 8.0},
    "phonons": {"size": 8.0, "mesh": 8},
    "density:melt": {**_BRIEF, "production_time": 1.0},
    "structure:melt": {**_BRIEF, "production_time": 1.0},
    "melting": {
        "pressures": [0.0, 5.0],
        "sizes": [[3, 3, 10]],
        "timestep": 4.0,
        "bulk_time": 1.0,
        "preparation_time": 1.5,
        "equilibration_time": 2.0,
        "production_time": 3.0,
        "segment_time": 1.5,
    },
    "heating-cooling": {
        **_BRIEF,
        "heating_time": 3.0,
        "cooling_time": 3.0,
        "checked_frames": 3,
    },
    "shock": {
        "length": 150.0,
        "width": 10.0,
        "atoms": 64,
        "equilibration_time": 0.4,
        "cluster_radii": [5.0, 6.0],
        "cluster_atoms": 2,
    },
}

_HEADLINE = {
    "lattice": "a|c",
    "elastic": r"C\d\d",
    "cold-curves": r".* above the lowest|\w+: energy",
    "vacancies": "vacancy|divacancy",
    "surfaces": r"\([-0-9]+\)",
    "phonons": "highest frequency|zero-point energy|bands: .*",
    "density": "density",
    "structure": r".*(g\(r\)|S\(q\))",
    "melting": "melting .*|heat of fusion .*|volume of fusion .*",
}

SUITES: Mapping[str, Suite] = {
    one.name: one
    for one in (
        Suite(
            "discovery",
            "what a potential discovered from disorder should know: crystals, defects, melt, "
            "melting curve, heating and cooling, shock",
            "Section III of J. S. Smith et al., Nat. Commun. 12, 1257 (2021)",
            _discovery,
            _SMALL,
            _HEADLINE,
        ),
    )
}
"""By their names."""
