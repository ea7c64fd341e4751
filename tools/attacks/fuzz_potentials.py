"""Damaged .mtp, .almtp and .als files are read, and survive writing, or are refused by place.

An input must either be read, and then survive writing and reading again without any change, or be
refused by a FileFormatError that names file and line or byte.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from attacks.finding import FindingError
from attacks.mutations import mutations, survive
from attacks.round_trips import difference
from maxvolt.errors import FileFormatError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_write import text_bytes
from maxvolt.potentials.mtp.files.active_set import (
    INITIAL,
    ActiveSetRecord,
    Dialect,
    format_active_set,
)
from maxvolt.potentials.mtp.files.parser import parse_potential
from maxvolt.potentials.mtp.files.record import PotentialFile
from maxvolt.potentials.mtp.files.writer import format_potential

# The tables of level 6: scalars M0, M1, M0^2, |M_0,1|^2 and M0^3.
BASIC = [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
TIMES = [[0, 0, 1, 5], [1, 1, 1, 6], [2, 2, 1, 6], [3, 3, 1, 6], [0, 5, 1, 7]]
TOKENS = [
    b"species: Ti Al", b"species: H", b"magnetic_basis_type = BChebyshev\n", b"scaling = 2\n",
    b"min = 1\n", b"size = 3\n", b"RBShapeev", b"RBTaylor", b"0-0", b"13-28", b"#MVS_v1.1", b"^",
    b"{" * 3000, b"{0," * 3000, b"{0, 0, 1, 5}, " * 300, b"{99, 0, 0, 64}, ", b"# UNITS: metal\n",
]  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+(?:e[+-]\d+)?)?")
KINDS = ("mtp", "almtp")
INPUTS = 150
"""Of each kind in a trial."""


def seed_potential(count: int) -> PotentialFile:
    """Build a small potential of `count` species."""
    values = np.random.default_rng(count)
    return PotentialFile(
        radial_basis_type="RBChebyshev",
        min_dist=1.9,
        max_dist=5.2,
        radial_basis_size=3,
        alpha_moments_count=8,
        alpha_index_basic=np.array(BASIC),
        alpha_index_times=np.array(TIMES),
        alpha_moment_mapping=np.array([0, 4, 5, 6, 7]),
        species_count=count,
        radial_coeffs=values.normal(size=(count, count, 2, 3)),
        species_coeffs=values.normal(size=count),
        moment_coeffs=values.normal(size=5),
        species=("Ti", "Al")[:count],
        scaling=0.3,
    )


def seed_active_set(n: int, dialect: Dialect) -> ActiveSetRecord:
    """Build an active set of one structure for a potential of n parameters."""
    matrix = np.random.default_rng(n).normal(size=(n, n))
    origins = np.full((n, 2), INITIAL)
    origins[1] = 0, 0
    structure = CfgConfiguration(np.zeros(1, np.int32), np.zeros((1, 3)), 3.0 * np.eye(3))
    return ActiveSetRecord(
        energy_weight=1.0,
        force_weight=0.0,
        stress_weight=0.0,
        site_energy_weight=0.0,
        weight_scaling=2,
        matrix=matrix,
        inverse=np.linalg.inv(matrix),
        origins=origins,
        structures=text_bytes(structure),
        dialect=dialect,
    )


def seeds(kind: str) -> list[bytes]:
    """Give unharmed files of a kind: 'mtp' as MLIP-2 and motep write them, 'almtp' as MLIP-3."""
    one, two = seed_potential(1), seed_potential(2)
    untrained = dataclasses.replace(
        one, radial_coeffs=None, species_coeffs=None, moment_coeffs=None
    )
    if kind == "almtp":
        labelled = dataclasses.replace(
            two, species_labels=(13, 28), active_set=seed_active_set(two.n_parameters, "MLIP-3")
        )
        grown = dataclasses.replace(one, active_set=seed_active_set(one.n_parameters, "MLIP-3"))
        return [format_potential(p) for p in (labelled, grown, untrained)]
    plain = format_potential(two)
    motep = plain.replace(b"min_dist", b"min").replace(b"max_dist", b"max")
    motep = motep.replace(b"radial_basis_size", b"size")
    als = dataclasses.replace(one, active_set=seed_active_set(one.n_parameters, "MLIP-2"))
    commented = b"# DATE: 2026-01-01 UNITS: metal\n# CONTRIBUTOR: N. N.\n" + plain
    return [plain, motep, plain.replace(b"\n", b"\r\n"), format_potential(als), commented]


def inputs(kind: str, seed: str) -> Iterator[bytes]:
    """Give damaged files of a kind, without end."""
    return mutations(seeds(kind), random.Random(f"{kind} {seed}"), TOKENS)


def _comparable(value: Any) -> Any:
    """Give an active set as the bytes of its file."""
    return format_active_set(value) if isinstance(value, ActiveSetRecord) else value


def check(data: bytes) -> str:
    """Return 'read' or 'refused'; raise FindingError or whatever else goes wrong."""
    try:
        potential = parse_potential(data, "mutated.mtp")
    except FileFormatError as error:
        if error.offset is not None:
            if not 0 <= error.offset <= len(data):
                raise FindingError(f"byte {error.offset} does not exist") from error
        elif error.line is None or not 1 <= error.line <= data.count(b"\n") + 1:
            raise FindingError(f"line {error.line} does not exist") from error
        if len(str(error)) > 1000:
            raise FindingError("the message is too long") from error
        return "refused"
    field = difference(
        potential,
        parse_potential(format_potential(potential), "written.mtp"),
        comparable=_comparable,
    )
    if field is not None:
        raise FindingError(f"{field} is not the same after writing and reading")
    return "read"


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Read some damaged files of each kind."""
    for kind in KINDS:
        survive(inputs(kind, str(seed)), check, scratch / f"input.{kind}", count=count)
    return "held"


def numbers_changed(kind: str, generator: random.Random) -> Iterator[bytes]:
    """Give damaged files that are more often still readable: single numbers are changed."""
    pool = seeds(kind)
    damaged = mutations(pool, generator, TOKENS)
    values = (b"0", b"1", b"2", b"7", b"-1", b"1e300", b"1e-300", b"30", b"64", b"99", b"5.2e10")
    while True:
        if generator.random() < 0.2:
            yield next(damaged)
            continue
        data = generator.choice(pool)
        for _ in range(generator.choice((1, 1, 2, 4))):
            places = list(NUMBER.finditer(data[:4000]))
            place = generator.choice(places)
            data = data[: place.start()] + generator.choice(values) + data[place.end() :]
        yield data
