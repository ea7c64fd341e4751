"""By how much published potentials differ from their references, from the files of `published`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

__all__ = ["PublishedDeviations", "published_deviations"]

_FOLDER = "published"


@dataclass(frozen=True, slots=True)
class PublishedDeviations:
    """What authors say of their potential and its reference.

    Attributes
    ----------
    potential, reference
        Their names.
    source
        The article.
    texts
        Deviations in words, "+10 %", by property and quantity; in the unit of the quantity where
        there is none.
    """

    potential: str
    reference: str
    source: str
    texts: Mapping[tuple[str, str], str]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "potential": self.potential,
            "reference": self.reference,
            "source": self.source,
            "deviations": [
                {"property": name, "quantity": quantity, "deviation": text}
                for (name, quantity), text in self.texts.items()
            ],
        }


def published_deviations(crystal: str) -> PublishedDeviations | None:
    """Find the published deviations of a crystal such as "fcc Al"; None where there are none."""
    for file in files("maxvolt.report.card").joinpath(_FOLDER).iterdir():
        if not file.name.endswith(".toml"):
            continue
        document = tomllib.loads(file.read_text("utf-8"))
        if f"{document['structure']} {document['element']}" == crystal:
            return PublishedDeviations(
                document["potential"],
                document["reference"],
                document["source"],
                {(one["property"], one["quantity"]): _text(one) for one in document["deviation"]},
            )
    return None


def _text(one: Mapping[str, Any]) -> str:
    value = one["value"]
    match one["measure"]:
        case "percent":
            return f"{value:+g} %"
        case "at most":
            return f"within {value:g} %"
        case "difference":
            return f"{value:g} off"
        case "rms":
            return f"{value:g}"
        case other:
            raise ValueError(f"{one['quantity']}: {other!r} is no measure of a deviation")
