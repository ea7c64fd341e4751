"""Damaged settings of campaigns are read, or refused by a SettingsError that names the file."""

from __future__ import annotations

import random
from pathlib import Path

from attacks.finding import FindingError
from attacks.mutations import mutations, survive
from maxvolt.campaign import read_settings
from maxvolt.errors import SettingsError

__all__ = ["trial"]

INPUTS = 60

CAMPAIGN = b"""
[campaign]
seed = 3
workers = 2
[potential]
species = ["Al", "Cu"]
level = 8
cutoff = 5.0
min_dist = "auto"
zbl = [0.5, 1.2]
[selection]
select = 2.0
break = 10.0
weights = {energy = 1.0, force = 0.0}
[fit]
energy_weight = 1.0
isolated_energies = {Al = -0.1, Cu = -0.2}
[reference]
calculator = "emt"
settings = {asap_cutoff = false}
timeout = 100.0
[structures.cell]
crystal = "fcc"
species = "Al"
a = 4.05
repeat = [2, 2, 2]
changes = {copies = 2, rattle = 0.1, exchange = {Al = "Cu"}}
[structures.soup]
random = {composition = {Al = 1, Cu = 3}, atoms = [4, 8], volume = [14.0, 20.0], count = 5}
[[training]]
kind = "perturbation"
structure = "cell"
strain = 0.05
[[training]]
kind = "random"
composition = {Al = 1}
atoms = [2, 4]
volume = [16.0, 18.0]
count = 3
[[validation]]
kind = "file"
file = "validation.xyz"
index = "::2"
[[scenario]]
name = "md"
kind = "md"
structure = "cell"
temperature = "ramp 300 900 200; oscillation 900 100 50 100; hold 900 800"
limits = {minimum_distance = {"Al-Cu" = 1.5}, isolation = 6.0}
[[scenario]]
name = "relaxation"
kind = "relaxation"
structure = "soup"
pressure = 1.0
[stopping]
reliability = 0.9
[[stage]]
name = "first"
scenarios = ["md"]
[[stage]]
name = "second"
sparsify = true
selection = {select = 1.5}
"""
TOKENS = [
    b"99", b"1e20", b"1e-320", b"1e308", b"-1", b"true", b"[]", b"{}", b'""', b"1979-05-27", b"''",
    b'"auto"', b"[[stage]]\n", b"[fit]\n", b"a.b.c = 1\n", b"'''", b'"\\ud800"', b'"ramp 1 2 3"',
    b"x = [" + b"[" * 2000, b"a." * 2000 + b"b = 1\n", b"0x7fffffffffffffff", b"1_000_000_000",
]  # fmt: skip


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Read some damaged settings."""
    path = scratch / "campaign.toml"

    def check(data: bytes) -> str:
        path.write_bytes(data)
        try:
            read_settings(path)
        except SettingsError as error:
            if path.name not in str(error):
                raise FindingError(f"the file is not named: {error}") from error
            return "refused"
        return "read"

    if check(CAMPAIGN) != "read":
        raise FindingError("the whole file is refused")
    stream = mutations([CAMPAIGN], random.Random(seed), TOKENS)
    survive(stream, check, scratch / "input.toml", count=count)
    return "held"
