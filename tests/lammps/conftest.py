"""All of these tests run LAMMPS."""

from __future__ import annotations

import pytest

from promises import needs


@pytest.fixture(autouse=True)
def _lammps() -> None:
    needs("lammps")
