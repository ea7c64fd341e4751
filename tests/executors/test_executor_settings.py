"""What [executor] may say, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_campaigns import write_campaign

from maxvolt.campaign import read_settings
from maxvolt.campaign.settings.comparison import changed_settings, without_what_changes_no_result
from maxvolt.errors import SettingsError
from maxvolt.executors.kinds import Kind
from maxvolt.executors.resources import ClusterPlan, memory_in_bytes, walltime_in_seconds


def plan_of(folder: Path, section: str, **replaced: str) -> ClusterPlan | None:
    file = write_campaign(folder, **replaced)
    file.write_text(f"{file.read_text()}\n{section}")
    return read_settings(file).cluster_plan()


def refusal(folder: Path, section: str) -> str:
    with pytest.raises(SettingsError) as caught:
        plan_of(folder, section)
    return str(caught.value)


QUEUE = '[executor]\nkind = "dask"\nscheduler = "slurm"\nwalltime = "12:00:00"\n'


@pytest.mark.parametrize("section", ["", '[executor]\nkind = "local"'])
def test_this_machine_is_the_default(section: str, tmp_path: Path) -> None:
    assert plan_of(tmp_path, section) is None


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("[executor]\njobs = 2", "kind is missing; expected kind = one of 'dask', 'local'"),
        ('[executor]\nkind = "ray"', "expected kind = one of 'local', 'dask', found 'ray'"),
        ('[executor]\nkind = "local"\njobs = 2', "[executor] jobs: unknown key"),
        (
            '[executor]\nkind = "dask"\nscheduler = "slrum"',
            "[executor] scheduler: expected 'local', 'slurm', 'pbs', 'lsf' or 'sge', found 'slrum'",
        ),
        ('[executor]\nkind = "dask"', "[executor] scheduler: is missing"),
        ('[executor]\nkind = "dask"\nscheduler = "pbs"', "walltime is missing for sampling"),
        (
            '[executor]\nkind = "dask"\nscheduler = "local"\nqueue = "long"',
            'queue: scheduler = "local" has no queue',
        ),
        (
            QUEUE + "cores = 4\n[executor.labelling]\ntasks = 8",
            "tasks = 8 is more than the 4 cores",
        ),
        (QUEUE + 'memory = "lots"', '[executor] memory: expected memory such as "16 GB"'),
        (QUEUE + 'memory = "0 GB"', "memory must be above 0"),
        (QUEUE.replace("12:00:00", "12h"), "hours:minutes:seconds"),
        (QUEUE.replace("12:00:00", "00:00:00"), "a minute or more"),
        (QUEUE + "jobs = 0", "[executor] jobs"),
        (QUEUE + 'directives = ["a\\nb"]', "expected one line of text"),
        (QUEUE + "[executor.fits]\ncores = 2", "[executor] fits: unknown key"),
    ],
)
def test_faults_are_named(section: str, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, section)


def test_kinds_lay_their_resources_over_those_for_all(tmp_path: Path) -> None:
    section = """
cores = 8
memory = "16 GB"
prologue = ["module load python"]
[executor.labelling]
jobs = 20
cores = 32
tasks = 1
queue = "large"
[executor.fitting]
walltime = "02:30:00"
"""
    plan = plan_of(tmp_path, QUEUE + section)
    assert plan is not None
    sampling, labelling, fitting = (plan.resources[kind] for kind in Kind)
    assert (sampling.jobs, sampling.cores, sampling.tasks, sampling.threads) == (1, 8, 8, 1)
    assert (labelling.jobs, labelling.tasks, labelling.slots, labelling.queue) == (
        20,
        1,
        20,
        "large",
    )
    assert (fitting.tasks, fitting.threads, fitting.queue) == (1, 8, None)
    assert (sampling.walltime, fitting.walltime) == (12 * 3600, 9000)
    assert {one.memory for one in plan.resources.values()} == {16 * 10**9}
    assert plan.pools == ((Kind.SAMPLING,), (Kind.LABELLING,), (Kind.FITTING,))


def test_jobs_that_are_alike_serve_all_kinds(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, QUEUE + "cores = 4\n[executor.labelling]\njobs = 5\ntasks = 2")
    assert plan is not None
    assert plan.pools == (tuple(Kind),)


def test_a_parallel_program_has_a_job_for_itself(tmp_path: Path) -> None:
    machine = '"espresso"\nmachine = { command = "mpiexec -n 8 pw.x" }'
    plan = plan_of(tmp_path, QUEUE + "cores = 8", calculator=machine)
    assert plan is not None
    assert plan.resources[Kind.LABELLING].tasks == 1
    alone = plan_of(tmp_path, QUEUE + "cores = 8", calculator='"espresso"')
    assert alone is not None
    assert alone.resources[Kind.LABELLING].tasks == 8


def test_where_it_runs_changes_no_result(tmp_path: Path) -> None:
    (before,) = read_settings(write_campaign(tmp_path / "here")).stages
    file = write_campaign(tmp_path / "there")
    file.write_text(f"{file.read_text()}\n{QUEUE}")
    (after,) = read_settings(file).stages
    changed = {change["key"] for change in changed_settings(before, after)}
    assert "executor.scheduler" in changed
    assert without_what_changes_no_result(before) == without_what_changes_no_result(after)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("16 GB", 16 * 10**9), ("1.5gb", 1500 * 10**6), ("2 GiB", 2 << 30), ("512MiB", 512 << 20)],
)
def test_memory(text: str, amount: int) -> None:
    assert memory_in_bytes(text) == amount


def test_walltimes() -> None:
    assert walltime_in_seconds("100:00:01") == 360001
