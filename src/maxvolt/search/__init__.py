"""Crystal structure prediction: random crystals, evolution, basin hopping."""

from maxvolt.search.candidates import Candidate
from maxvolt.search.population import Population
from maxvolt.search.scenario import StructureSearch
from maxvolt.search.searching import SearchResult, search
from maxvolt.search.settings import SearchSettings

__all__ = [
    "Candidate",
    "Population",
    "SearchResult",
    "SearchSettings",
    "StructureSearch",
    "search",
]
