"""What the candidates of a generation are: a function of those before, and of the seed."""

from __future__ import annotations

from collections.abc import Sequence

from ase import Atoms

from maxvolt.search.evolution import Evolution
from maxvolt.search.hopping import Hopping
from maxvolt.search.operators import require_operators
from maxvolt.search.random_candidates import require_pyxtal
from maxvolt.search.randomness import Randomness, SearchMethod
from maxvolt.search.seeds import check_seeds
from maxvolt.search.settings import SearchSettings

__all__ = ["method_of"]


def method_of(settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> SearchMethod:
    """Give the method that settings ask for; refuse it where something is not installed.

    Parameters
    ----------
    settings
    seeds
        Structures that belong to the first generation, before random ones.

    Raises
    ------
    DataError
        A seed is not what is searched for.
    MaxvoltError
        Says what to install.
    """
    check_seeds(settings, seeds)
    if settings.symmetry and not settings.cluster:
        require_pyxtal()
    if settings.method == "evolution":
        require_operators()
        return Evolution(settings, seeds)
    return (Hopping if settings.method == "hopping" else Randomness)(settings, seeds)
