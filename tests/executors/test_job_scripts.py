"""What batch systems get."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxvolt.errors import SettingsError
from maxvolt.executors.job_scripts import JobMaker
from maxvolt.executors.kinds import Kind
from maxvolt.executors.resources import ClusterPlan, Resources
from promises import needs

LOGS = Path("/work/of/somebody/logs")

RESOURCES = Resources(
    jobs=4,
    cores=16,
    tasks=4,
    memory=32 * 10**9,
    walltime=30 * 3600 + 90,
    queue="long",
    account="physics",
    directives=("--first=1", "--second"),
    prologue=("module load python", "export A=1"),
)


def script(scheduler: str, resources: Resources = RESOURCES, kind: Kind = Kind.LABELLING) -> str:
    needs("dask")
    plan = ClusterPlan(scheduler, {kind: resources}, interface="ib0", python="/opt/a b/python")
    return JobMaker(plan, LOGS, "tls://10.0.0.1:1234", ["--tls-key", "/k"]).script((kind,))


DIRECTIVES = {
    "slurm": [
        "#SBATCH -J maxvolt-label",
        "#SBATCH -p long",
        "#SBATCH -A physics",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=16",
        "#SBATCH --mem=30G",
        "#SBATCH -t 30:01:30",
        f"#SBATCH -o {LOGS}/maxvolt-label-%J.out",
        "#SBATCH --first=1",
        "#SBATCH --second",
    ],
    "pbs": [
        "#PBS -N maxvolt-label",
        "#PBS -q long",
        "#PBS -A physics",
        "#PBS -l select=1:ncpus=16:mem=30GB",
        "#PBS -l walltime=30:01:30",
        f"#PBS -o {LOGS}/",
        "#PBS --first=1",
    ],
    "lsf": [
        "#BSUB -J maxvolt-label",
        "#BSUB -q long",
        '#BSUB -P "physics"',
        "#BSUB -n 16",
        '#BSUB -R "span[hosts=1]"',
        "#BSUB -M 32000000",
        "#BSUB -W 30:02",
        "#BSUB --first=1",
    ],
    "sge": [
        "#$ -N maxvolt-label",
        "#$ -q long",
        "#$ -P physics",
        "#$ -l h_vmem=1908M",
        "#$ -l h_rt=30:01:30",
        "#$ -pe smp 16",
        "#$ --first=1",
    ],
}


@pytest.mark.parametrize("scheduler", DIRECTIVES)
def test_content(scheduler: str) -> None:
    lines = script(scheduler).splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert set(DIRECTIVES[scheduler]) <= set(lines)
    before, command = lines[-3:-1], lines[-1]
    assert before == ["module load python", "export A=1"]
    assert command.startswith(
        "'/opt/a b/python' -m distributed.cli.dask_worker tls://10.0.0.1:1234 --name labelling-"
    )
    for argument in (
        "--nthreads 16",
        "--no-nanny",
        "--memory-limit 0",
        "--death-timeout 60",
        "--preload maxvolt.executors.preload",
        "--interface ib0",
        "--tls-key /k",
    ):
        assert argument in command


@pytest.mark.parametrize("scheduler", DIRECTIVES)
def test_what_is_not_asked_for_is_left_to_the_queue(scheduler: str) -> None:
    text = script(scheduler, Resources(walltime=3600))
    for word in ("--mem=", ":mem=", "-M ", "h_vmem", "-pe ", "-q ", "-p ", "-A ", "-P "):
        assert word not in text.partition("distributed")[0]


def test_kinds_have_names_of_their_own() -> None:
    names = {script("pbs", kind=kind).splitlines()[2] for kind in Kind}
    assert names == {f"#PBS -N maxvolt-{name}" for name in ("sample", "label", "fit")}
    assert all(len(name.split()[-1]) <= 15 for name in names)


def test_nothing_is_written_for_a_script() -> None:
    assert str(LOGS) in script("slurm")
    assert not LOGS.exists()


def test_options_reach_dask_jobqueue() -> None:
    text = script("pbs", Resources(walltime=60, options={"resource_spec": "nodes=1:ppn=4"}))
    assert "#PBS -l nodes=1:ppn=4" in text
    parallel = Resources(cores=2, walltime=60, directives=("-pe mpi 2",))
    assert "-pe smp" not in script("sge", parallel)
    with pytest.raises(SettingsError, match=r"cheese.*keywords of its SLURMCluster"):
        script("slurm", Resources(walltime=60, options={"cheese": 1}))
