"""Files of settings: mlip.ini and relax.ini."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.mlp.ini import Entry, Key, read_ini, understood

KEYS = (
    Key("threshold", 2.0, "a number"),
    Key("limit", 10, "a whole number"),
    Key("select", False, "a truth"),
    Key("log", None, "a text"),
    Key("scale", 1.0, "of no use", ignored="it does not matter"),
    Key("freeze", False, "not done", refused="nobody can"),
)


def entries(**given: str) -> dict[str, Entry]:
    return {name: Entry(text, f"mlip.ini, line 1: {name}") for name, text in given.items()}


def test_lines_with_comments_and_hyphens(tmp_path: Path) -> None:
    path = tmp_path / "mlip.ini"
    path.write_bytes(
        b"# all\n\nselect:load-state\tstate.als  # which\r\nselect TRUE\nlog\nselect FALSE\n"
    )
    found = read_ini(path)
    assert {name: entry.text for name, entry in found.items()} == {
        "select:load_state": "state.als",
        "select": "FALSE",
        "log": "",
    }
    assert found["select"].where == f"{path}, line 6: select"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 2 3\n", "line 1: '3' follows the key 'a' and the value '2'"),
        (b"a = 3\n", "line 1: '3' follows the key 'a' and the value '='; leave out"),
        (b"\n\xff\xfe\n", "line 2: expected text: a key and its value"),
        (b"a 1\n" * 300_000, "more than 1000000 bytes"),
    ],
)
def test_lines_that_are_none(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "mlip.ini").write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_ini(tmp_path / "mlip.ini")


def test_values_and_defaults() -> None:
    found = understood(entries(threshold="3", limit="1e2", select="True"), KEYS)
    assert (found["threshold"], found["limit"], found["select"], found["log"]) == (
        3.0,
        100,
        True,
        None,
    )
    assert found.where("limit") == "mlip.ini, line 1: limit"
    assert found.where("log") == "log"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("threshold", "high", "expected a number, got 'high'"),
        ("limit", "1.5", "expected a whole number"),
        ("limit", "inf", "expected a whole number"),
        ("select", "maybe", "expected TRUE or FALSE"),
        ("freeze", "TRUE", "not available here: nobody can"),
    ],
)
def test_values_that_are_none(name: str, text: str, message: str) -> None:
    with pytest.raises(MaxvoltError, match=f"mlip.ini, line 1: {name}: .*{message}"):
        understood(entries(**{name: text}), KEYS)


def test_unknown_keys_are_warned_about_and_idle_ones_noted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    understood(entries(treshold="3", scale="2", freeze="FALSE"), KEYS)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "mlp: warning: mlip.ini, line 1: treshold: is no key that mlp knows, ignored; did you mean "
        "threshold?",
        "mlp: note: mlip.ini, line 1: scale: makes no difference here: it does not matter",
    ]
    understood(entries(scale="1.0"), KEYS)
    assert capsys.readouterr().err == ""
