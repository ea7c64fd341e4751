"""What a run of the benchmarks leaves behind: measurements with their conditions, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from maxvolt.errors import FileFormatError
from maxvolt.files import reading, replacing

__all__ = [
    "Better",
    "Case",
    "Conditions",
    "Document",
    "Findings",
    "Machine",
    "Measurement",
    "Section",
    "Series",
    "read_document",
    "write_document",
]

FORMAT = "maxvolt benchmarks 1"

Better = Literal["lower", "higher", "neither"]
Case = Mapping[str, str | int | float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number.

    Attributes
    ----------
    quantity : str
        What it is, such as "time per atom".
    value : float
    unit : str
        "" for a ratio.
    case : mapping
        What it was measured on: level, structure, program and so on.
    better : str
        "lower" or "higher" where that is better, "neither" for a fact about the case.
    """

    quantity: str
    value: float
    unit: str
    case: Case
    better: Better = "lower"

    @property
    def identity(self) -> tuple[str, str]:
        """What the same measurement of another run has in common with this one."""
        return self.quantity, ", ".join(f"{k} {self.case[k]}" for k in sorted(self.case))


@dataclass(frozen=True, slots=True)
class Series:
    """A curve.

    Attributes
    ----------
    name : str
    group : str
        Curves of one group share axes.
    x_label, y_label : str
    x, y : tuple of float
    aside : bool
        Drawn lightly, without a name.
    """

    name: str
    group: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What one section found; `not_measured` says what could not be measured and why."""

    measurements: tuple[Measurement, ...] = ()
    series: tuple[Series, ...] = ()
    not_measured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer; times of different ones cannot be compared.

    Attributes
    ----------
    processor, system, compiler : str
    cores : int
        That this process may use.
    memory : int
        Bytes; 0 where the system does not tell.
    caches : mapping
        Size by name, such as L2.
    instruction_sets : tuple of str
        Of the kernels, best first.
    """

    processor: str
    system: str
    compiler: str
    cores: int
    memory: int
    caches: Mapping[str, str]
    instruction_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what conditions a section was measured.

    Attributes
    ----------
    started : str
        Date and time, UTC.
    seconds : float
        How long it took.
    quick : bool
        Whether it was the short form, with fewer cases and repetitions.
    load_before, load_after : float
        Mean number of processes that wanted a core in the minute before; this one is among the
        latter.
    commit : str
        Version of the sources; "" where they are no checkout.
    versions : mapping
        Of the programs and libraries.
    """

    started: str
    seconds: float
    quick: bool
    load_before: float
    load_after: float
    commit: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """Findings and the conditions they were made under."""

    conditions: Conditions
    findings: Findings


@dataclass(frozen=True, slots=True)
class Document:
    """A file of results: one machine, sections by name."""

    machine: Machine
    sections: Mapping[str, Section] = field(default_factory=dict)


def write_document(path: str | Path, document: Document) -> None:
    """Write a document; the file is replaced when the new one is complete."""
    data = {"format": FORMAT, **asdict(document)}
    with replacing(path) as stream:
        stream.write((json.dumps(data, indent=1, allow_nan=False) + "\n").encode())


def read_document(path: str | Path) -> Document:
    """Read a document.

    Raises
    ------
    FileFormatError
        The file is not there or holds no results.
    """
    with reading(path) as stream:
        text = stream.read()
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
            raise ValueError(f'it does not begin with "format": "{FORMAT}"')
        known = _known(data, Document)
        sections = {
            name: Section(
                Conditions(**_known(section["conditions"], Conditions)),
                _findings(_known(section["findings"], Findings)),
            )
            for name, section in known["sections"].items()
        }
        machine = _known(known["machine"], Machine)
        sets = tuple(machine.pop("instruction_sets"))
        return Document(Machine(**machine, instruction_sets=sets), sections)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileFormatError(
            path, f"no results of these benchmarks: {error}; make them with benchmarks/run.py"
        ) from error


def _findings(data: dict[str, Any]) -> Findings:
    measurements = tuple(Measurement(**_known(m, Measurement)) for m in data["measurements"])
    for one in measurements:
        if not isinstance(one.value, int | float) or one.better not in get_args(Better):
            raise ValueError(f"the measurement {one} has no number or no known direction")
    series = tuple(
        Series(**{**_known(s, Series), "x": tuple(s["x"]), "y": tuple(s["y"])})
        for s in data["series"]
    )
    return Findings(measurements, series, tuple(data["not_measured"]))


def _known(data: dict[str, Any], kind: type) -> dict[str, Any]:
    """The dictionary, which must have exactly the fields of a dataclass."""
    wanted = {f.name for f in fields(kind)}
    if set(data) != wanted:
        raise ValueError(f"{kind.__name__} has {sorted(data)} where {sorted(wanted)} were expected")
    return dict(data)
