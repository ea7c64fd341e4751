"""ANI potentials keep the contract of potentials."""

from __future__ import annotations

from typing import ClassVar

import pytest
from contract import SharesVirialsContract

from maxvolt.potentials import Potential
from maxvolt.potentials.ani.potential import ANI
from maxvolt.potentials.ani.settings import ANISettings
from promises import needs

TINY = ANISettings(
    radial_cutoff=4.2,
    radial_functions=4,
    angular_cutoff=3.3,
    angular_shells=2,
    angular_sections=2,
    start=0.9,
    layers=(6, 5),
)


@pytest.fixture(autouse=True, scope="module")
def _libraries() -> None:
    needs("ani")


class ANIContract(SharesVirialsContract):
    """What potentials of one and of several elements share."""

    suffix = ".ani.safetensors"
    has_single_precision = True
    species: ClassVar[tuple[str, ...]]

    @classmethod
    def make(cls, seed: int) -> Potential:
        return ANI.random(cls.species, TINY, seed=seed)


class TestOneElement(ANIContract):
    species = ("Al",)


class TestThreeElements(ANIContract):
    species = ("Cu", "Au", "H")
