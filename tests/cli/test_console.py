"""Tables, JSON and progress."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maxvolt.cli.console import note, print_json, print_pairs, print_table, progress_bar


def test_json_of_arrays_and_missing_numbers(capsys):
    print_json(
        {
            "array": np.array([1.5, np.nan]),
            "scalar": np.float64(2.0),
            "count": np.int64(3),
            "mask": np.array([True, False]),
            "infinite": float("inf"),
            "nested": ({"text": "Å"},),
            "none": None,
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "array": [1.5, None],
        "scalar": 2.0,
        "count": 3,
        "mask": [True, False],
        "infinite": None,
        "nested": [{"text": "Å"}],
        "none": None,
    }


def test_tables_are_not_cut_in_a_file_and_text_is_no_markup(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(("group", "value"), [("[bulk]" + "x" * 120, "1.0")])
    printed = capsys.readouterr().out
    assert "[bulk]" + "x" * 120 in printed
    assert "…" not in printed


@pytest.mark.parametrize("width", [80, 24])
def test_a_narrow_terminal_folds_text_and_cuts_no_number(capsys, monkeypatch, width):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", str(width))
    numbers = ["-12345.678901", "98765.432109"]
    print_table(("name", "first", "second"), [("a long name " * 9, *numbers)])
    printed = capsys.readouterr().out
    assert all(number in printed for number in numbers)
    assert "…" not in printed
    assert printed.count("long") == 9
    if width == 80:
        assert max(map(len, printed.splitlines())) <= 80


def test_pairs_stand_in_columns(capsys):
    print_pairs("file", {"a": "1", "long name": "2"})
    assert capsys.readouterr().out == "file\n  a          1\n  long name  2\n"


def test_progress_and_notes_leave_stdout_alone(capsys):
    with progress_bar("working", 2) as advance:
        advance(1)
        advance(1)
    note("done")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "done\n"


def test_a_table_in_a_pipe_is_as_wide_as_columns_says(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("group", "value"), [("a long name " * 9, "1.0")])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) == 80
    assert printed.count("long") == 9
