"""The active set behind a potential, as MLIP-3 and MLIP-2 write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from maxvolt.errors import DataError, FileFormatError
from maxvolt.potentials.mtp.files.active_set import (
    INITIAL,
    ActiveSetRecord,
    Dialect,
    format_active_set,
    parse_active_set,
)

Make = Callable[..., ActiveSetRecord]
DIALECTS: tuple[Dialect, ...] = ("MLIP-3", "MLIP-2")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_what_is_written_is_read(dialect: Dialect, n: int, random_record: Make) -> None:
    record = random_record(n, dialect)
    data = format_active_set(record)
    again = parse_active_set(data, n)
    assert again.dialect == dialect
    for name in ("matrix", "inverse"):
        np.testing.assert_array_equal(getattr(again, name), getattr(record, name))
    for name in ("energy_weight", "force_weight", "stress_weight", "site_energy_weight"):
        assert getattr(again, name) == getattr(record, name)
    initial = record.origins[:, 0] == INITIAL
    np.testing.assert_array_equal(again.origins[~initial], record.origins[~initial])
    sizes = [len(c) for c in again.configurations()]
    if dialect == "MLIP-3":
        assert sizes == [2, 2]
        assert (again.origins[initial] == INITIAL).all()
    else:
        assert not np.array(sizes)[again.origins[initial, 0]].any()
    assert format_active_set(again) == data


def test_layout_of_mlip_3(random_record: Make) -> None:
    data = format_active_set(random_record(3))
    head, _, rest = data.partition(b"2\n#")
    assert head.decode() == (
        "\n#MVS_v1.1\nenergy_weight 1.0000000000000000e+00\nforce_weight 0.0000000000000000e+00\n"
        "stress_weight 0.0000000000000000e+00\nsite_en_weight 0.0000000000000000e+00\n"
        "weight_scaling "
    )
    assert rest[2 * 9 * 8 :].startswith(b"\n#\n0 0\n-1 -1\n1 0\n#\nBEGIN_CFG")


def test_layout_of_mlip_2(random_record: Make) -> None:
    record = replace(random_record(3, "MLIP-2"), energy_weight=0.5, site_energy_weight=2.0)
    data = format_active_set(record)
    assert data.startswith(b"\n^")
    assert np.frombuffer(data, "<f8", 4, 2).tolist() == [2.0, 0.5, 0.0, 0.0]
    assert data[34:36] == b"\n#"
    numbers = np.frombuffer(data, "<f8", 18, 36).reshape(2, 3, 3)
    np.testing.assert_array_equal(numbers[0], record.matrix)
    np.testing.assert_allclose(numbers[0] @ numbers[1].T, np.eye(3), atol=1e-12)
    # The row that was never replaced points to an empty structure behind the others.
    assert data[36 + 18 * 8 :].startswith(b"\n0 0\n1 2\n2 1\nBEGIN_CFG")
    assert [len(c) for c in parse_active_set(data, 3).configurations()] == [2, 2, 0]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_cut_is_noticed(dialect: Dialect, random_record: Make) -> None:
    data = format_active_set(random_record(3, dialect))
    structures = data.index(b"BEGIN_CFG")
    for end in range(1, structures):
        with pytest.raises(FileFormatError):
            parse_active_set(data[:end], 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"energy_weight", b"energie_weight", "'energie_weight' is unknown"),
        (b"force_weight", b"energy_weight", "occurs twice"),
        (b"weight_scaling 2", b"weight_scaling 7", "expected 0, 1 or 2"),
        (b"force_weight 0.0", b"force_weight nan", "expected a number, found 'nan"),
        (b"force_weight 0.0000000000000000e+00\n", b"", "'force_weight' is missing"),
        (b"\n-1 -1\n", b"\n-1 5\n", "negative number"),
        (b"\n-1 -1\n", b"\n-1 x\n", "expected 3 lines of two whole numbers, found 1"),
        (b"\n#MVS_v1.1", b"\n#MVS_v2.0", "expected a new line with"),
    ],
)
def test_damage_is_named(old: bytes, new: bytes, message: str, random_record: Make) -> None:
    data = format_active_set(random_record(3))
    assert old in data
    with pytest.raises(FileFormatError, match=message) as caught:
        parse_active_set(data.replace(old, new, 1), 3, "p.almtp", offset=100)
    assert caught.value.offset is not None
    assert caught.value.offset >= 100


def test_numbers_that_are_not_finite(random_record: Make) -> None:
    record = random_record(3)
    matrix = record.matrix.copy()
    matrix[1, 1] = np.inf
    data = format_active_set(replace(record, matrix=matrix))
    with pytest.raises(FileFormatError, match="a number is not finite") as caught:
        parse_active_set(data, 3)
    assert caught.value.offset == data.index(b"2\n#") + 3 + 4 * 8


def test_rows_of_mlip_2_are_checked(random_record: Make) -> None:
    data = format_active_set(random_record(3, "MLIP-2"))
    for new, message in ((b"\n0 0\n0 2\n", "each row from 0 to 2"), (b"\n0 0\n1 -2\n", "negative")):
        with pytest.raises(FileFormatError, match=message):
            parse_active_set(data.replace(b"\n0 0\n1 2\n", new), 3)


def test_shapes_must_agree(random_record: Make) -> None:
    with pytest.raises(DataError, match="origins of the active set"):
        replace(random_record(3), origins=np.zeros((2, 2)))
