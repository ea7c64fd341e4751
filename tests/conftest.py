"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_write import text_bytes
from maxvolt.potentials.mtp.files.active_set import INITIAL, ActiveSetRecord, Dialect
from promises import pytest_configure, pytest_terminal_summary, shared  # noqa: F401

# In CI a test fails for everybody or for nobody; elsewhere hypothesis goes on searching.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# Shells start commands in the background with Ctrl-C ignored, and so would be all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def plan_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep evaluation plans in a folder of this run; all of its processes share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "plans"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAXVOLT_CACHE", str(folder))
        yield folder


def _random_record(n: int, dialect: Dialect = "MLIP-3", *, seed: int = 0) -> ActiveSetRecord:
    """Two structures, whose rows stand at every other place."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(n, n))
    origins = np.full((n, 2), INITIAL)
    origins[::2, 0] = np.arange(len(origins[::2])) % 2
    origins[::2, 1] = 0
    structures = [
        CfgConfiguration(
            np.zeros(2, np.int32), generator.normal(size=(2, 3)), 5.0 * np.eye(3), energy=-1.5
        )
        for _ in range(2)
    ]
    return ActiveSetRecord(
        energy_weight=1.0,
        force_weight=0.0,
        stress_weight=0.0,
        site_energy_weight=0.0,
        weight_scaling=2,
        matrix=matrix,
        inverse=np.linalg.inv(matrix),
        origins=origins,
        structures=b"".join(map(text_bytes, structures)),
        dialect=dialect,
    )


@pytest.fixture(scope="session")
def random_record() -> Callable[..., ActiveSetRecord]:
    """Make an active set as a file holds it, for a potential of n parameters."""
    return _random_record
