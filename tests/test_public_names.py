"""The names users import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import maxvolt


@pytest.mark.parametrize("name", maxvolt.__all__)
def test_each_public_name_exists(name):
    assert getattr(maxvolt, name) is not None
    assert name in dir(maxvolt)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = maxvolt.frobnicate


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, maxvolt; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
