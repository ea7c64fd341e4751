"""What overwrites its input leaves it whole, whenever it ends; and several processes of MPI."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlp_cases import Files, configuration, crystal, mlp

from maxvolt.io.cfg import read_cfg
from maxvolt.parallel.ranks import OneProcess
from promises import find_mpiexec, needs

IN_PLACE = (
    ("mindist", "in.cfg"),
    ("fix-cfg", "in.cfg"),
    ("filter-nonconv", "in.cfg"),
    ("invert-stress", "in.cfg"),
)

SLOW = """
import os, sys, time
import maxvolt.files
from maxvolt.mlp import main

synchronize = maxvolt.files.synchronize

def slowly(path):
    synchronize(path)
    print("written", flush=True)
    time.sleep(60)

maxvolt.files.synchronize = slowly
sys.exit(main(sys.argv[1:]))
"""
"""Stops between the writing of the temporary file and its renaming."""


@pytest.mark.parametrize("words", IN_PLACE, ids=lambda words: words[0])
def test_a_kill_in_the_middle_leaves_the_input_whole(words: tuple[str, ...], files: Files) -> None:
    needs("SIGKILL")
    before = Path("in.cfg").read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"written"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert Path("in.cfg").read_bytes() == before
    assert list(Path().glob(".in*tmp*"))  # what had been written is beside it


@pytest.mark.parametrize("words", IN_PLACE, ids=lambda words: words[0])
def test_a_damaged_input_stays_as_it_is(words: tuple[str, ...], files: Files) -> None:
    text = Path("in.cfg").read_bytes()
    damaged = text[: 2 * len(text) // 3]
    Path("in.cfg").write_bytes(damaged)
    mlp(*words, code=2)
    assert Path("in.cfg").read_bytes() == damaged


@pytest.mark.parametrize("words", IN_PLACE, ids=lambda words: words[0])
def test_an_empty_input_stays_empty(words: tuple[str, ...], files: Files) -> None:
    Path("in.cfg").write_bytes(b"")
    mlp(*words)
    assert Path("in.cfg").read_bytes() == b""


def run_on(ranks: int, *words: str) -> subprocess.CompletedProcess[str]:
    needs("mpi4py")
    mpiexec = find_mpiexec()
    assert mpiexec is not None
    program = "import sys; from maxvolt.mlp import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [mpiexec, "-n", str(ranks), sys.executable, "-c", program, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_relaxations_on_several_processes_have_the_names_of_mlip(files: Files) -> None:
    """Scripts join the files of all processes: cat relaxed.cfg_* > relaxed.cfg."""
    files.write("many.cfg", [configuration(crystal(seed)) for seed in range(6)])
    Path("mlip.ini").write_text("mtp-filename pot.mtp\n")
    done = run_on(2, "relax", "mlip.ini", "--cfg-filename=many.cfg", "--save-relaxed=a.cfg")
    assert done.returncode == 0, done.stderr
    done = run_on(2, "relax", "pot.mtp", "many.cfg", "b.cfg", "--log=log")
    assert done.returncode == 0, done.stderr
    assert not Path("a.cfg").exists()
    assert len(read_cfg("a.cfg_0")) == len(read_cfg("b.cfg.0")) == 6
    assert Path("log.0").exists()
    mlp("relax", "pot.mtp", "many.cfg", "alone.cfg")
    assert Path("alone.cfg").read_bytes() == Path("b.cfg.0").read_bytes()


def test_one_process_writes_the_name_itself(files: Files) -> None:
    from maxvolt.mlp.command import Call
    from maxvolt.mlp.outputs import output_of_ranks

    class Two(OneProcess):
        size = 2

    for version, name in ((2, "out.cfg_0"), (3, "out.cfg.0")):
        call = Call("relax", [], {}, version=version)
        assert output_of_ranks(call, "out.cfg") == Path("out.cfg")
        call.ranks = Two()
        assert output_of_ranks(call, "out.cfg") == Path(name)
