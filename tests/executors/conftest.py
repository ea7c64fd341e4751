"""A campaign that ran on this machine, with which those on clusters are compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_campaigns import products, write_campaign

from maxvolt.campaign import Campaign


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give what the small campaign makes with processes of this machine."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert Campaign(write_campaign(folder)).run().status == "finished"
    return products(folder)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Give the file of the small campaign."""
    return write_campaign(tmp_path)
