"""Evaluation plans: exact for every table, kept in files, refused where there is none."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from maxvolt.archives import read_arrays
from maxvolt.potentials.mtp.basis import plan_files
from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.expansion import invariant_values, table_moments
from maxvolt.potentials.mtp.basis.harmonics import (
    HIGHEST_RANK,
    harmonics_from_monomials,
    independent_monomials,
)
from maxvolt.potentials.mtp.basis.invariants import Harmonic, harmonic_factors, scalar_vertices
from maxvolt.potentials.mtp.basis.plan import (
    EvaluationPlan,
    PlanStore,
    evaluation_plan,
    make_plan,
)
from maxvolt.potentials.mtp.conversion import table_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file

Array = NDArray[np.float64]


class Neighborhoods:
    """Random neighbourhoods: unit vectors and radial functions of any size."""

    def __init__(self, count: int, n_neighbors: int = 30, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        vectors = generator.normal(size=(count, n_neighbors, 3))
        self.directions = vectors / np.linalg.norm(vectors, axis=2)[:, :, None]
        self.radial = generator.normal(size=(8, count, n_neighbors))

    def basic(self, table: ContractionTable) -> Array:
        """Basic moments by their definition, shape (B, count)."""
        return np.array(
            [
                np.sum(self.radial[mu] * np.prod(self.directions**e, axis=2), axis=1)
                for mu, *e in table.basic.tolist()
            ]
        )

    def harmonics(self, wanted: set[Harmonic]) -> dict[Harmonic, Array]:
        """Harmonic moments by equation (29), shape (count, 2 l + 1) each."""
        powers = np.array(independent_monomials(max(l for _, l in wanted)))
        values = np.prod(self.directions[None] ** powers[:, None, None, :], axis=3)
        moments = np.einsum("bsn,msn->mbs", values, self.radial)
        return {
            (mu, l): (harmonics_from_monomials(l) @ moments[mu, : (l + 1) ** 2]).T
            for mu, l in wanted
        }


def errors(table: ContractionTable, plan: EvaluationPlan, inputs: Neighborhoods) -> Array:
    """Largest difference of each scalar, relative to its root mean square over the inputs."""
    vertices = scalar_vertices(table)
    assert vertices is not None
    wanted = {h for key in set(vertices) for f in harmonic_factors(key) for h in f}
    expected = table_moments(table, inputs.basic(table))[table.scalars]
    found = plan.expansion @ invariant_values(list(plan.invariants), inputs.harmonics(wanted))
    size = np.sqrt(np.mean(expected**2, axis=1))
    return np.asarray(abs(found - expected).max(axis=1) / size)


def assert_exact(table: ContractionTable) -> None:
    plan = evaluation_plan(table)
    assert plan is not None
    assert plan.expansion.shape == (len(table.scalars), len(plan.invariants))
    assert errors(table, plan, Neighborhoods(count=40)).max() < 1e-12


@cache
def table_of(path: Path) -> ContractionTable:
    return table_of_file(path, read_potential_file(path))


@pytest.mark.parametrize("level", range(2, 30, 2))
def test_own_levels(level: int) -> None:
    assert_exact(contraction_table(level))


def test_every_table_of_mlip(shared: Path) -> None:
    folder = shared / "reference" / "mlip3"
    files = [*(folder / "cases").glob("*.mtp"), *(folder / "trained").glob("*.mtp")]
    files += folder.rglob("*.almtp")
    assert len(files) > 45
    tables = {plan_files.table_key(table_of(path)): path for path in sorted(files)}
    assert len(tables) >= 14  # each level has one
    for path in tables.values():
        assert_exact(table_of(path))


@pytest.mark.parametrize(
    "limits",
    [
        {"level": 15},
        {"level": 12, "max_vertices": 1},
        {"level": 16, "max_vertices": 2},
        {"level": 18, "max_vertices": 3},
        {"level": 16, "max_nu": 3, "max_mu": 1},
        {"level": 22, "max_nu": None, "max_mu": None, "max_vertices": 3},
    ],
)
def test_own_limits(limits: dict[str, int]) -> None:
    assert_exact(contraction_table(**limits))


@pytest.mark.parametrize("seed", range(8))
def test_some_scalars_of_a_table(seed: int) -> None:
    table = contraction_table(16)
    generator = np.random.default_rng(seed)
    kept = generator.choice(table.scalars, size=1 + seed, replace=False)
    assert_exact(ContractionTable(table.basic, table.products, kept, table.n_moments))


def test_pairs_of_a_plan() -> None:
    plan = evaluation_plan(contraction_table(10))
    assert plan is not None
    found = {
        (pair, rank)
        for invariant in plan.invariants
        for pair, rank in ((invariant.left, invariant.rank), (invariant.right, invariant.rank))
        if len(pair) == 2
    }
    assert {(pair, rank) for pair, ranks in plan.pairs.items() for rank in ranks} == found
    assert list(plan.pairs) == sorted(plan.pairs)


# --------------------------------------------------------------------- tables without a plan

BASIC = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def table(products: list[list[int]], scalars: list[int]) -> ContractionTable:
    """Products of the moments 0 (rank 0) and 1 to 3 (rank 1)."""
    rows = np.array(products, dtype=np.int32).reshape(-1, 4)
    n_moments = len(BASIC) + len(np.unique(rows[:, 3]))
    return ContractionTable(BASIC, rows, np.array(scalars), n_moments)


@pytest.mark.parametrize(
    "without_plan",
    [
        table([], [1]),  # a component of a vector
        table([], [0, 2]),
        table([[1, 1, 1, 4]], [4]),  # the square of one
        table([[1, 1, 1, 4], [2, 2, 1, 4], [3, 3, 2, 4]], [4]),  # of a stretched vector
        table([[1, 1, 1, 4], [2, 2, 1, 4], [3, 3, 1, 4], [0, 1, 1, 5]], [4, 5]),
        table([[0, 0, 1, 4], [0, 1, 1, 4]], [4]),  # a sum of different products
        table([[0, 0, 1, 4], [4, 4, 1, 5], [0, 5, 1, 6]], [0, 6]),  # five factors
    ],
)
def test_tables_without_a_plan(without_plan: ContractionTable) -> None:
    assert evaluation_plan(without_plan) is None


def test_ranks_that_are_too_high_have_no_plan() -> None:
    """|M_nu|^2 for nu = HIGHEST_RANK is planned, the next one is not."""

    def square(nu: int) -> ContractionTable:
        return contraction_table(2 * (2 + nu), max_vertices=2, max_nu=nu, max_mu=0)

    assert_exact(square(HIGHEST_RANK))
    assert evaluation_plan(square(HIGHEST_RANK + 1)) is None


def test_a_square_of_a_vector_has_a_plan() -> None:
    assert_exact(table([[1, 1, 1, 4], [2, 2, 1, 4], [3, 3, 1, 4]], [4, 0]))
    assert_exact(table([[1, 1, 1, 4], [2, 2, 1, 4], [3, 3, 1, 4], [4, 4, 3, 5]], [5]))


def test_a_scalar_that_is_always_zero() -> None:
    zero = table([[0, 0, 1, 4], [0, 0, -1, 4]], [0, 4])
    plan = evaluation_plan(zero)
    assert plan is not None
    assert plan.expansion[[1]].nnz == 0


# --------------------------------------------------------------------- files


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the plans."""
    monkeypatch.setenv("MAXVOLT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class NotingStore(PlanStore):
    """Keeps every plan in a file, and notes the tables for which one was made rather than read."""

    def __init__(self, worth_keeping: int = 0, most_recent: int = 32) -> None:
        super().__init__(
            worth_keeping=worth_keeping, most_recent=most_recent, make=self._make_and_note
        )
        self.made: list[ContractionTable] = []

    def _make_and_note(self, table: ContractionTable) -> EvaluationPlan | None:
        self.made.append(table)
        return make_plan(table)

    def forget(self) -> None:
        self._recent.clear()


@pytest.fixture
def store() -> NotingStore:
    return NotingStore()


def assert_same(one: EvaluationPlan | None, other: EvaluationPlan | None) -> None:
    assert one is not None
    assert other is not None
    assert one.invariants == other.invariants
    assert one.expansion.shape == other.expansion.shape
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(one.expansion, part), getattr(other.expansion, part))


