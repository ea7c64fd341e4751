"""Who sees the progress of a fit: terminals and notebooks, and nobody else."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from test_fit import molybdenum, small

import maxvolt
from maxvolt.fitting.progress import FitProgress, Progress


def fit(progress: Progress | bool | None = True) -> maxvolt.FitResult:

    return maxvolt.fit(
        small(), molybdenum(), max_iterations=2, starts=1, threads=1, progress=progress
    )


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_nothing_is_printed_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    fit()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("half", ["stdout", "stderr"])
def test_nothing_is_printed_where_one_of_both_is_a_file(
    half: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getattr(sys, half), "isatty", lambda: True)
    fit()
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_it_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    fit()
    out, err = capsys.readouterr()
    assert out == ""
    assert "full fit, iteration 2 of 2: loss" in err.replace("\n", " ")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("off", [False, None])
def test_it_can_be_turned_off(off: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    fit(off)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_a_function_is_called_instead(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[FitProgress] = []
    fit(told.append)
    assert told[-1].finished
    assert capsys.readouterr() == ("", "")


def notebook(monkeypatch: pytest.MonkeyPatch, shell: object) -> list[str]:
    """A stand-in for IPython; what is displayed in it."""
    shown: list[str] = []

    def display(text: str, *, display_id: bool) -> SimpleNamespace:
        assert display_id
        shown.append(text)
        return SimpleNamespace(update=shown.append)

    main, parts = ModuleType("IPython"), ModuleType("IPython.display")
    main.get_ipython = lambda: shell  # type: ignore[attr-defined]
    parts.HTML, parts.display = str, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", main)
    monkeypatch.setitem(sys.modules, "IPython.display", parts)
    return shown


def test_a_notebook_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = notebook(monkeypatch, SimpleNamespace(kernel=object()))
    fit()
    assert any("<progress" in text for text in shown)
    assert "full fit, iteration 2 of 2: loss" in shown[-1]
    assert "<progress" not in shown[-1]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_ipython_without_a_notebook_is_a_terminal_or_none(
    shell: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = notebook(monkeypatch, shell)
    fit()
    assert shown == []
