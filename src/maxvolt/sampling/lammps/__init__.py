"""Sampling with LAMMPS: an input template, run under the rule of two thresholds of its plugin."""

from maxvolt.sampling.lammps.settings import LammpsSettings
from maxvolt.sampling.lammps.simulation import LammpsDynamics
from maxvolt.sampling.lammps.template import VARIABLES, Template

__all__ = ["VARIABLES", "LammpsDynamics", "LammpsSettings", "Template"]
