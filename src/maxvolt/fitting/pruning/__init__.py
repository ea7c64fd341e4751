"""Pruning: moment tensor potentials with the scalars that are worth their time.

`backward_elimination` chooses scalars on the normal equations, `prune` refits stage by stage,
`stage` is what each stage gives, `kept_stages` keeps them on disk.
"""

from maxvolt.fitting.pruning.backward_elimination import Removal, backward_elimination
from maxvolt.fitting.pruning.prune import Pruning, prune
from maxvolt.fitting.pruning.stage import PruningStage
from maxvolt.fitting.pruning.target import PruningTarget

__all__ = [
    "Pruning",
    "PruningStage",
    "PruningTarget",
    "Removal",
    "backward_elimination",
    "prune",
]
