"""H + H2: structure, coordinate, how rates are sampled."""

from __future__ import annotations

from dataclasses import replace

from ase import Atoms

from maxvolt.properties.reaction_rates import Bimolecular, RateSettings

__all__ = ["COORDINATE", "MASS", "TEMPERATURE", "classical", "quantum", "transition_state"]

TEMPERATURE = 300.0
MASS = 1.008
"""Of hydrogen in ASE, u."""

COORDINATE = Bimolecular(
    first=(0,),
    second=(1, 2),
    channels=(((1, 2), (0, 1)), ((1, 2), (0, 2))),
    infinity=4.5,
)
"""Either atom of the molecule is taken."""


def transition_state() -> Atoms:
    """Return three atoms near the saddle of the surface."""
    return Atoms("H3", positions=[[0.0, 0.0, 0.0], [0.93, 0.0, 0.0], [1.86, 0.0, 0.0]])


_COMMON = RateSettings(
    temperature=TEMPERATURE,
    width=0.015,
    far_width=0.03,
    meeting=0.45,
    transition=1.0,
)


def classical(*, quick: bool = False) -> RateSettings:
    """Return settings of the classical rate."""
    long = replace(_COMMON, beads=1, timestep=0.4, replicas=64, sampling_time=3000.0, parents=128)
    return _short(long, beads=1) if quick else long


def quantum(sampling_time: float, *, quick: bool = False) -> RateSettings:
    """Return settings of the rate by ring polymers of 128 beads; fs in each window and replica."""
    long = replace(
        _COMMON,
        beads=128,
        timestep=0.2,
        replicas=8,
        sampling_time=sampling_time,
        parents=32,
        branchings=6,
        children=2,
    )
    return _short(long, beads=4) if quick else long


def _short(settings: RateSettings, beads: int) -> RateSettings:
    return replace(
        settings,
        beads=beads,
        timestep=0.5,
        replicas=4,
        equilibration_time=60.0,
        sampling_time=60.0,
        parents=4,
        branchings=2,
    )
