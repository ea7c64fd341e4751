"""The example for SLURM can be used as it is, but for names that are another site's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from maxvolt.campaign import Campaign
from maxvolt.campaign.preflight import check_campaign
from maxvolt.executors.kinds import Kind
from promises import needs

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "slurm"


def test_its_jobs(tmp_path: Path) -> None:
    needs("dask")
    file = Path(shutil.copy(EXAMPLE / "aluminium.toml", tmp_path))
    check_campaign(Campaign(file).settings(), tmp_path, here=False)
    scripts = Campaign(file).job_scripts()
    assert list(scripts) == list(map(str, Kind))
    for kind, cores in (("sampling", 16), ("labelling", 32), ("fitting", 16)):
        assert f"#SBATCH --cpus-per-task={cores}\n" in scripts[kind]
        assert "module load quantum-espresso\n" in scripts[kind]
    plan = Campaign(file).settings().cluster_plan()
    assert plan is not None
    assert [plan.resources[kind].slots for kind in Kind] == [64, 20, 1]


def test_the_page_shows_the_job_that_it_asks_for(tmp_path: Path) -> None:
    needs("dask")
    file = Path(shutil.copy(EXAMPLE / "aluminium.toml", tmp_path))
    text = (ROOT / "docs" / "clusters.md").read_text()
    (shown,) = re.findall(
        r"```sh\n(#!/usr/bin/env bash.*?)/home/me/maxvolt/bin/python", text, re.DOTALL
    )
    script = Campaign(file).job_scripts()["labelling"]
    logs = str(tmp_path / "aluminium")
    assert script.replace(logs, "/home/me/aluminium").startswith(shown)


def test_the_job_of_the_head_is_taken(tmp_path: Path) -> None:
    needs("slurm")
    script = (EXAMPLE / "head.sh").read_text().replace("#SBATCH --mem=8G\n", "")
    done = subprocess.run(
        ["sbatch", "--test-only"], input=script, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
