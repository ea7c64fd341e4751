"""In which order settings are tried: one after the other at a low level, then levels, then pruning.

Each setting is decided by what has been tried so far, by the same rule as the recommendation: the
cheapest that is as good as the best. All combinations would take many times as long, and say little
more: which cutoff and weights are good hardly depends on the level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from maxvolt.errors import FitError
from maxvolt.fitting.tuning.candidate import Candidate, Tried

__all__ = ["SearchSpace", "compare_plain"]

Choose = Callable[[Sequence[Tried]], Tried]


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """What is tried of each setting.

    Attributes
    ----------
    levels : tuple of int
        The others are decided at the second lowest.
    cutoffs : tuple of float, Angstrom
    radial_basis_sizes : tuple of int
    force_weights : tuple of float
    pruning : bool
        Whether the potentials of the higher levels are pruned, too, from the highest down.

    Raises
    ------
    FitError
        A setting has nothing to try.
    """

    levels: tuple[int, ...] = (8, 12, 16, 20)
    cutoffs: tuple[float, ...] = (4.0, 5.0, 6.0)
    radial_basis_sizes: tuple[int, ...] = (8, 12)
    force_weights: tuple[float, ...] = (0.001, 0.01, 0.1)
    pruning: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            values = getattr(self, field.name)
            if isinstance(values, tuple) and not values:
                raise FitError(f"{field.name}: expected one value to try at least")

    @property
    def first(self) -> Candidate:
        """Where the search begins: the middle of each setting, at the second lowest level."""
        levels = sorted(self.levels)
        return Candidate(
            level=levels[min(1, len(levels) - 1)],
            cutoff=_middle(self.cutoffs),
            radial_basis_size=min(self.radial_basis_sizes),
            force_weight=_middle(self.force_weights),
        )

    @property
    def most(self) -> int:
        """Number of candidates without pruning, each once."""
        settings = (self.cutoffs, self.radial_basis_sizes, self.force_weights)
        return sum(len(set(one)) - 1 for one in settings) + len(set(self.levels))


def compare_plain(
    space: SearchSpace, tried: Callable[[Candidate], Tried], choose: Choose
) -> list[Tried]:
    """Decide all settings but the level, then try all levels.

    Parameters
    ----------
    space
        What is tried.
    tried
        Tries a candidate, or knows the result.
    choose
        The cheapest of several that is as good as the best.

    Returns
    -------
    levels
        Results of all levels, from the lowest up, with the settings that were chosen.
    """
    here = space.first
    for name, values in (
        ("cutoff", space.cutoffs),
        ("radial_basis_size", space.radial_basis_sizes),
        ("force_weight", space.force_weights),
    ):
        found = [tried(replace(here, **{name: value})) for value in sorted(set(values))]  # type: ignore[arg-type]
        here = choose(found).candidate
    return [tried(replace(here, level=level)) for level in sorted(set(space.levels))]


def _middle(values: tuple[float, ...]) -> float:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]
