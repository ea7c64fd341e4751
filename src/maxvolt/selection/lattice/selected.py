"""What was selected from arrangements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArrangementSelection"]


@dataclass(frozen=True, slots=True, eq=False)
class ArrangementSelection:
    """What was selected from candidates.

    Attributes
    ----------
    indices : shape (k,), int64
        Numbers of the selected arrangements among the candidates, ascending.
    grades : shape (m,)
        Of all candidates, before the selection.
    """

    indices: NDArray[np.int64]
    grades: NDArray[np.float64]
