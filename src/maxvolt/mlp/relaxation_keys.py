"""Keys of ``relax.ini``, which are options of `relax`, too."""

from __future__ import annotations

from maxvolt.mlp.command import Option
from maxvolt.mlp.ini import Key

__all__ = ["RELAXATION_KEYS", "options_of_keys"]

_SEARCH = "steps are made by L-BFGS with a line search of its own"
_SCALE = "the first step follows from the volume; the curvatures are then learnt"

RELAXATION_KEYS = (
    Key("pressure", 0.0, "external pressure, GPa"),
    Key(
        "iteration_limit",
        500,
        "most steps; 0: atoms are pushed to init_mindist, no more",
        differs="evaluations of energy and forces count, also those of shortened steps",
    ),
    Key("mindist", 0.5, "a configuration with a shorter distance fails, Angstrom"),
    Key("force_tolerance", 1e-4, "largest force left, eV/Angstrom; 0: atoms do not relax"),
    Key("stress_tolerance", 1e-3, "largest stress left, GPa; 0: the cell does not relax"),
    Key("max_step", 0.05, "longest step, Angstrom"),
    Key("min_step", 1e-8, "shortest step, Angstrom"),
    Key("bfgs_wolfe_c1", 0.1, "decrease that a step must bring", ignored=_SEARCH),
    Key("bfgs_wolfe_c2", 0.8, "decrease of the slope that it must bring", ignored=_SEARCH),
    Key(
        "log",
        None,
        "where to write the log: a file, stdout or stderr",
        differs="the beginning and the end of each relaxation, not the steps between",
    ),
    Key(
        "freeze_small_grads",
        False,
        "hold atoms with forces below the tolerance",
        refused="atoms are moved together, however small their forces are; leave the key out",
    ),
    Key(
        "use_gd_method",
        False,
        "gradient descent instead of BFGS",
        ignored="the minimum does not depend on it; L-BFGS finds it sooner",
    ),
    Key(
        "correct_cell",
        False,
        "make the lattice orthogonal and lower triangular",
        differs="before and after the relaxation, so that it is so in the end",
    ),
    Key("init_mindist", 0.0, "first push atoms apart to this distance, Angstrom; 0: do not"),
    Key("forces_elasticity_scale", 10.0, "of the first Hessian", ignored=_SCALE),
    Key("stress_elasticity_scale", 500.0, "of the first Hessian", ignored=_SCALE),
)
"""By the names that MLIP-3 has behind ``relax:``."""

_NAMES_2 = {
    "pressure": "pressure",
    "iteration-limit": "iteration_limit",
    "iteration_limit": "iteration_limit",
    "min-dist": "mindist",
    "force-tolerance": "force_tolerance",
    "stress-tolerance": "stress_tolerance",
    "max-step": "max_step",
    "min-step": "min_step",
    "bfgs-wolfe_c1": "bfgs_wolfe_c1",
    "bfgs-wolfe_c2": "bfgs_wolfe_c2",
    "log": "log",
}
"""Options of MLIP-2, and the keys that they are."""


def options_of_keys() -> tuple[Option, ...]:
    """The keys as options of both versions."""
    keys = {key.name: key for key in RELAXATION_KEYS}
    named = [(name, key, 2) for name, key in _NAMES_2.items()]
    named += [(name, name, 3) for name in keys]
    return tuple(
        Option(
            name,
            keys[key].default,
            keys[key].help,
            (version,),
            refused=keys[key].refused,
            ignored=keys[key].ignored,
            differs=keys[key].differs,
        )
        for name, key, version in named
    )


def key_of_option(name: str) -> str:
    """The key that an option of either version is, with or without ``relax:`` before it."""
    name = name.removeprefix("relax:")
    return _NAMES_2.get(name, name)
