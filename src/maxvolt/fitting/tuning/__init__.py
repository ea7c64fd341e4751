"""Which level, cutoff, radial basis, force weight and pruning: a search with held-out structures.

`candidate` is what is tried, `held_out` how well it does and how it compares, `search` in which
order, `journal` keeps what is known, `tune` puts them together.
"""

from maxvolt.fitting.tuning.candidate import Candidate, Tried
from maxvolt.fitting.tuning.held_out import HeldOutErrors, as_good_as_the_best
from maxvolt.fitting.tuning.search import SearchSpace
from maxvolt.fitting.tuning.tune import Tuning, TuningLimits, tune

__all__ = [
    "Candidate",
    "HeldOutErrors",
    "SearchSpace",
    "Tried",
    "Tuning",
    "TuningLimits",
    "as_good_as_the_best",
    "tune",
]
