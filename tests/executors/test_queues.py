"""Asking batch systems for jobs, with stand-ins that print what they print."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxvolt.errors import SettingsError
from maxvolt.executors.queues import QUEUES, cancel_jobs, check_programs

PBS = """
server.site:
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
1234.server     me       work     maxvolt      1234   1   8   16gb 12:00 R 00:10
1235.server     me       work     maxvolt       --    1   8   16gb 12:00 Q   --
1236.server     me       work     maxvolt      1236   1   8   16gb 12:00 C 00:10
"""
SGE = """job-ID  prior   name       user         state submit/start at     queue   slots ja-task-ID
--------------------------------------------------------------------------------------
   1234 0.55500 maxvolt    me           r     11/26/2026 04:00:00 all.q@n     8
   1235 0.55500 maxvolt    me           qw    11/26/2026 04:00:00             8
"""
PRINTED = {
    "slurm": ("squeue", "1234\n1235\n"),
    "pbs": ("qstat", PBS),
    "lsf": ("bjobs", "1234\n1235\n"),
    "sge": ("qstat", SGE),
}


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize("scheduler", PRINTED)
def test_jobs_that_are_there(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, text = PRINTED[scheduler]
    (tmp_path / "text").write_text(text)
    stand_in(tmp_path / "bin", monkeypatch, program, f"cat '{tmp_path / 'text'}'")
    assert QUEUES[scheduler].jobs() == {"1234", "1235"}
    stand_in(tmp_path / "bin", monkeypatch, program, "true")
    assert QUEUES[scheduler].jobs() == set()
    stand_in(tmp_path / "bin", monkeypatch, program, "echo the controller is down >&2; exit 1")
    assert QUEUES[scheduler].jobs() is None
    (tmp_path / "bin" / program).unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert QUEUES[scheduler].jobs() is None


def test_no_jobs_is_an_error_of_bjobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "bjobs", "echo No unfinished job found >&2; exit 255")
    assert QUEUES["lsf"].jobs() == set()


def test_only_jobs_that_are_there_are_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    stand_in(tmp_path / "bin", monkeypatch, "squeue", "echo 7; echo 8; echo 9")
    stand_in(tmp_path / "bin", monkeypatch, "scancel", f"echo $@ >> '{log}'")
    cancel_jobs("slurm", ["5", "9", "7"])
    cancel_jobs("slurm", ["5"])
    assert log.read_text() == "7 9\n"


def test_programs_that_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="needs the program bsub, which is not found"):
        check_programs("lsf")
    stand_in(tmp_path, monkeypatch, "bsub", "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="bjobs"):
        check_programs("lsf")
    stand_in(tmp_path, monkeypatch, "bjobs", "true")
    check_programs("lsf")
