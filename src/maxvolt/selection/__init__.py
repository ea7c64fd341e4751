"""Grades of extrapolation, active sets, selection, committees."""

from maxvolt.selection.active_set import ActiveSelection, ActiveSet, read_active_set
from maxvolt.selection.committee import Committee
from maxvolt.selection.grades import Grades
from maxvolt.selection.mlip_files import has_active_set
from maxvolt.selection.neighborhood_cut import cut_neighborhood
from maxvolt.selection.sparsify import Sparsified, sparsify
from maxvolt.selection.strategy import QueryStrategy, Selection, unit_of
from maxvolt.selection.weights import RowWeights

__all__ = [
    "ActiveSelection",
    "ActiveSet",
    "Committee",
    "Grades",
    "QueryStrategy",
    "RowWeights",
    "Selection",
    "Sparsified",
    "cut_neighborhood",
    "has_active_set",
    "read_active_set",
    "sparsify",
    "unit_of",
]
