"""How far the numbers and curves of a card are from those of its reference, in one table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from maxvolt.properties.evaluation import PropertyResult, Value
from maxvolt.report.card.card import REFERENCE, Card
from maxvolt.report.card.published_deviations import PublishedDeviations
from maxvolt.report.card.states import property_of

__all__ = ["COLUMNS", "Deviation", "deviation_rows", "deviations", "without_unit"]

COLUMNS = ("property", "quantity", "unit", "potential", "reference", "difference", "%")
"""Of `deviation_rows`; a published one stands behind them."""

_ERRORS = ("force error", "energy error")
"""What a property that checks frames calls its differences from the reference."""

_NOISE = 1e-6
"""Of the largest number with the same unit: what is smaller is zero, as frequencies at Γ are."""

_MOST_PERCENT = 1000.0


@dataclass(frozen=True, slots=True)
class Deviation:
    """One number or curve of a potential beside that of the reference.

    Attributes
    ----------
    property
        Name of the property on the card, with its state: "density:melt".
    quantity, unit
        What it is.
    value, reference
        Of both; None of a curve, and of frames that the reference was asked for.
    difference
        Value less reference; of curves and frames the root mean square difference.
    error
        Standard error of the difference, where numbers are means over time.
    percent
        Difference in per cent of the reference; None where that says nothing.
    """

    property: str
    quantity: str
    unit: str
    value: float | None
    reference: float | None
    difference: float
    error: float | None = None
    percent: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)


def deviations(card: Card, label: str) -> tuple[Deviation, ...]:
    """List how far a potential of a card is from the reference.

    Parameters
    ----------
    card
        With a reference; without one there are none.
    label
        Of the potential.
    """
    return tuple(
        one
        for name in card.properties
        if (label, name) in card.results
        for one in _of_property(card, label, name)
    )


def deviation_rows(
    found: Sequence[Deviation], published: PublishedDeviations | None
) -> list[list[str]]:
    """Write deviations as rows of a table.

    Returns
    -------
    rows
        Texts for `COLUMNS`, and that of the published deviation where some are known.
    """
    rows = []
    before = ""
    for one in found:
        error = "" if one.error is None else f" ± {one.error:.2g}"
        sign = "+" if one.reference is not None and one.difference else ""
        rows.append(
            [
                one.property if one.property != before else "",
                one.quantity,
                one.unit,
                _number(one.value),
                _number(one.reference),
                f"{one.difference:{sign}.3g}{error}",
                "" if one.percent is None else f"{one.percent:+.1f}",
                *([] if published is None else [_published(published, one)]),
            ]
        )
        before = one.property
    return rows


def without_unit(label: str) -> tuple[str, str]:
    """Split "energy (eV/atom)" into the name and the unit, "" where there is none."""
    parts = re.fullmatch(r"(.*) \(([^()]*)\)", label)
    return (label, "") if parts is None else (parts[1], parts[2])


def _of_property(card: Card, label: str, name: str) -> Iterator[Deviation]:
    result = card.results[label, name]
    reference = card.results.get((REFERENCE, name))
    if reference is not None:
        for key, value in result.values.items():
            other = reference.values.get(key)
            if other is not None and math.isfinite(value.value - other.value):
                yield _of_values(name, key, value, other, _NOISE * _largest(reference, value.unit))
    elif property_of(name).checks_frames:
        yield from _of_frames(name, result)
    for key, error in result.curve_errors.items():
        quantity, unit = without_unit(key)
        yield Deviation(name, quantity, unit, None, None, error)


def _of_values(name: str, key: str, value: Value, other: Value, noise: float) -> Deviation:
    errors = [one.statistical_error for one in (value, other) if one.statistical_error is not None]
    difference = value.value - other.value
    percent = None
    if abs(other.value) > noise and value.unit != "%":
        percent = 100 * difference / abs(other.value)
    return Deviation(
        name,
        key,
        value.unit,
        value.value,
        other.value,
        difference,
        math.hypot(*errors) if errors else None,
        percent if percent is None or abs(percent) < _MOST_PERCENT else None,
    )


def _largest(result: PropertyResult, unit: str) -> float:
    """Largest number that has this unit."""
    return max(
        abs(one.value)
        for one in result.values.values()
        if one.unit == unit and math.isfinite(one.value)
    )


def _of_frames(name: str, result: PropertyResult) -> Iterator[Deviation]:
    for key, value in result.values.items():
        if key.startswith(_ERRORS):
            yield Deviation(name, key, value.unit, None, None, value.value)


def _published(published: PublishedDeviations, one: Deviation) -> str:
    return published.texts.get((one.property.partition(":")[0], one.quantity), "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