def test_a_plan_is_kept_in_a_file(kept: Path, store: NotingStore) -> None:
    first = store.plan(contraction_table(12))
    (file,) = kept.iterdir()  # nothing temporary is left
    assert file.name == f"{plan_files.table_key(contraction_table(12))}.plan"
    store.forget()
    assert_same(store.plan(contraction_table(12)), first)
    assert len(store.made) == 1


def test_the_same_table_has_the_same_plan(kept: Path, store: NotingStore) -> None:
    table = contraction_table(8)
    copy = ContractionTable(
        table.basic.copy(), table.products.copy(), table.scalars.copy(), table.n_moments
    )
    assert store.plan(table) is store.plan(copy)
    assert len(store.made) == 1
    changed = table.scalars[::-1]
    other = ContractionTable(table.basic, table.products, changed, table.n_moments)
    assert store.plan(other) is not store.plan(table)


def test_plans_of_small_tables_are_not_kept(
    kept: Path,
) -> None:
    NotingStore(worth_keeping=10_000).plan(contraction_table(12))
    assert not kept.exists()


def test_only_the_most_recent_plans_are_remembered(
    kept: Path,
) -> None:
    store = NotingStore(most_recent=2)
    for level in (4, 6, 8, 8, 6, 4):
        assert store.plan(contraction_table(level)) is not None
    assert len(store) == 2
    assert len(store.made) == 3  # the others from their files


