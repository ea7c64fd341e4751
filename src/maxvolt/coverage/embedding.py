"""From features to places in the plane: t-SNE by openTSNE, or by scikit-learn."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError

__all__ = ["available_libraries", "check_perplexity", "embed", "library_for"]

_MODULES = {"openTSNE": "openTSNE", "scikit-learn": "sklearn"}
"""Libraries by preference, with the modules that they are imported as."""

_NEIGHBOURS = 3
"""Neighbours that t-SNE looks at, in perplexities."""


def available_libraries() -> tuple[str, ...]:
    """Libraries of t-SNE that are installed here, the preferred one first."""
    return tuple(name for name, module in _MODULES.items() if importlib.util.find_spec(module))


def library_for(asked: str | None) -> str:
    """Name of the library to use; None asks for the preferred one.

    Raises
    ------
    MaxvoltError
        It is unknown or not installed.
    """
    if asked is not None and asked not in _MODULES:
        raise MaxvoltError(f"library: expected one of {', '.join(_MODULES)}; got {asked!r}")
    available = available_libraries()
    if asked in available:
        return asked
    if asked is None and available:
        return available[0]
    raise MaxvoltError(
        f"a map of environments needs {asked or 'openTSNE'}, which is not installed; "
        "install it with: pip install 'maxvolt[map]'"
    )


def check_perplexity(perplexity: float, n_points: int) -> None:
    """Refuse a perplexity that the number of points does not allow.

    Raises
    ------
    MaxvoltError
        It is below 1.
    DataError
        There are too few points.
    """
    if not (np.isfinite(perplexity) and perplexity >= 1):
        raise MaxvoltError(f"perplexity: expected a number of at least 1; got {perplexity}")
    if n_points <= _NEIGHBOURS * perplexity:
        most = (n_points - 1) / _NEIGHBOURS
        way_out = f"or a perplexity up to {most:.3g}" if most >= 1 else "since none is low enough"
        raise DataError(
            f"too few environments for a map: a perplexity of {perplexity:g} looks at "
            f"{_NEIGHBOURS * perplexity:g} neighbours of each, and there are {n_points} "
            f"environments with those of markers; give more structures, {way_out}"
        )


def embed(
    features: NDArray[np.float64],
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    library: str | None = None,
) -> NDArray[np.float64]:
    """Place environments in the plane, by t-SNE with cosine distances, equation (190).

    Parameters
    ----------
    features : shape (n, F)
        None of them zero as a whole.
    perplexity
        About how many neighbours of each decide where it comes.
    seed
        The same gives the same map, on the same machine.
    library
        "openTSNE" or "scikit-learn"; None: the first of them that is installed.

    Returns
    -------
    places : shape (n, 2)
        In a unit without meaning.

    Raises
    ------
    MaxvoltError
        No library is installed, or the perplexity is below 1.
    DataError
        Too few environments for the perplexity, features that are not finite, or all zero.
    """
    chosen = library_for(library)
    check_perplexity(perplexity, len(features))
    lengths = np.linalg.norm(features, axis=1)
    if not np.isfinite(lengths).all():
        raise DataError("features of an environment are not finite: it has no place in a map")
    if not (lengths > 0).all():
        raise DataError("all features of an environment are zero: it has no angle to others")
    # The start, by principal components, looks at the vectors: they are to be directions only.
    directions = features / lengths[:, None]
    common: Any = {"perplexity": perplexity, "metric": "cosine", "random_state": seed, "n_jobs": 1}
    if chosen == "openTSNE":
        from openTSNE import TSNE

        maker = TSNE(
            neighbors="exact", initialization="pca", negative_gradient_method="bh", **common
        )
        return np.array(maker.fit(directions), dtype=np.float64)
    from sklearn import manifold

    return np.array(manifold.TSNE(init="pca", **common).fit_transform(directions), np.float64)
