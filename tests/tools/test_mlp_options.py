"""The table of MLIP's options is what the commands declare."""

from __future__ import annotations

import re

from mlp_options import PAGE, page

from maxvolt.mlp.commands import COMMANDS


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python tools/mlp_options.py"


def test_every_option_has_a_row() -> None:
    rows = re.findall(r"^\| `--(\S+)`", page(), re.MULTILINE)
    declared = [option.name for command in COMMANDS for option in command.options]
    assert sorted(rows) == sorted(declared)
    assert len(declared) > 100
