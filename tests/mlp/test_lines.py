"""How a line is read: names, versions, files, options; help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from maxvolt.cli import main as maxvolt
from maxvolt.cli.mlip_names import MLIP_NAMES
from maxvolt.errors import MaxvoltError
from maxvolt.mlp import main
from maxvolt.mlp.command import OWN, Call, Command, Option
from maxvolt.mlp.commands import COMMANDS
from maxvolt.mlp.versions import VARIABLE
from maxvolt.mlp.words import read_call


def nothing(call: Call) -> None:
    raise AssertionError(call)


BOTH = Command(
    names={2: "work", 3: "work"},
    files={2: "pot in [out]", 3: "pot in ..."},
    summary="tries lines",
    options=(
        Option("max-iter", 10, "of MLIP-2", (2,)),
        Option("max_iter", 20, "of MLIP-3", (3,)),
        Option("log", "stdout", "of both", (2, 3)),
        Option("fast", False, "of both", (2, 3)),
        Option("weight", 1.5, "of both", (2, 3)),
        Option("odd", 1.0, "refused", (2, 3), refused="nobody knows it"),
        Option("idle", "", "ignored", (2, 3), ignored="nothing happens"),
        Option("output", "", "short", (2, 3), short="o"),
    ),
    run=nothing,
)


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_files_and_options_in_any_order() -> None:
    call = read_call(BOTH, "work", ["--max-iter=3", "a", "--fast", "b", "-o", "x", "--weight=2"])
    assert call.files == ["a", "b"]
    assert call.version == 2
    assert call.options["max-iter"] == 3
    assert call.options["fast"] is True
    assert call.options["output"] == "x"
    assert call.options["weight"] == 2.0
    assert call.options["log"] == "stdout"
    assert "max_iter" not in call.options
    assert call.given == {"max-iter", "fast", "output", "weight"}


def test_two_hyphens_end_the_options() -> None:
    assert read_call(BOTH, "work", ["--", "--a", "b"]).files == ["--a", "b"]


@pytest.mark.parametrize(
    ("words", "version"),
    [
        (["a.mtp", "b.cfg", "--max-iter=1"], 2),
        (["a.mtp", "b.cfg", "--max_iter=1"], 3),
        (["a.almtp", "b.cfg"], 3),
        (["a.als", "b.cfg"], 2),
        (["mlip.ini", "b.cfg"], 2),
        (["a", "b", "c", "d"], 3),
    ],
)
def test_options_and_files_tell_the_version(
    words: list[str], version: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_call(BOTH, "work", words).version == version
    assert capsys.readouterr().err == ""


def test_what_a_line_leaves_open_is_assumed_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_call(BOTH, "work", ["a.mtp", "b"]).version == 2
    assert "'work' is read as a command of MLIP-2; set MLIP_VERSION=3" in capsys.readouterr().err
    for version in (2, 3):
        monkeypatch.setenv(VARIABLE, str(version))
        assert read_call(BOTH, "work", ["a.mtp", "b"]).version == version
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(VARIABLE, "4")
    with pytest.raises(MaxvoltError, match="MLIP_VERSION is '4'; expected 2 or 3"):
        read_call(BOTH, "work", ["a.mtp", "b"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], r"expected pot in \[out\] \(MLIP-2\) or pot in ... \(MLIP-3\); got a \(see 'mlp h"),
        (["a", "--max-iter=1"], r"expected pot in \[out\] \(MLIP-2\) or"),
        (["a", "b", "c", "d", "--max-iter=1"], "got a b c d"),
        (["a", "b", "--max-iter=x"], "--max-iter: expected a whole number, got 'x'"),
        (["a", "b", "--weight=x"], "--weight: expected a number, got 'x'"),
        (["a", "b", "--fast=perhaps"], "--fast: expected true or false, got 'perhaps'"),
        (["a", "b", "--wieght=1"], "--wieght is no option of this command; did you mean --weight?"),
        (["a", "b", "--odd=2"], "--odd is not available here: nobody knows it"),
        (["a", "b", "-o"], "-o: expected a value behind it"),
        (["a", "b", "--max-iter=1", "--max_iter=1"], "mixes the two versions of MLIP"),
    ],
)
def test_errors_of_a_line(words: list[str], message: str) -> None:
    with pytest.raises(MaxvoltError, match=message):
        read_call(BOTH, "work", words)


def test_a_refused_option_with_its_default_is_no_matter() -> None:
    assert read_call(BOTH, "work", ["a", "b", "--odd=1"]).options["odd"] == 1.0


def test_an_ignored_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    read_call(BOTH, "work", ["a.als", "b", "--idle=1"])
    expected = "mlp: note: --idle makes no difference here: nothing happens\n"
    assert capsys.readouterr().err == expected


def test_list_and_help_name_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    for words in ([], ["help"], ["--help"]):
        assert main(words) == 0
        assert listed in capsys.readouterr().out
    for command in COMMANDS:
        for version, name in command.names.items():
            assert name in listed
            assert main(["help", name]) == 0
            said = capsys.readouterr().out
            assert f"mlp {name} {command.files[version]}".rstrip() in said
            assert all(f"--{option.name}" in said for option in command.options)
            assert main([name, "--help"]) == 0
            assert capsys.readouterr().out == said


def test_names_are_unique_and_options_are_of_versions_that_exist() -> None:
    names = [name for command in COMMANDS for name in set(command.names.values())]
    assert len(names) == len(set(names))
    for command in COMMANDS:
        assert set(command.files) == set(command.names)
        for version in command.names:
            assert version in (2, 3, OWN)
            own = [option.name for option in command.options_of(version)]
            assert len(own) == len(set(own)), (command.names, version)
        assert all(set(option.versions) <= set(command.names) for option in command.options)


def test_unknown_commands_are_named_with_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calc-grad"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "mlp: error: 'calc-grad' is no command; did you mean 'calc-grade'? 'mlp list' shows all\n"
    )
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mlp of maxvolt ")


def test_maxvolt_says_which_command_to_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert maxvolt(["calc-grade", "pot.mtp", "a.cfg"]) == 2
    said = capsys.readouterr().err
    assert "'calc-grade' is a command of MLIP: use 'mlp calc-grade'" in said
    assert "or 'maxvolt grade'" in said


def test_maxvolt_knows_the_names_of_all_commands() -> None:
    from maxvolt.cli.application import _COMMANDS

    own = {module.NAME for module in _COMMANDS}
    names = {name for command in COMMANDS for name in command.names.values()}
    assert names - own <= set(MLIP_NAMES)
    assert not set(MLIP_NAMES) & own
    assert {other for other in MLIP_NAMES.values() if other} <= own


@pytest.mark.parametrize("name", ["nowhere.mtp", "folder"])
def test_files_that_are_not_there(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    given = str(tmp_path / name)
    assert main(["calc-efs", given, given, str(tmp_path / "out.cfg")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("mlp calc-efs: error: ")
    assert name in said
    assert not (tmp_path / "out.cfg").exists()


def test_declarations_import_nothing_heavy() -> None:
    code = (
        "import sys\nfrom maxvolt.mlp import main\nmain(['help', 'train'])\nmain(['list'])\n"
        "heavy = ('numpy', 'scipy', 'ase', 'pydantic', 'maxvolt.io', 'maxvolt.selection')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
