"""Damaged .cfg files, text and binary, are read, and survive writing, or are refused by place.

An input must either be read, and then survive writing (as text and as binary) and reading again
without any change, or be refused by a FileFormatError that names the file and a line or byte that
exists. What was read must become a dataset or be refused by a maxvolt error.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from attacks.finding import FindingError
from attacks.mutations import mutations, survive, with_tokens
from attacks.round_trips import difference
from maxvolt.errors import DataError, FileFormatError, MaxvoltError
from maxvolt.io.cfg import CfgConfiguration, parse_cfg
from maxvolt.io.cfg_binary import binary_bytes
from maxvolt.io.cfg_dataset import dataset_from_cfg
from maxvolt.io.cfg_write import text_bytes

TEXT_TOKENS = [
    b"BEGIN_CFG\n", b"END_CFG\n", b" Size\n 2\n", b" Size 99999999999\n", b" Supercell\n 3 3 3\n",
    b" SuperCell 1e300 0 0 0 1e300 0 0 0 1e300\n", b"AtomData: id type cartes_x\n", b"direct_x",
    b"cartes_y", b"fx", b"ghost", b"true", b"nbh_grades", b" Energy\n", b" Energy 1e999\n",
    b" PlusStress: xx yy zz yz xz xy\n 1 2 3 4 5 6\n", b" Feature name\tvalue\n",
    b" Virial: xx yy zz yz xz xy\n 1 2 3 4 5 6\n", b" Feature \\_\\t\\q\t\r\n",
    b" Stress: xx yy zz yz xz xy\n 1 2 3 4 5 6\n",
    b" Feature species\tTi X\n", b" Feature config_weight\tnan\n", b" Features: a b\n 1 2\n",
    b"1_0", b"-0.0", b"0x10", b"1e-320", b"Infinity", b"\xef\xbb\xbf", b"\x0c", b"\r",
    b" Feature long\tx\n" * 300,
]  # fmt: skip
BINARY_TOKENS = [
    *(bytes([letter]) for letter in b"nlptfmdvcgseF#"),
    *(struct.pack("<i", value) for value in (0, 1, 3, -1, 2**31 - 1, -(2**31), 10**6)),
    *(struct.pack("<d", value) for value in (0.0, -0.0, 1e300, float("nan"), float("inf"))),
    b" \n", b"n\x00\x00\x00\x00p#",
]  # fmt: skip
KINDS = ("text", "binary")
INPUTS = 200
"""Of each kind in a trial."""


def seed_configurations() -> list[CfgConfiguration]:
    """Build configurations that use every part of the format."""
    values = np.random.default_rng(0)
    size = 3
    whole = CfgConfiguration(
        types=np.array([0, 1, 0], np.int32),
        positions=values.normal(size=(size, 3)),
        cell=np.diag([3.0, 4.0, 5.0]),
        energy=-10.5,
        forces=values.normal(size=(size, 3)),
        plus_stress=values.normal(size=6),
        site_energies=values.normal(size=size),
        charges=values.normal(size=size),
        magmoms=values.normal(size=(size, 3)),
        magmom_derivatives=values.normal(size=(size, 3)),
        ghost=np.array([False, True, False]),
        nbh_grades=values.normal(size=size),
        features={"EFS_by": "VASP", "a name": "two\nlines", "config_weight": "2", "empty": ""},
    )
    cluster = CfgConfiguration(
        types=np.zeros(1, np.int32), positions=np.zeros((1, 3)), cell=np.zeros((3, 3)), energy=0.0
    )
    slab = dataclasses.replace(cluster, cell=np.diag([3.0, 3.0, 0.0]), features={"species": "Ti"})
    return [whole, cluster, slab]


def seeds(kind: str) -> list[bytes]:
    """Give unharmed files of a kind, 'text' or 'binary'."""
    whole, cluster, slab = seed_configurations()
    if kind == "binary":
        return [binary_bytes(whole), b"".join(map(binary_bytes, (cluster, slab, whole)))]
    plain = text_bytes(whole)
    virial = plain.replace(b"PlusStress:  xx          yy", b"Virial: yy xx")
    return [
        plain,
        text_bytes(whole, full_precision=False),
        text_bytes(whole, direct=True).replace(b"\n", b"\r\n"),
        virial + text_bytes(cluster) + text_bytes(slab),
        text_bytes(cluster).replace(b" Energy\n", b" Features: ID from\n 7 here\n Energy\n"),
    ]


def inputs(kind: str, seed: str) -> Iterator[bytes]:
    """Give damaged files of a kind, without end."""
    generator = random.Random(f"{kind} {seed}")
    tokens = BINARY_TOKENS if kind == "binary" else TEXT_TOKENS
    pool = seeds(kind)
    return with_tokens(mutations(pool, generator), pool, tokens, generator)


def check(data: bytes) -> str:
    """Return 'read' or 'refused'; raise FindingError or whatever else goes wrong."""
    try:
        configurations = parse_cfg(data, "mutated.cfg")
    except FileFormatError as error:
        _check_place(error, data)
        return "refused"
    for configuration in configurations:
        _check_round_trip(configuration)
    try:
        dataset_from_cfg(configurations, ("Ti", "Al", "Ni"), path="mutated.cfg")
    except MaxvoltError as error:
        if "mutated.cfg" not in str(error):
            raise FindingError(f"the file is not named: {error}") from error
    return "read"


def _check_place(error: FileFormatError, data: bytes) -> None:
    if error.line is not None:
        exists = 1 <= error.line <= data.count(b"\n") + 1
    else:
        exists = error.offset is not None and 0 <= error.offset <= len(data)
    if not exists:
        raise FindingError(f"line {error.line}, byte {error.offset} does not exist") from error
    if len(str(error)) > 500:
        raise FindingError("the message is too long") from error


def _check_round_trip(configuration: CfgConfiguration) -> None:
    try:
        text = text_bytes(configuration)
    except DataError as error:
        if "feature" not in str(error):
            raise
        text = None
    for written in (text, binary_bytes(configuration)):
        if written is None:
            continue
        binary = written is not text
        (back,) = parse_cfg(written, "written.cfg")
        field = difference(configuration, back, left_out=("nbh_grades",) if binary else ())
        if field is not None:
            raise FindingError(f"{field} is not the same after writing and reading")


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Read some damaged files of each kind."""
    logging.disable()  # what a binary file has no place for
    try:
        for kind in KINDS:
            survive(inputs(kind, str(seed)), check, scratch / f"input.{kind}.cfg", count=count)
    finally:
        logging.disable(logging.NOTSET)
    return "held"
