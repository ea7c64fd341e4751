"""Feed mutated potential files to the reader and count what happens.

An input must either be read, and then survive writing and reading again without any change, or be
refused by a FileFormatError that names file and line or byte. Anything else is a finding: it is
printed and its input kept. Memory is limited, so that an input that asks for gigabytes is found as
well.

    python tools/fuzz/fuzz_potentials.py --count 100000 --seed 0 [FILE ...]

Files given are used as additional seeds. The exit status is 1 if there are findings.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from maxvolt.errors import FileFormatError
from maxvolt.io.active_set import INITIAL, ActiveSetRecord, Dialect, format_active_set
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_write import text_bytes
from maxvolt.io.mtp_parser import parse_potential
from maxvolt.io.mtp_writer import format_potential
from maxvolt.io.potential_file import PotentialFile

MEMORY = 3 * 2**30  # bytes of address space
SLOW = 1.0  # seconds for one small input

# The tables of level 6: scalars M0, M1, M0^2, |M_0,1|^2 and M0^3.
BASIC = [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
TIMES = [[0, 0, 1, 5], [1, 1, 1, 6], [2, 2, 1, 6], [3, 3, 1, 6], [0, 5, 1, 7]]
TOKENS = [
    b"0", b"-1", b"1e999", b"-1e-999", b"nan", b"inf", b"2147483648", b"999999999", b"9" * 5000,
    b"1.5", b"{", b"}", b"{}", b"{{}}", b",", b"=", b"", b"\n", b"\r\n", b"\t", b"\x00",
    b"\xff\xfe", b"species: Ti Al", b"species: H", b"magnetic_basis_type = BChebyshev\n",
    b"scaling = 2\n", b"min = 1\n", b"size = 3\n", b"RBShapeev", b"RBTaylor", b"0-0", b"13-28",
    b"#MVS_v1.1", b"^", b"{" * 3000, b"{0," * 3000, b"1," * 3000, b" " * 3000,
    b"{0, 0, 1, 5}, " * 300,
]  # fmt: skip


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
    return [plain, motep, plain.replace(b"\n", b"\r\n"), format_potential(als)]


def mutations(pool: list[bytes], generator: random.Random) -> Iterator[bytes]:
    """Give damaged copies of the seeds, without end."""
    kinds: list[Callable[[bytearray, list[bytes], random.Random], None]] = [
        _change_digit, _change_digit, _flip, _cut, _repeat, _insert, _replace_number,
        _swap_lines, _splice, _truncate,
    ]  # fmt: skip
    while True:
        data = bytearray(generator.choice(pool))
        for _ in range(generator.choice((1, 1, 1, 2, 3, 8))):
            generator.choice(kinds)(data, pool, generator)
        yield bytes(data)


def _span(data: bytearray, generator: random.Random, limit: int = 200) -> tuple[int, int]:
    start = generator.randrange(len(data) + 1)
    return start, min(len(data), start + generator.randrange(1, limit))


def _change_digit(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    digits = [i for i, byte in enumerate(data[:4000]) if 48 <= byte <= 57]
    if digits:
        data[generator.choice(digits)] = generator.randrange(48, 58)


def _flip(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    if data:
        data[generator.randrange(len(data))] = generator.randrange(256)


def _cut(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    start, end = _span(data, generator)
    del data[start:end]


def _repeat(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    start, end = _span(data, generator)
    data[start:start] = data[start:end] * generator.choice((1, 2, 50))


def _insert(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    at = generator.randrange(len(data) + 1)
    data[at:at] = generator.choice(TOKENS)


def _replace_number(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    digits = [i for i, byte in enumerate(data[:4000]) if 48 <= byte <= 57]
    if digits:
        at = generator.choice(digits)
        data[at : at + generator.randrange(1, 4)] = generator.choice(TOKENS)


def _swap_lines(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    i, j = generator.randrange(len(lines)), generator.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    data[:] = b"\n".join(lines)


def _splice(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    other = bytearray(generator.choice(pool))
    start, end = _span(other, generator)
    at = generator.randrange(len(data) + 1)
    data[at : at + generator.randrange(200)] = other[start:end]


def _truncate(data: bytearray, pool: list[bytes], generator: random.Random) -> None:
    del data[generator.randrange(len(data) + 1) :]


def difference(first: PotentialFile, second: PotentialFile) -> str | None:
    """Name the first field in which two potentials differ."""
    for field in dataclasses.fields(PotentialFile):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, np.ndarray):
            same = isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
        elif isinstance(a, ActiveSetRecord):
            same = isinstance(b, ActiveSetRecord) and format_active_set(a) == format_active_set(b)
        else:
            same = a == b
        if not same:
            return field.name
    return None


class FindingError(Exception):
    """The reader did something it must not do."""


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
    field = difference(potential, parse_potential(format_potential(potential), "written.mtp"))
    if field is not None:
        raise FindingError(f"{field} is not the same after writing and reading")
    return "read"


def command_line(description: str) -> argparse.Namespace:
    """Read the options that every fuzzer has, and limit the memory."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("files", nargs="*", type=Path, help="additional seeds")
    parser.add_argument("--count", type=int, default=100_000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="folder")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return parser.parse_args()


def run(
    kind: str, stream: Iterator[bytes], check: Callable[[bytes], str], options: argparse.Namespace
) -> int:
    """Feed inputs of one kind, keep findings, print a summary; return the number of findings."""
    outcomes = {"read": 0, "refused": 0, "findings": 0}
    slowest = 0.0
    for number in range(options.count):
        data = next(stream)
        start = time.perf_counter()
        try:
            outcome = check(data)
            took = time.perf_counter() - start
            if took > SLOW:
                raise FindingError(f"took {took:.1f} s")
            slowest = max(slowest, took)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            outcome = "findings"
            options.keep.mkdir(exist_ok=True)
            (options.keep / f"{options.seed}-{number}.{kind}").write_bytes(data)
            print(f"{kind} {number}: {type(error).__name__}: {error}", file=sys.stderr)
        outcomes[outcome] += 1
    print(json.dumps({"kind": kind, **outcomes, "slowest_ms": round(1e3 * slowest, 1)}))
    return outcomes["findings"]


def main() -> int:
    """Run from the command line."""
    options = command_line(__doc__.splitlines()[0])
    findings = 0
    for kind in ("mtp", "almtp"):
        extra = [path.read_bytes() for path in options.files if path.suffix == f".{kind}"]
        stream = mutations(seeds(kind) + extra, random.Random(f"{kind} {options.seed}"))
        findings += run(kind, stream, check, options)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
