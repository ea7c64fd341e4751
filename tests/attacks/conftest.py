"""Make the attacks of the folder tools importable."""

from __future__ import annotations

from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the folder where Python looks for modules."""
    monkeypatch.syspath_prepend(str(TOOLS))
    assert (TOOLS / "attack.py").is_file()
