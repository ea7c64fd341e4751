"""`maxvolt i-pi`: what it refuses before it looks for i-PI, and a run with a server of ASE."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.socketio import SocketIOCalculator
from ase.io import write

import maxvolt
from maxvolt.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    copper().write(tmp_path / "cu.mtp")
    write(tmp_path / "start.xyz", bulk("Cu", a=3.62, cubic=True))
    return ["i-pi", str(tmp_path / "cu.mtp"), str(tmp_path / "start.xyz"), "--wait", "0"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "say where i-PI listens: --unix NAME, or --host H and --port P"),
        (["--unix", "a", "--port", "5"], "say where i-PI listens"),
        (["--port", "70000"], "--port 70000: expected a number from 1 to 65535"),
        (["--unix", "nobody"], "no i-PI listens at /tmp/ipi_nobody"),
        (["--unix", "nobody", "--save-extrapolative", "none/new.xyz"], "does not exist"),
        (["--unix", "nobody", "--select", "5", "--break", "2"], "expected 0 < select <= break"),
    ],
)
def test_refusals(files: list[str], more: list[str], message: str, capsys) -> None:
    assert main([*files, *more]) == 2
    assert message in capsys.readouterr().err


def test_one_structure_of_known_elements(files: list[str], tmp_path: Path, capsys) -> None:
    write(tmp_path / "start.xyz", [bulk("Cu", a=3.62)] * 2)
    assert main([*files, "--unix", "nobody"]) == 2
    assert "holds 2 structures; expected one" in capsys.readouterr().err
    write(tmp_path / "start.xyz", bulk("Al"))
    assert main([*files, "--unix", "nobody"]) == 2
    assert "contains Al, but the potential knows only Cu" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "table"])
def test_what_it_prints(files: list[str], form: str, capsys) -> None:
    """The server of ASE asks for two structures and says that it has finished."""
    atoms = bulk("Cu", a=3.62, cubic=True)
    atoms.rattle(0.1, seed=1)
    name = f"ase{os.getpid()}{form}"
    found = []
    server = SocketIOCalculator(unixsocket=name)

    def serve() -> None:
        with server:
            atoms.calc = server
            for _ in range(2):
                found.append(atoms.get_potential_energy())
                atoms.rattle(0.01, seed=2)
            server.server.protocol.end()

    thread = threading.Thread(target=serve)
    thread.start()
    options = ["--json"] if form == "json" else []
    assert main([*files, "--unix", name, *options]) == 0
    thread.join(10)
    printed = capsys.readouterr()
    assert "connected to i-PI at" in printed.err
    if form == "json":
        (row,) = json.loads(printed.out)["replicas"]
        assert (row["replica"], row["structures"], row["lists_built"]) == (0, 2, 1)
        assert row["largest_grade"] is None
    else:
        assert "structures" in printed.out
    again = bulk("Cu", a=3.62, cubic=True)
    again.rattle(0.1, seed=1)
    again.calc = maxvolt.Calculator(copper(), threads=1)
    assert found[0] == pytest.approx(again.get_potential_energy(), rel=1e-12)
