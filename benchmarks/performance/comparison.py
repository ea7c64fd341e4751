"""Two files of results side by side: what has become faster, what slower."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from performance.results import Document, Measurement

__all__ = ["Change", "ComparisonResult", "compare"]


@dataclass(frozen=True, slots=True)
class Change:
    """One measurement in both files.

    Attributes
    ----------
    section, quantity, case, unit : str
    old, new : float
    ratio : float
        New by old; above 1 is worse where lower is better.
    worsening : float
        The same, turned so that above 1 is worse.
    """

    section: str
    quantity: str
    case: str
    unit: str
    old: float
    new: float
    ratio: float
    worsening: float


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """What two files of results have in common.

    Attributes
    ----------
    changes : tuple of Change
        All measurements of both, the worst first.
    threshold : float
        A worsening above it is a regression.
    only_old, only_new : tuple of str
        Measurements of one file alone.
    remarks : tuple of str
        Why the two may not be comparable: another machine, another length of the run.
    """

    changes: tuple[Change, ...]
    threshold: float
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def regressions(self) -> tuple[Change, ...]:
        """Changes for the worse beyond the threshold."""
        return tuple(c for c in self.changes if c.worsening > self.threshold)

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {**asdict(self), "regressions": [asdict(c) for c in self.regressions]}


def compare(
    old: Document, new: Document, *, threshold: float, sections: Collection[str] = ()
) -> ComparisonResult:
    """Compare what both documents have.

    Parameters
    ----------
    old, new
        Results.
    threshold
        How much worse is a regression: 1.1 for ten per cent.
    sections
        Names of those to compare; all by default.
    """
    before, after = _directed(old, sections), _directed(new, sections)
    changes = [_change(key, before[key], after[key]) for key in before if key in after]
    return ComparisonResult(
        changes=tuple(sorted(changes, key=lambda change: -change.worsening)),
        threshold=threshold,
        only_old=tuple(_name(key) for key in before if key not in after),
        only_new=tuple(_name(key) for key in after if key not in before),
        remarks=_remarks(old, new, sections),
    )


Key = tuple[str, str, str]


def _directed(document: Document, sections: Collection[str]) -> dict[Key, Measurement]:
    """Measurements of which it is known what is better; zero has no ratio."""
    return {
        (name, *one.identity): one
        for name, section in document.sections.items()
        if not sections or name in sections
        for one in section.findings.measurements
        if one.better != "neither" and one.value > 0
    }


def _change(key: Key, old: Measurement, new: Measurement) -> Change:
    ratio = new.value / old.value
    worsening = 1.0 / ratio if new.better == "higher" else ratio
    return Change(*key, new.unit, old.value, new.value, ratio, worsening)


def _name(key: Key) -> str:
    section, quantity, case = key
    return f"{section}: {quantity} ({case})" if case else f"{section}: {quantity}"


def _remarks(old: Document, new: Document, sections: Collection[str]) -> tuple[str, ...]:
    found = []
    if old.machine.processor != new.machine.processor:
        found.append(
            f"other machines: {old.machine.processor} and {new.machine.processor}; only ratios "
            "within one run, such as motep / maxvolt, mean something"
        )
    for name in old.sections.keys() & new.sections.keys():
        if (not sections or name in sections) and (
            old.sections[name].conditions.quick != new.sections[name].conditions.quick
        ):
            found.append(f"{name}: one run was quick and the other was not")
    return tuple(sorted(found))
