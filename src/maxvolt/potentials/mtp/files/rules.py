"""The rules that the contents of a `PotentialFile` must follow.

Whoever evaluates a potential may rely on them: indices in range, products that use only moments
already complete, consistent shapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.limits import (
    CUTOFF,
    MOST_BASIC_MOMENTS,
    MOST_FREE_BASIC_MOMENTS,
    MOST_SPECIES,
    NARROWEST_BASIS,
    RADIAL_SIZE,
)
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES, SHAPEEV_SIZE
from maxvolt.potentials.mtp.files.fields import InvalidPotentialError, PotentialFields

__all__ = ["check_rules", "split_tag"]

# Limits of the format far above any real potential; those of `limits` hold here as elsewhere.
MAX_RADIAL_FUNCTIONS = 100
MAX_RADIAL_COEFFS = 2_000_000
MAX_RANK = 64  # nx + ny + nz of a basic moment; levels up to 28 need 10
MAX_LABEL = 10**9

_SPECIES_TEXT = re.compile(r"(?:^|\s)species:((?>(?:[ \t]++[A-Z][a-z]?+)+))$")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def check_rules(potential: PotentialFields) -> None:
    """Raise InvalidPotentialError for the first rule that is broken.

    Parameters
    ----------
    potential
        Contents of a file, arrays already of the right types.
    """
    _check_texts(potential)
    _check_radial_basis(potential)
    _check_species(potential)
    _check_basic(potential.alpha_index_basic)
    _check_products(potential)
    _check_scalars(potential)
    _check_coefficients(potential)


def split_tag(text: str) -> tuple[str, tuple[str, ...] | None]:
    """Split the text after potential_tag into foreign text and element symbols.

    Parameters
    ----------
    text
        Such as ``species: Ti Al``; what is not a list of elements at the end stays text.
    """
    match = _SPECIES_TEXT.search(text)
    if match is None:
        return text, None
    symbols = tuple(match[1].split())
    if any(atomic_numbers.get(symbol, 0) < 1 for symbol in symbols):
        return text, None
    return text[: match.start()].rstrip(), symbols


def _require(condition: bool, field: str, message: str) -> None:
    if not condition:
        raise InvalidPotentialError(field, message)


def _forbid(wrong: NDArray[np.bool_], field: str, message: str) -> None:
    """Refuse the first product with a mark; the products are the first axis of `wrong`."""
    if wrong.any():
        raise InvalidPotentialError(field, f"product {np.argwhere(wrong)[0, 0]} {message}")


def _check_texts(potential: PotentialFields) -> None:
    for field in ("name", "tag"):
        text = getattr(potential, field)
        _require(
            not _CONTROL.search(text) and text == text.strip() and _is_unicode(text),
            field,
            "expected one line of text without control characters or outer blanks",
        )
    _require(
        split_tag(potential.tag)[1] is None,
        "tag",
        f"{potential.tag[:80]!r} ends with a list of elements; give it as species instead",
    )
    if potential.active_set is not None:
        rows = len(potential.active_set.matrix)
        _require(
            rows == potential.n_parameters,
            "active_set",
            f"it has {rows} rows; expected one for each of the {potential.n_parameters} parameters",
        )


def _check_radial_basis(potential: PotentialFields) -> None:
    kind, size = potential.radial_basis_type, potential.radial_basis_size
    _require(
        kind in RADIAL_BASIS_TYPES,
        "radial_basis_type",
        f"unknown radial basis {kind[:40]!r}; known are {', '.join(RADIAL_BASIS_TYPES)}",
    )
    _require(
        0.0 <= potential.min_dist < np.inf,
        "min_dist",
        f"expected a finite distance in A, not negative, found {potential.min_dist:g}",
    )
    _require(
        kind != "RBShapeev" or potential.min_dist > 0.0,
        "min_dist",
        "expected a distance above 0, since the functions of RBShapeev have min_dist as a factor",
    )
    _require(
        CUTOFF.holds(potential.max_dist)
        and potential.max_dist - potential.min_dist >= NARROWEST_BASIS,
        "max_dist",
        f"expected a distance between {CUTOFF}, and above min_dist = {potential.min_dist:g} A by "
        f"{NARROWEST_BASIS:g} A or more, found {potential.max_dist:g}",
    )
    limit = SHAPEEV_SIZE if kind == "RBShapeev" else int(RADIAL_SIZE.most)
    _require(
        1 <= size <= limit,
        "radial_basis_size",
        f"expected 1 to {limit} functions of {kind}, found {size}",
    )
    _require(
        bool(np.isfinite(potential.scaling)) and potential.scaling != 0.0,
        "scaling",
        f"expected a finite number other than 0, found {potential.scaling:g}",
    )


def _check_species(potential: PotentialFields) -> None:
    count = potential.species_count
    _require(
        1 <= count <= MOST_SPECIES,
        "species_count",
        f"expected 1 to {MOST_SPECIES} species, found {count}",
    )
    labels = potential.species_labels
    if labels is not None:
        _require(
            len(labels) == count == len(set(labels)) and all(0 <= k < MAX_LABEL for k in labels),
            "species_labels",
            f"expected {count} different species ids of at most nine digits, found "
            f"{_shortened(labels)}",
        )
    symbols = potential.species
    if symbols is not None:
        _require(
            len(symbols) == count,
            "species",
            f"{len(symbols)} elements are named ({_shortened(symbols)}), but the potential has "
            f"{count} species; correct the text after potential_tag or delete it",
        )
        _require(
            len(set(symbols)) == count and all(atomic_numbers.get(s, 0) > 0 for s in symbols),
            "species",
            f"expected {count} different element symbols, found {_shortened(symbols)}",
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shortened(values: Sequence[object]) -> str:
    text = ", ".join(str(v) for v in values[:8])
    return text + (", ..." if len(values) > 8 else "")


def _check_basic(basic: NDArray[np.int32]) -> None:
    field = "alpha_index_basic"
    _require(
        basic.ndim == 2 and basic.shape[0] > 0 and basic.shape[1] == 4,
        field,
        f"expected rows {{mu, nx, ny, nz}}, at least one, found shape {basic.shape}",
    )
    _require(bool((basic >= 0).all()), field, "mu and the exponents must not be negative")
    _require(
        int(basic[:, 0].max()) < MAX_RADIAL_FUNCTIONS,
        field,
        f"mu = {basic[:, 0].max()} is above the limit of {MAX_RADIAL_FUNCTIONS - 1}",
    )
    ranks = basic[:, 1:].astype(np.int64).sum(axis=1)
    _require(
        int(ranks.max()) <= MAX_RANK,
        field,
        f"a moment of rank {ranks.max()} is above the limit of {MAX_RANK}",
    )
    # Evaluation needs all components up to the highest rank that this mu or a higher one has.
    highest = np.zeros(int(basic[:, 0].max()) + 1, dtype=np.int64)
    np.maximum.at(highest, basic[:, 0], ranks)
    highest = np.maximum.accumulate(highest[::-1])[::-1]
    needed = int(((highest + 1) * (highest + 2) * (highest + 3) // 6).sum())
    most = max(MOST_FREE_BASIC_MOMENTS, MOST_BASIC_MOMENTS * len(basic))
    _require(
        needed <= most,
        field,
        f"moments up to these ranks have {needed} components, of which {len(basic)} are listed; "
        f"expected at most {most}: lower mu or the exponents",
    )


def _check_products(potential: PotentialFields) -> None:
    field, products = "alpha_index_times", potential.alpha_index_times
    n_basic, n_moments = len(potential.alpha_index_basic), potential.alpha_moments_count
    _require(
        products.ndim == 2 and products.shape[1] == 4,
        field,
        f"expected rows {{i0, i1, multiplier, i3}}, found shape {products.shape}",
    )
    _require(
        n_basic <= n_moments <= n_basic + len(products),
        "alpha_moments_count",
        f"expected {n_basic} basic moments and at most one more for each of {len(products)} "
        f"products, found {n_moments}",
    )
    sources, targets = products[:, :2], products[:, 3]
    outside = (sources < 0) | (sources >= n_moments)
    _forbid(outside, field, f"uses a moment outside 0 to {n_moments - 1}")
    outside = (targets < n_basic) | (targets >= n_moments)
    _forbid(outside, field, f"adds to a moment outside {n_basic} to {n_moments - 1}")
    # A moment may be used only after the last product that adds to it.
    last = np.full(n_moments, -1, dtype=np.int64)
    rows = np.arange(len(products))
    np.maximum.at(last, targets, rows)
    _require(bool((last[n_basic:] >= 0).all()), field, "a moment is the target of no product")
    _forbid(last[sources] >= rows[:, None], field, "uses an incomplete moment")


def _check_scalars(potential: PotentialFields) -> None:
    field, scalars = "alpha_moment_mapping", potential.alpha_moment_mapping
    _require(scalars.ndim == 1 and len(scalars) > 0, field, "expected at least one scalar")
    _require(
        bool((scalars >= 0).all() and (scalars < potential.alpha_moments_count).all()),
        field,
        f"a scalar is outside the moments 0 to {potential.alpha_moments_count - 1}",
    )
    _require(len(np.unique(scalars)) == len(scalars), field, "a moment is named twice")


def _check_coefficients(potential: PotentialFields) -> None:
    count = potential.species_count
    shape = (count, count, potential.radial_funcs_count, potential.radial_basis_size)
    _require(
        int(np.prod(shape, dtype=np.int64)) <= MAX_RADIAL_COEFFS,
        "radial_basis_size",
        f"more than {MAX_RADIAL_COEFFS} radial coefficients are asked for",
    )
    expected = {
        "radial_coeffs": shape,
        "species_coeffs": (count,),
        "moment_coeffs": (len(potential.alpha_moment_mapping),),
    }
    for field, wanted in expected.items():
        value = getattr(potential, field)
        _require(
            value is None or value.shape == wanted,
            field,
            f"expected shape {wanted}, found {None if value is None else value.shape}",
        )
