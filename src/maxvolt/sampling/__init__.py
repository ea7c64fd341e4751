"""Sampling: molecular dynamics, relaxation and random structures under the two-threshold rule."""

from maxvolt.sampling.drawn_dynamics import DrawnDynamics
from maxvolt.sampling.drawn_schedules import NonequilibriumTemperatures, OscillatingStrains
from maxvolt.sampling.dynamics import MolecularDynamics
from maxvolt.sampling.enumeration import Enumeration, enumerated_structures
from maxvolt.sampling.perturbations import rattle, strain, substitution, vacancy
from maxvolt.sampling.random_boxes import RandomBoxes
from maxvolt.sampling.random_structures import random_structures
from maxvolt.sampling.recorder import Recorder
from maxvolt.sampling.relaxation import Relaxation
from maxvolt.sampling.relaxing_batch import Relaxed
from maxvolt.sampling.results import RelaxationOutcome, SamplingResult, Trace
from maxvolt.sampling.rule import Limits, StopReason, Thresholds
from maxvolt.sampling.runner import iterate_scenarios, run_scenarios
from maxvolt.sampling.scenario import Scenario
from maxvolt.sampling.schedules import (
    Schedule,
    hold,
    nonequilibrium,
    oscillation,
    parse_schedule,
    ramp,
)
from maxvolt.sampling.trajectory_state import TrajectoryState

__all__ = [
    "DrawnDynamics",
    "Enumeration",
    "Limits",
    "MolecularDynamics",
    "NonequilibriumTemperatures",
    "OscillatingStrains",
    "RandomBoxes",
    "Recorder",
    "Relaxation",
    "RelaxationOutcome",
    "Relaxed",
    "SamplingResult",
    "Scenario",
    "Schedule",
    "StopReason",
    "Thresholds",
    "Trace",
    "TrajectoryState",
    "enumerated_structures",
    "hold",
    "iterate_scenarios",
    "nonequilibrium",
    "oscillation",
    "parse_schedule",
    "ramp",
    "random_structures",
    "rattle",
    "run_scenarios",
    "strain",
    "substitution",
    "vacancy",
]
