"""What every command has in common: help, start-up, error messages, exit codes."""

from __future__ import annotations

import argparse
import io
import json
import os
import sqlite3
import subprocess
import sys

import pytest

from maxvolt.cli import application, main, program
from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.options import (
    non_negative_float,
    positive_float,
    positive_int,
    species_list,
)
from maxvolt.cli.outputs import check_output
from maxvolt.cli.signals import TerminatedError
from maxvolt.errors import DataError, MaxvoltError

COMMANDS = ("train", "evaluate", "errors", "convert", "mindist", "info")


def run_and_catch_exit(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_examples_and_json(command, capsys):
    assert run_and_catch_exit([command, "--help"]) == 0
    printed = capsys.readouterr().out
    assert f"examples:\n  maxvolt {command} " in printed
    assert "--json" in printed


def test_help_lists_all_commands(capsys):
    assert run_and_catch_exit(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n    {command} " in printed for command in COMMANDS)


def test_version(capsys):
    import maxvolt
    from maxvolt.potentials.mtp.binding.kernels import instruction_sets
    from maxvolt.processors import thread_count

    assert run_and_catch_exit(["--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"maxvolt {maxvolt.__version__}"
    assert second == f"threads: {thread_count(None)}; instruction set: {instruction_sets()[0]}"


def test_help_imports_nothing_heavy():
    """Start-up time without a stopwatch: these alone take longer than all of `--help` may."""
    heavy = ("numpy", "scipy", "ase", "rich", "matplotlib", "vesin")
    code = (
        "import sys, maxvolt.cli\n"
        "try: maxvolt.cli.main(['train', '--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "COMMAND"),
        (["fly"], "fly"),
        (["trian", "a.xyz"], "did you mean 'train'?"),
        (["info", "p.mtp", "--jsn"], "did you mean --json?"),
        (["train", "a.xyz", "-o", "p.mtp", "--scaling", "vibratons"], "vibrations"),
        (["completion", "fish"], "expected one of bash, zsh, tcsh"),
        (["convert", "only_one"], "OUT"),
        (["train", "a.xyz"], "--output"),
        (["train", "a.xyz", "-o", "p.mtp", "--cutoff", "-1"], "expected a number above 0"),
        (["train", "a.xyz", "-o", "p.mtp", "--cutoff", "nan"], "expected a number above 0"),
        (["train", "a.xyz", "-o", "p.mtp", "--level", "1.5"], "expected a whole number"),
        (["train", "a.xyz", "-o", "p.mtp", "--ensemble", "0"], "at least 1"),
        (["train", "a.xyz", "-o", "p.mtp", "--scaling", "none"], "vibrations"),
        (["info", "p.mtp", "--species", "Ti,,Al"], "Ti,,Al"),
        (["info", "p.mtp", "--species", "Ti,Ti"], "twice"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, complaint, capsys):
    assert run_and_catch_exit(arguments) == program.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert complaint in printed.err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("structure 3: energy is NaN"), 2, "error: structure 3: energy is NaN"),
        (FileNotFoundError(2, "No such file", "a.xyz"), 2, "error: a.xyz: No such file"),
        (OSError("disk on fire"), 2, "error: disk on fire"),
        (sqlite3.OperationalError("database is locked"), 2, "error: a database cannot be used: da"),
        (MemoryError(), 2, "error: there is not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (TerminatedError(15), 143, "terminated"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(error, code, message, capsys, monkeypatch):
    def fail(options: argparse.Namespace) -> None:
        raise error

    monkeypatch.setattr(application.info, "run", fail)
    assert main(["info", "x"]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"maxvolt info: {message}")
    assert printed.err.count("\n") == 1


def test_a_bug_keeps_its_traceback(monkeypatch):
    """Only what the user can act on is turned into a message."""

    def fail(options: argparse.Namespace) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(application.info, "run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["info", "x"])


def test_a_closed_pipe_is_no_error(tmp_path):
    read_end, write_end = os.pipe()
    os.close(read_end)
    code = (
        "import sys; from maxvolt.cli import application, main\n"
        "application.info.run = lambda options: print('x' * 100_000)\n"
        "sys.exit(main(['info', 'x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write_end, stderr=subprocess.PIPE, text=True
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_log_that_nobody_reads_does_not_end_the_work(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)

    def work(options: argparse.Namespace) -> None:
        note("one")
        note("two")
        print("done")

    monkeypatch.setattr(application.info, "run", work)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["info", "x"]) == 0
    assert capsys.readouterr().out == "done\n"


def test_a_table_that_nobody_reads_is_no_error(monkeypatch):
    """Rich has its own idea of what to do then."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(application.info, "run", lambda _: print_table(["a"], [["b"]] * 10_000))
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["info", "x"]) == 0


def test_json_for_an_ascii_terminal_is_json(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    value = {"é": os.fsdecode(b"caf\xe9.xyz")}
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(application.info, "run", lambda _: print_json(value))
    assert main(["info", "x"]) == 0
    assert json.loads(stream.buffer.getvalue()) == value


def test_warnings_are_one_line(capsys, monkeypatch):
    import warnings

    def warn(options: argparse.Namespace) -> None:
        warnings.simplefilter("always")
        warnings.warn("2 steps left out", stacklevel=1)

    monkeypatch.setattr(application.info, "run", warn)
    assert main(["info", "x"]) == 0
    assert capsys.readouterr().err == "maxvolt: warning: 2 steps left out\n"


def test_what_the_package_logs_is_one_line(capsys, monkeypatch):
    import logging

    def log(options: argparse.Namespace) -> None:
        logging.getLogger("maxvolt.io.vasp").warning("%d steps left out", 3)

    monkeypatch.setattr(application.info, "run", log)
    assert main(["info", "x"]) == 0
    assert capsys.readouterr().err == "maxvolt: warning: 3 steps left out\n"


def test_values():
    assert species_list("Ti, Al") == ("Ti", "Al")
    assert positive_int("3") == 3
    assert positive_float("1e-3") == 0.001
    assert non_negative_float("0") == 0.0
    with pytest.raises(argparse.ArgumentTypeError, match="at least 0"):
        non_negative_float("-0.1")


def test_outputs_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(MaxvoltError, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(MaxvoltError, match="does not exist"):
        check_output(tmp_path / "nowhere" / "x.xyz")
    check_output(tmp_path / "x.xyz")
    assert list(tmp_path.iterdir()) == []


def test_the_reason_of_the_system_is_given(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.touch", refuse)
    with pytest.raises(MaxvoltError, match=r"x\.xyz: cannot be written: Permission denied"):
        check_output(tmp_path / "x.xyz")


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "p.mtp", "--yson"],
        ["info", "p.mtp", "--js"],
        ["convert", "a.xyz", "b.cfg", "--ind", "1"],
    ],
)
def test_unknown_and_abbreviated_options_refer_to_the_command(arguments, capsys):
    assert run_and_catch_exit(arguments) == 2
    message = capsys.readouterr().err
    assert "unrecognized arguments: --" in message
    assert f"(see 'maxvolt {arguments[0]} --help')" in message


def test_one_is_singular():
    assert [counted(number, "structure") for number in (0, 1, 2)] == [
        "0 structures",
        "1 structure",
        "2 structures",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "train dimers.xyz -o link_dimers.xyz",
        "train dimers.xyz -o v.xyz --validation v.xyz",
        "train dimers.xyz -o trained.mtp --init trained.mtp",
        "train dimers.xyz -o new.mtp --checkpoint new.mtp",
        "train dimers.xyz -o new.mtp --checkpoint dimers.xyz",
        "train dimers.xyz -o new.mtp --checkpoint new.0.mtp --ensemble 2",
        "evaluate trained.mtp dimers.xyz -o link_dimers.xyz",
        "evaluate trained.mtp dimers.xyz -o link.xyz",
        "evaluate ens.mtp dimers.xyz -o linked_member.xyz",
        "convert dimers.xyz ./dimers.xyz",
        "convert dimers.xyz dimers.xyz --append",
        "errors trained.mtp dimers.xyz --plot dimers.xyz",
        "errors trained.mtp dimers.xyz --plot trained.mtp",
    ],
)
def test_no_output_overwrites_an_input(command, trained, dimers, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for member in (0, 1):
        (tmp_path / f"ens.{member}.mtp").write_bytes(trained.read_bytes())
    (tmp_path / "v.xyz").write_bytes(dimers.read_bytes())
    (tmp_path / "link_dimers.xyz").symlink_to(dimers)
    (tmp_path / "link.xyz").symlink_to(trained)
    (tmp_path / "linked_member.xyz").symlink_to(tmp_path / "ens.1.mtp")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(command.split()) == 2
    message = capsys.readouterr().err
    assert "would overwrite the input" in message
    assert message.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "command",
    [
        "train trained.mtp -o new.mtp",
        "train dimers.xyz -o new.mtp --validation trained.mtp",
        "convert trained.mtp out.xyz",
        "mindist trained.mtp",
        "evaluate trained.mtp trained.mtp",
        "errors trained.mtp trained.mtp",
    ],
)
def test_a_potential_is_no_structures(command, trained, dimers, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    assert "trained.mtp: this is a potential" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["errors", "evaluate"])
def test_swapped_files_are_recognised(command, trained, dimers, capsys):
    assert main([command, str(dimers), str(trained)]) == 2
    assert "the potential comes first" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train empty.xyz -o p.mtp", "info empty.xyz"])
def test_a_file_without_structures_is_named(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.xyz").write_text("")
    assert main(command.split()) == 2
    assert "empty.xyz: holds no structure" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("evaluate trained.mtp dimers.xyz -o out", "does not tell the format"),
        ("evaluate trained.mtp dimers.xyz -o OUTCAR", "read but not written"),
        ("evaluate trained.mtp dimers.xyz -o out.data", "does not hold energies"),
        ("evaluate trained.mtp dimers.xyz -o out.cif", "does not hold energies"),
        (
            "evaluate trained.mtp other.xyz",
            "structure 0 of 1, counted from 0: contains Ni",
        ),
        (
            "errors trained.mtp other.xyz",
            "structure 0 of 1, counted from 0: contains Ni",
        ),
        ("errors trained.mtp dimers.xyz --plot parity.gof", "format of the figure"),
    ],
)
def test_what_cannot_end_well_is_not_begun(
    command, complaint, trained, dimers, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.xyz").write_text("2\nenergy=1.0\nTi 0 0 0\nNi 0 0 2.5\n")
    assert main(command.split()) == 2
    message = capsys.readouterr().err
    assert complaint in message
    assert "evaluating" not in message


def test_running_the_module_is_running_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "maxvolt", "fly"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("maxvolt: error: ")
