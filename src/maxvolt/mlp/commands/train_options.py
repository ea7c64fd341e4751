"""Options of ``train``."""

from __future__ import annotations

from maxvolt.fitting.settings import FitSettings
from maxvolt.mlp.command import Option

__all__ = ["OPTIONS"]

_FIT = FitSettings()

_ITERATIONS = (
    "most Levenberg-Marquardt iterations, each of which does the work of many iterations of BFGS; "
    "a fit ends by its tolerance, usually before 100"
)
_TOLERANCE = (
    "relative fall of the loss in three successive iterations below which the fit ends, "
    f"{_FIT.tolerance:g} where it is not given"
)
_PENALTY = "there is no penalty: radial functions are kept orthonormal instead"
_STARTS = (
    "one random start is taken instead of the best of eight; a trained potential is always "
    "continued from its coefficients"
)
_RANDOM = (
    "an untrained potential begins with the best of eight random starts, the same in every run; a "
    "trained one is continued from its coefficients"
)

OPTIONS = (
    Option("energy-weight", 1.0, "weight of energies in the loss", (2,)),
    Option("force-weight", 0.01, "weight of forces in the loss", (2,)),
    Option("stress-weight", 0.001, "weight of stresses in the loss", (2,)),
    Option(
        "scale-by-force",
        0.0,
        "with w above 0, weights of the forces of an atom are multiplied by w/(|F|^2 + w)",
        (2,),
    ),
    Option("valid-cfgs", "", "configurations to measure errors on, not trained on", (2,)),
    Option("max-iter", 1000, "most iterations", (2,), differs=_ITERATIONS),
    Option(
        "curr-pot-name",
        "",
        "where MLIP writes the potential after each iteration",
        (2,),
        ignored="the state of the fit is kept in a checkpoint beside the trained potential, and "
        "the same line goes on from it",
    ),
    Option("trained-pot-name", "Trained.mtp_", "file for the trained potential", (2,)),
    Option("bfgs-conv-tol", 1e-3, "tolerance of the fit", (2,), differs=_TOLERANCE),
    Option(
        "weighting",
        "vibrations",
        "how errors count by the number of atoms: vibrations, molecules or structures",
        (2,),
    ),
    Option("init-params", "random", "random or same: how a fit begins", (2,), ignored=_RANDOM),
    Option("skip-preinit", False, "do not search for a start", (2,), differs=_STARTS),
    Option("save_to", "", "file for the trained potential; by default that of the start", (3,)),
    Option("energy_weight", 1.0, "weight of energies in the loss", (3,)),
    Option("force_weight", 0.01, "weight of forces in the loss", (3,)),
    Option("stress_weight", 0.001, "weight of stresses in the loss", (3,)),
    Option(
        "weight_scaling", 1, "errors of energies and stresses are divided by N to this power", (3,)
    ),
    Option("weight_scaling_forces", 0, "errors of forces are divided by N to this power", (3,)),
    Option(
        "scale_by_force",
        0.0,
        "with w above 0, weights of the forces of an atom are multiplied by w/(|F|^2 + w)",
        (3,),
    ),
    Option("iteration_limit", 1000, "most iterations", (3,), differs=_ITERATIONS),
    Option("tolerance", 1e-3, "tolerance of the fit", (3,), differs=_TOLERANCE),
    Option("init_random", False, "begin with random coefficients", (3,), ignored=_RANDOM),
    Option("no_mindist_update", False, "leave min_dist as it is", (3,)),
    Option(
        "al_mode",
        "cfg",
        "active set of the trained potential: cfg, a row for each configuration, or nbh, for each "
        "atom; that of the start where it has one and this is not given",
        (3,),
    ),
    Option("log", "stdout", "progress: stdout, none or a file", (3,)),
    Option("skip_preinit", False, "do not search for a start", (3,), differs=_STARTS),
    Option("penalty_weight", 1e-6, "weight of the penalty", (3,), ignored=_PENALTY),
    Option(
        "select_factor",
        1.0,
        "a factor in the selection of the active set",
        (3,),
        refused="what it does is nowhere documented",
    ),
    Option(
        "auto-minmax-magmom",
        False,
        "range of magnetic moments from the training set",
        (3,),
        refused="magnetic potentials are not supported",
    ),
)
