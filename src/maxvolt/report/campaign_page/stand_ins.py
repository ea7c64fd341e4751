"""References that stand in for a quantum-mechanical code."""

from __future__ import annotations

__all__ = ["describe_stand_in"]

_CLASSICAL = {
    "emt": "ASE's effective-medium theory (EMT)",
    "ase.calculators.emt:EMT": "ASE's effective-medium theory (EMT)",
    "ase.calculators.lj:LennardJones": "a Lennard-Jones potential",
    "ase.calculators.morse:MorsePotential": "a Morse potential",
    "ase.calculators.eam:EAM": "an embedded-atom potential",
    "ase.calculators.tip3p:TIP3P": "the TIP3P water model",
    "ase.calculators.harmonic:HarmonicCalculator": "a harmonic model",
    "potential": "another interatomic potential",
    "maxvolt:Calculator": "another interatomic potential",
    "maxvolt.calculators:MaxvoltCalculator": "another interatomic potential",
}


def describe_stand_in(calculator: str) -> str:
    """Return what a reference calculator is if it is an empirical model, else "".

    Parameters
    ----------
    calculator
        As in a campaign file: a short name, or ``module:Class``. Classes that are not known here
        are not judged.
    """
    return _CLASSICAL.get(calculator, "")
