"""Who sees the progress of a fit: terminals and notebooks, and nobody else."""

from __future__ import annotations

import io
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


class Stream(io.StringIO):
    """Standard output or error, of a terminal or of a file."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def printed(
    monkeypatch: pytest.MonkeyPatch,
    progress: Progress | bool | None = True,
    *,
    out: bool = True,
    err: bool = True,
) -> tuple[str, str]:
    """What a fit prints where standard output and error are terminals, or are not."""
    streams = Stream(terminal=out), Stream(terminal=err)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        fit(progress)
    return streams[0].getvalue(), streams[1].getvalue()


@pytest.mark.parametrize(("out", "err"), [(False, False), (True, False), (False, True)])
def test_nothing_is_printed_where_nobody_watches(
    out: bool, err: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed(monkeypatch, out=out, err=err) == ("", "")


def test_a_terminal_shows_it_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch)
    assert out == ""
    assert "full fit, iteration 2 of 2: loss" in err.replace("\n", " ")


@pytest.mark.parametrize("off", [False, None])
def test_it_can_be_turned_off(off: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, off) == ("", "")


def test_a_function_is_called_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[FitProgress] = []
    assert printed(monkeypatch, told.append) == ("", "")
    assert told[-1].finished


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
