"""What is promised and missing fails; what is not promised is skipped, and counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promises import NEEDS

pytest_plugins = ["pytester"]

TESTS = Path(__file__).parent

HOOKS = next(
    line for line in (TESTS / "conftest.py").read_text().splitlines() if "from promises" in line
)

SUITE = """
from promises import needs

def test_of_the_rest():
    assert True

def test_with_a_browser():
    needs("chromium")

def test_with_another_browser():
    needs("chromium")

def test_with_numbers_of_others(shared):
    assert (shared / "reference").is_dir()
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Three tests on a machine that has neither the browser nor the data."""
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(SUITE)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("MAXVOLT_SHARED", str(pytester.path))
    monkeypatch.delenv("MAXVOLT_PROMISED", raising=False)
    return pytester


def run(suite: pytest.Pytester) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")


def test_what_is_missing_is_skipped_and_counted(suite: pytest.Pytester) -> None:
    result = run(suite)
    result.assert_outcomes(passed=1, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "*3 tests skipped*",
            "2: no chromium here; on Debian: apt-get install chromium",
            "1: no reference data in *",
        ]
    )


@pytest.mark.parametrize(
    ("name", "failed"), [("chromium", 2), ("shared", 1), ("chromium shared", 3), ("gpaw", 0)]
)
def test_what_is_promised_and_missing_fails(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str, failed: int
) -> None:
    monkeypatch.setenv("MAXVOLT_PROMISED", name)
    result = run(suite)
    # A fixture that fails is an error of its test.
    errors = 1 if "shared" in name else 0
    result.assert_outcomes(passed=1, failed=failed - errors, errors=errors, skipped=3 - failed)
    assert result.ret == (1 if failed else 0)
    if failed:
        result.stdout.fnmatch_lines([f"*MAXVOLT_PROMISED promises {name.split()[0]}, but: no *"])


def test_promises_that_nobody_knows_are_refused(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAXVOLT_PROMISED", "chromum")
    result = run(suite)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*promises chromum; known are shared, chromium, *"])


def test_there_is_no_other_way_to_skip() -> None:
    pattern = re.compile(r"\bskipif\b|\bimportorskip\b|\.skip\(|\bmark\.skip\b|unittest\.skip")
    found = [
        f"{path.relative_to(TESTS)}:{number}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.name not in ("promises.py", Path(__file__).name)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", NEEDS)
def test_each_need_is_there_or_says_why_not(name: str) -> None:
    missing = NEEDS[name]()
    assert missing is None or "\n" not in missing
