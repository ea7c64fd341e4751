"""Structures to label, a store, and references that go wrong in every way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ase import Atoms
from labelling_data import make_structures

from maxvolt.dataset import Dataset
from maxvolt.labelling import LabelStore, Reference


@pytest.fixture
def structures() -> Dataset:
    return make_structures(4)


@pytest.fixture
def molecule() -> Atoms:
    return Atoms("CO", [[0, 0, 0], [0, 0, 1.1]])


@pytest.fixture
def store(tmp_path) -> LabelStore:
    return LabelStore(tmp_path / "labels.db")


@pytest.fixture
def faulty(tmp_path) -> Callable[..., Reference]:
    """Return references whose log is tmp_path / "log"."""

    def make(**settings) -> Reference:
        return Reference("faulty_calculator:Faulty", {"log": str(tmp_path / "log"), **settings})

    return make
