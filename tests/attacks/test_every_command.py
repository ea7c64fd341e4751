"""Every command in surroundings that are not those of a desk: a message at most, never a bug."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maxvolt.cli import main

COMMANDS = (
    *("train", "run", "status", "report", "evaluate", "errors", "grade", "calibrate", "select"),
    *("cut-neighborhood", "md", "relax", "search", "i-pi", "label", "convert", "mindist", "info"),
    "phases",
)
REFUSED = ("run", "status", "report", "calibrate", "cut-neighborhood", "i-pi")
"""Their file is wrong, has no grades or too few structures, or nobody listens: exit code 2."""


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    from attacks import command_line

    assert set(command_line.COMMANDS) == set(COMMANDS)
    command_line.make_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words_of(command: str, **renamed: str) -> list[str]:
    from attacks.command_line import COMMANDS as TABLE

    return [command, *(renamed.get(Path(word).stem, word) for word in TABLE[command])]


def expected_code(command: str) -> int:
    return 2 if command in REFUSED else 0


@pytest.mark.parametrize("command", COMMANDS)
def test_ascii_terminal_and_names_that_are_no_text(command, files, monkeypatch):
    name = os.fsdecode(b"caf\xe9.xyz")
    (files / "data.xyz").rename(files / name)
    streams = {}
    for stream in ("stdout", "stderr"):
        streams[stream] = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, stream, streams[stream])
    assert main(words_of(command, data=name)) == expected_code(command)
    for stream in streams.values():
        stream.flush()
        assert "Traceback" not in stream.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_reads_the_output(command, files, monkeypatch):
    """As behind ``| head -0``: the files are written all the same."""
    reader, writer = os.pipe()
    os.close(reader)
    words = words_of(command)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(words) == expected_code(command)
    outputs = [word for word in words if word.startswith("out.")]
    if command not in REFUSED:
        assert [name for name in outputs if not (files / name).exists()] == []


@pytest.mark.parametrize("command", ["info", "mindist", "evaluate", "errors", "grade"])
def test_the_output_does_not_fit_on_its_disk(command, files, monkeypatch, capsys):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main([*words_of(command), "--json"]) == 2
        full.flush()  # goes nowhere: the end of Python must not fail
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream(closed, files):
    from attacks.command_line import run

    code, output, errors = run(["convert", "data.xyz", "out.cfg"], files, closed=closed)
    assert (code, output) == (0, b"")
    assert errors == ("" if closed == 2 else "out.cfg: 3 structures as cfg\n")
    assert (files / "out.cfg").read_text().startswith("BEGIN_CFG")


def test_a_request_to_end_is_met_as_an_interrupt(files):
    """The workers of a calculation end, too, and the exit code says what happened."""
    (files / "slow.py").write_text(
        "import time\n"
        "from ase.calculators.emt import EMT\n"
        "class Slow(EMT):\n"
        "    def calculate(self, *arguments):\n"
        "        open('/'.join([FOLDER, 'begun']), 'w').close()\n"
        "        time.sleep(1000)\n".replace("FOLDER", repr(str(files)))
    )
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "maxvolt", "label", "data.xyz", "-o", "out.xyz"),
            *("--calculator", "slow:Slow", "--workers", "1"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(files)},
        start_new_session=True,
    )
    while not (files / "begun").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    workers = [int(child) for path in children for child in path.read_text().split()]
    assert workers
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said.endswith("maxvolt label: terminated\n")
    assert "Traceback" not in said
    assert [worker for worker in workers if Path(f"/proc/{worker}").exists()] == []
    assert not (files / "out.xyz").exists()