def test_damaged_files_are_made_again(kept: Path, store: NotingStore) -> None:
    first = store.plan(contraction_table(10))
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    generator = np.random.default_rng(0)
    damaged = [b"", b"PK", whole[:-1], whole[: len(whole) // 2], whole + b"x", whole[32:]]
    for position in generator.integers(0, len(whole), 60).tolist():
        damaged.append(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
    for contents in damaged:
        file.write_bytes(contents)
        store.forget()
        store.made.clear()
        assert_same(store.plan(contraction_table(10)), first)
        assert len(store.made) == 1
        assert file.read_bytes() == whole  # and kept again


def kept_bytes(key: str, **arrays: Array) -> bytes:
    """A file with a right digest, as anybody can make it."""
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    contents = buffer.getvalue()
    return hashlib.sha256(key.encode() + contents).digest() + contents


def test_plans_of_other_tables_are_not_believed(kept: Path, store: NotingStore) -> None:
    first = store.plan(contraction_table(10))
    store.plan(contraction_table(12))
    ours, other = (kept / f"{plan_files.table_key(contraction_table(n))}.plan" for n in (10, 12))
    whole = ours.read_bytes()
    ours.write_bytes(other.read_bytes())
    store.forget()
    assert_same(store.plan(contraction_table(10)), first)
    assert len(store.made) == 3
    assert ours.read_bytes() == whole


def poisons(whole: bytes) -> list[dict[str, Array]]:
    """Plans that are readable and wrong."""
    arrays = read_arrays(whole[32:])

    def changed(name: str, index: tuple[int, ...] | int, value: float) -> dict[str, Array]:
        array = arrays[name].copy()
        array[index] = value
        return {**arrays, name: array}

    rows = arrays["invariants"]
    return [
        changed("data", 3, arrays["data"][3] * (1 + 1e-6)),
        changed("data", 0, np.nan),
        changed("data", 0, 1e308),
        changed("indices", 2, 10**6),
        changed("indices", 2, -1),
        changed("indptr", 1, 10**6),
        changed("indptr", -1, 0),
        changed("invariants", (0, 0), 20),  # a rank that the channels do not couple to
        changed("invariants", (0, 1), 4),
        changed("invariants", (0, 3), 99),  # a moment that the table does not have
        changed("invariants", (0, 4), -5),
        {**arrays, "invariants": rows[:-1]},
        {**arrays, "invariants": rows.astype(float)},
        {**arrays, "invariants": rows[:0]},
        {**arrays, "data": arrays["data"][:, None]},
        {**arrays, "data": arrays["data"].astype("U5")},
        {"data": arrays["data"]},
    ]


def test_poisoned_plans_are_made_again(kept: Path, store: NotingStore) -> None:
    table = contraction_table(10)
    key = plan_files.table_key(table)
    first = store.plan(table)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    for number, arrays in enumerate(poisons(whole)):
        file.write_bytes(kept_bytes(key, **arrays))
        store.forget()
        store.made.clear()
        assert_same(store.plan(table), first)
        assert len(store.made) == 1, number
        assert file.read_bytes() == whole
    file.write_bytes(kept_bytes(key, **read_arrays(whole[32:])))  # the true one, from elsewhere
    store.forget()
    store.made.clear()
    assert_same(store.plan(table), first)
    assert not store.made


def test_what_is_no_file_is_not_waited_for(kept: Path, store: NotingStore) -> None:
    kept.mkdir()
    os.mkfifo(kept / f"{plan_files.table_key(contraction_table(8))}.plan")
    assert store.plan(contraction_table(8)) is not None
    assert len(store.made) == 1


def test_a_folder_in_place_of_the_file(kept: Path, store: NotingStore) -> None:
    (kept / f"{plan_files.table_key(contraction_table(8))}.plan").mkdir(parents=True)
    assert store.plan(contraction_table(8)) is not None
    assert len(store.made) == 1


def test_an_interrupted_write_leaves_no_file(
    kept: Path, store: NotingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert store.plan(contraction_table(8)) is not None
    assert list(kept.iterdir()) == []


@pytest.mark.parametrize("place", ["a file", "a file above"])
def test_a_folder_that_cannot_be_written_to(
    place: str,
    tmp_path: Path,
    kept: Path,
    store: NotingStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("not a folder")
    folder = occupied if place == "a file" else occupied / "below"
    monkeypatch.setenv("MAXVOLT_CACHE", str(folder))
    assert store.plan(contraction_table(8)) is not None
    store.forget()
    assert store.plan(contraction_table(8)) is not None
    assert len(store.made) == 2
    assert occupied.read_text() == "not a folder"


def test_where_plans_are_kept(
    tmp_path: Path, kept: Path, store: NotingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAXVOLT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    store.plan(contraction_table(6))
    assert len(list((tmp_path / "xdg" / "maxvolt").iterdir())) == 1
    monkeypatch.delenv("XDG_CACHE_HOME")
    store.forget()
    store.plan(contraction_table(6))
    assert len(list((tmp_path / "home" / ".cache" / "maxvolt").iterdir())) == 1

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    store.forget()
    assert store.plan(contraction_table(6)) is not None
    assert len(store.made) == 3


def test_this_run_does_not_write_to_the_user_s_folder(plan_cache: Path) -> None:
    assert Path(os.environ["MAXVOLT_CACHE"]) == plan_cache
    assert plan_cache != Path.home() / ".cache" / "maxvolt"
    assert evaluation_plan(contraction_table(22)) is not None
    key = plan_files.table_key(contraction_table(22))
    assert (plan_cache / f"{key}.plan").exists()
