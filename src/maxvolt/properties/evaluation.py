"""A property of a potential: with the spread of an ensemble, a reference, and grades."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.arguments import Calculating, calculators_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.member_spread import member_spread
from maxvolt.properties.ensemble import MeanSpread
from maxvolt.properties.findings import Findings
from maxvolt.properties.grade_recorder import GradeRecorder
from maxvolt.properties.named_property import Property
from maxvolt.properties.registry import find_property, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PropertyResult", "Value", "compute_property"]

_RELIABLE_GRADE = 2.0
"""Grade up to which a potential interpolates, in the sense of its active set."""


def number_text(value: float | None, form: str) -> str:
    """Write a number; "none" where there is none (NaN), nothing where none was asked for."""
    if value is None:
        return ""
    return "none" if np.isnan(value) else format(value, form)


@dataclass(frozen=True, slots=True)
class Value:
    """A number of a property.

    Attributes
    ----------
    value
        Of an ensemble the mean over its members.
    unit
        "" for a pure number.
    statistical_error
        Standard error of a mean over time; None where there is no time in it.
    two_sigma
        Twice the standard deviation over the members of an ensemble; None of one potential.
    reference
        The same with the reference; None where there is none.
    """

    value: float
    unit: str = ""
    statistical_error: float | None = None
    two_sigma: float | None = None
    reference: float | None = None

    def __str__(self) -> str:
        """Value, error and unit; "none" where there is no number."""
        if np.isnan(self.value):
            return number_text(self.value, "")
        error = "" if self.two_sigma is None else f" ± {self.two_sigma:.2g}"
        return f"{self.value:.6g}{error} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class PropertyResult(TableOfNumbers):
    """What is known of one property of one potential.

    Attributes
    ----------
    name, title
        Of the property.
    structure
        Formula of the crystal it was asked for.
    settings
        As plain values.
    values
        Numbers by their names.
    curves, reference_curves
        Of the potential (of an ensemble the first member), and of the reference.
    curve_errors
        Root mean square difference of curves from those of the reference, in the unit of their y,
        by name; of curves with the same points along x, as far as both go.
    members
        Number of potentials in the ensemble.
    largest_grade
        Largest extrapolation grade met; None where no active set was given.
    warnings
        What speaks against the numbers, and what to do; empty when nothing does.
    notes
        What was chosen, left out or not checked.
    seconds
        How long it took.
    """

    name: str
    title: str
    structure: str
    settings: Mapping[str, Any]
    values: Mapping[str, Value]
    curves: tuple[Curve, ...] = ()
    reference_curves: tuple[Curve, ...] = ()
    curve_errors: Mapping[str, float] = field(default_factory=dict)
    members: int = 1
    largest_grade: float | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __getitem__(self, name: str) -> float:
        """Number of a value."""
        return self.values[name].value

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values; `from_dict` reads it."""
        return {
            "name": self.name,
            "title": self.title,
            "structure": self.structure,
            "settings": _plain(self.settings),
            "values": {name: asdict(one) for name, one in self.values.items()},
            "curves": [one.to_dict() for one in self.curves],
            "reference_curves": [one.to_dict() for one in self.reference_curves],
            "curve_errors": dict(self.curve_errors),
            "members": self.members,
            "largest_grade": self.largest_grade,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> PropertyResult:
        """Read what `to_dict` gave."""
        values = {
            name: Value(**{**one, "value": np.nan if one["value"] is None else one["value"]})
            for name, one in document["values"].items()
        }
        read: dict[str, Any] = {**document, "values": values}
        for name in ("curves", "reference_curves"):
            read[name] = tuple(Curve.from_dict(one) for one in document[name])
        for name in ("warnings", "notes"):
            read[name] = tuple(document[name])
        return cls(**read)

    def plot(self) -> Figure:
        """Draw the curves, those of the reference dashed."""
        from maxvolt.properties.curve_figure import curve_figure

        drawn = {"": self.curves}
        if self.reference_curves:
            drawn = {"potential": self.curves, "reference": self.reference_curves}
        return curve_figure(drawn, title=self.title)

    def _repr_html_(self) -> str:
        from maxvolt.html_tables import html_table

        rows = [
            (
                name,
                str(one),
                number_text(one.statistical_error, ".2g"),
                number_text(one.reference, ".6g"),
            )
            for name, one in self.values.items()
        ]
        remarks = [*(f"Warning: {text}" for text in self.warnings), *self.notes]
        if self.largest_grade is not None:
            remarks.append(f"largest grade {self.largest_grade:.3g}")
        columns = ("", "value", "statistical error", "reference")
        return html_table(self.title, columns, rows, remarks=remarks)


def compute_property(
    name: str,
    calculator: Calculating,
    atoms: Atoms,
    settings: Mapping[str, Any] | Any = None,
    *,
    reference: Any = None,
    query: Any = None,
    keeping: Keeping | None = None,
) -> PropertyResult:
    """Compute a property that is known by its name.

    Parameters
    ----------
    name
        See `maxvolt.properties.registered`.
    calculator
        Any ASE calculator, a potential, or the path of its file. Of an ensemble, each member
        computes the property on its own.
    atoms
        Crystal near equilibrium; each calculator relaxes it first.
    settings
        The settings object of the property, or plain values by their names; None: the defaults.
    reference
        A second calculator (or potential, or path) to compare with; or the `PropertyResult` of it.
    query
        A `maxvolt.ActiveSet`, or the path of a file with one: the largest grade that was met is
        then known. A calculator that has one already needs none.
    keeping
        Where simulations keep what they have, so that the same call goes on after a kill; None:
        nothing is kept.

    Raises
    ------
    DataError
        There is no such property, or the structure is none that it is defined for.
    SettingsError
        A setting is unknown or out of range.
    MaxvoltError
        A relaxation did not converge.
    """
    began = time.perf_counter()
    one = find_property(name)
    chosen: Any = settings_of(one, settings or {}) if _is_plain(settings) else settings
    recorders = [GradeRecorder(found) for found in _graded(calculator, query)]
    more: dict[str, Any] = {"keeping": keeping or Keeping()} if one.simulates else {}
    compared: Findings | PropertyResult | None = reference
    if reference is not None and not isinstance(reference, PropertyResult):
        other = calculators_of(reference)[0]
        if one.checks_frames:
            compared, more["reference"] = None, other
        else:
            compared = one.compute(other, atoms, chosen, **more)
    only_frames = one.simulates and getattr(chosen, "members", "simulate") == "frames"
    computing = recorders[:1] if only_frames else recorders
    findings = [one.compute(recorder, atoms, chosen, **more) for recorder in computing]
    if len(computing) < len(recorders):
        findings[0] = _with_spread(findings[0], recorders)
    result = _merged(one, atoms, chosen, findings, compared)
    grades = [grade for grade in (one.largest_grade for one in recorders) if grade is not None]
    largest = max(grades, default=None)
    if largest is None:
        seconds = time.perf_counter() - began
        return PropertyResult(**result, members=len(recorders), seconds=seconds)
    if largest > _RELIABLE_GRADE:
        result["warnings"] += (
            f"the potential extrapolates: the largest grade is {largest:.3g}, above "
            f"{_RELIABLE_GRADE:g}; label structures of this kind and train on them, or trust the "
            "numbers less",
        )
    seconds = time.perf_counter() - began
    return PropertyResult(**result, members=len(recorders), largest_grade=largest, seconds=seconds)


def _with_spread(found: Findings, recorders: list[GradeRecorder]) -> Findings:
    """Add how far all members differ on frames of the simulations of the first."""
    spread = member_spread(recorders, recorders[0].frames)
    note = (
        f"one of {len(recorders)} members simulates; they are compared on "
        f"{len(recorders[0].frames)} frames"
    )
    return replace(found, quantities={**found.quantities, **spread}, notes=(*found.notes, note))


def _is_plain(settings: Any) -> bool:
    return settings is None or isinstance(settings, Mapping)


def _graded(calculator: Calculating, query: Any) -> list[Any]:
    """One calculator for each member, with an active set where one is given."""
    found = calculators_of(calculator)
    if query is None:
        return found
    from maxvolt.calculators import MaxvoltCalculator

    return [
        MaxvoltCalculator(one.potential, query=query)
        if isinstance(one, MaxvoltCalculator) and one.query is None
        else one
        for one in found
    ]


def _merged(
    one: Property,
    atoms: Atoms,
    settings: Any,
    findings: list[Findings],
    reference: Findings | PropertyResult | None,
) -> dict[str, Any]:
    known: Mapping[str, Any] = {}
    if isinstance(reference, PropertyResult):
        known = reference.values
    elif reference is not None:
        known = reference.quantities
    curves = findings[0].curves
    compared = () if reference is None else reference.curves
    names = dict.fromkeys(name for each in findings for name in each.quantities)
    return {
        "name": one.name,
        "title": one.title,
        "structure": atoms.get_chemical_formula(),
        "settings": _plain(asdict(settings)),
        "values": {name: _value(name, findings, known) for name in names},
        "curves": curves,
        "reference_curves": compared,
        "curve_errors": _curve_errors(curves, compared),
        "warnings": tuple(dict.fromkeys(text for each in findings for text in each.warnings)),
        "notes": tuple(dict.fromkeys(text for each in findings for text in each.notes)),
    }


def _value(name: str, findings: list[Findings], reference: Mapping[str, Any]) -> Value:
    has = [each.quantities[name] for each in findings if name in each.quantities]
    spread = MeanSpread.of([quantity.value for quantity in has])
    errors = [one.statistical_error for one in has if one.statistical_error is not None]
    other = reference.get(name)
    return Value(
        value=float(spread.mean),
        unit=has[0].unit,
        statistical_error=float(np.sqrt(np.mean(np.square(errors)) / len(errors)))
        if errors
        else None,
        two_sigma=float(spread.two_sigma) if len(has) > 1 else None,
        reference=None if other is None else float(other.value),
    )


def _curve_errors(curves: tuple[Curve, ...], reference: tuple[Curve, ...]) -> dict[str, float]:
    """Root mean square differences of curves with the same name, axes and points.

    One may go on where the other ends, as g(r) does in the larger of two cells.
    """
    squares: dict[str, list[float]] = {}
    for curve, other in zip(curves, reference, strict=False):
        same = (curve.name, curve.x_label, curve.y_label) == (
            other.name, other.x_label, other.y_label
        )  # fmt: skip
        both = min(len(curve.x), len(other.x))
        if same and both and np.allclose(curve.x[:both], other.x[:both], rtol=1e-6):
            difference = np.square(np.subtract(curve.y[:both], other.y[:both]))
            squares.setdefault(f"{curve.name}: {curve.y_label}", []).extend(difference.tolist())
    return {name: float(np.sqrt(np.mean(values))) for name, values in squares.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
