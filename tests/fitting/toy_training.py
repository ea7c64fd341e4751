"""A second family that can be trained, for tests of the registry: it fits nothing."""

from __future__ import annotations

from typing import Any

from maxvolt.fitting.contract import PotentialSection, Training


class Toy:
    """Stands for a class of potentials."""


class ToySection(PotentialSection):
    """The potential to train."""

    family: str = "toy"
    """Family of the potential: toys."""
    size: int = 3
    """How large it is."""


def _refuse(*_: Any) -> Any:
    raise NotImplementedError


TRAINING = Training(
    potential=Toy,  # type: ignore[arg-type]
    example="Toy()",
    section=ToySection,
    suffix=".toy",
    suffix_with_active_set=".toy",
    start_of_fit=_refuse,
    same_form=_refuse,
    fit_members=_refuse,
    described=lambda potential: {},
)
