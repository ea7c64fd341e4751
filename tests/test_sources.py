"""Inputs: compressed ones under a limit, pipes, byte-order marks."""

from __future__ import annotations

import bz2
import gzip
import io as streams
import lzma
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from maxvolt import io, sources
from maxvolt.cli import main
from maxvolt.dataset import Dataset
from maxvolt.errors import FileFormatError
from maxvolt.sources import ExpansionLimits

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@pytest.fixture
def dataset() -> Dataset:
    atoms = bulk("Cu", cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-3.0, forces=np.ones((4, 3)))
    return Dataset.from_atoms([atoms, atoms])


# ------------------------------------------------------------------ compressed


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".GZ"])
@pytest.mark.parametrize("name", ["a.cfg", "a.bin.cfg", "a.xyz", "a.traj", "a.db", "a.json"])
def test_every_format_is_read_compressed(
    tmp_path: Path, dataset: Dataset, name: str, ending: str
) -> None:
    io.write(tmp_path / name, dataset)
    packed = tmp_path / (name + ending)
    packed.write_bytes(COMPRESS[ending.lower()]((tmp_path / name).read_bytes()))
    assert io.read(packed).energies.tolist() == [-3, -3]


BEGINNINGS = {
    "a.cfg": b"BEGIN_CFG\n Size\n 1\n",
    "a.bin.cfg": b"n\1\0\0\0l",
    "a.xyz": b"4\nProperties=species:S:1:pos:R:3\n",
    "OUTCAR": b" vasp.5.4.4\n",
    "vasprun.xml": b"<?xml version='1.0'?>\n<modeling>\n",
    "a.dump": b"ITEM: TIMESTEP\n0\n",
    "a.data": b"LAMMPS\n\n1 atoms\n",
    "a.db": b"SQLite format 3\0",
    "a.json": b"{",
    "a.traj": b"- of UlmASE-Trajectory",
    "POSCAR": b"x\n",
    "a.cif": b"data_x\n",
    "a.nothing": b"",
}


@cache
def compressed_spaces(ending: str) -> bytes:
    """More than any small file may expand to."""
    return COMPRESS[ending](b" " * (ExpansionLimits().small + 2**20))


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_small_file_does_not_expand_without_limit(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / (name + ending)
    path.write_bytes(COMPRESS[ending](BEGINNINGS[name]) + compressed_spaces(ending))
    assert path.stat().st_size < 6000
    with pytest.raises(FileFormatError) as caught:
        io.read(path, species=["Cu"])
    assert str(caught.value).startswith(f"{path}: expands to more than 4 MiB")
    assert "decompress it yourself" in str(caught.value)


def test_the_limits(tmp_path: Path) -> None:
    """A kilobyte that holds gigabytes costs neither memory nor time."""
    path = tmp_path / "a.cfg.bz2"
    path.write_bytes(bz2.compress(b" " * 2**25) * 128)
    assert path.stat().st_size < 10_000  # and 4.3 GB when expanded
    with pytest.raises(FileFormatError, match="expands to more than 4 MiB"):
        io.read(path)


def test_a_file_far_above_the_small_limit_is_read_where_its_ratio_is_usual(
    tmp_path: Path, dataset: Dataset
) -> None:
    io.write(tmp_path / "a.xyz", dataset)
    text = (tmp_path / "a.xyz").read_bytes()
    (tmp_path / "a.xyz.gz").write_bytes(gzip.compress(text))
    assert len(text) > 10 * 100
    with sources.reading(tmp_path / "a.xyz.gz", ExpansionLimits(small=100)) as stream:
        assert stream.read() == text
    with (
        pytest.raises(FileFormatError, match=f"expands to more than {len(text) - 1} bytes"),
        sources.reading(
            tmp_path / "a.xyz.gz", ExpansionLimits(small=100, largest=len(text) - 1)
        ) as stream,
    ):
        stream.read()


def test_damaged_and_wrongly_named(tmp_path: Path, dataset: Dataset) -> None:
    io.write(tmp_path / "a.xyz", dataset)
    whole = gzip.compress((tmp_path / "a.xyz").read_bytes())
    for content in (whole[:-20], b"4\nno gzip\n", whole[:40] + b"\0" * 40 + whole[80:]):
        (tmp_path / "b.xyz.gz").write_bytes(content)
        with pytest.raises(FileFormatError, match=r"b\.xyz\.gz"):
            io.read(tmp_path / "b.xyz.gz")


# ------------------------------------------------------------------ pipes


@pytest.mark.parametrize(
    "name", ["a.cfg", "a.bin.cfg", "a.xyz", "a.traj", "a.db", "a.json", "a.xyz.gz", "a.cfg.xz"]
)
def test_pipes_are_read_by_their_content(tmp_path: Path, dataset: Dataset, name: str) -> None:
    plain = name.removesuffix(".gz").removesuffix(".xz")
    io.write(tmp_path / plain, dataset)
    data = (tmp_path / plain).read_bytes()
    data = COMPRESS[Path(name).suffix](data) if name != plain else data
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(pipe.write_bytes, data)
        assert io.read(pipe).energies.tolist() == [-3, -3]
        written.result(timeout=10)


DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
1
ITEM: BOX BOUNDS pp pp pp
0 4
0 4
0 4
ITEM: ATOMS id type x y z fx fy fz
1 1 0 0 0 1 2 3
"""
CFG = "BEGIN_CFG\n Size\n 1\n AtomData: id type cartes_x cartes_y cartes_z\n 1 0 0 0 0\nEND_CFG\n"


@pytest.mark.parametrize("text", [DUMP, CFG])
def test_standard_input(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "stdin", streams.TextIOWrapper(streams.BytesIO(text.encode()), "utf-8")
    )
    assert main(["info", "-", "--species", "Cu"]) == 0
    assert "Cu" in capsys.readouterr().out


def test_standard_input_without_names_and_to_cfg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """These read twice: for the format or the names, and for the types as they are."""
    for arguments in (["info", "-"], ["convert", "-", str(tmp_path / "b.cfg")]):
        monkeypatch.setattr(
            sys, "stdin", streams.TextIOWrapper(streams.BytesIO(CFG.encode()), "utf-8")
        )
        assert main(arguments) == 0
    assert "type 0" in capsys.readouterr().out
    assert "BEGIN_CFG" in (tmp_path / "b.cfg").read_text()
    assert main(["convert", str(tmp_path / "b.cfg"), "-", "--output-format", "cfg"]) == 2
    assert "not written to standard output" in capsys.readouterr().err


def test_an_endless_pipe() -> None:
    with (
        pytest.raises(FileFormatError, match="/dev/zero: more than 4 MiB came through the pipe"),
        sources.holding("/dev/zero", ExpansionLimits(largest=2**22)),
    ):
        pass


# ------------------------------------------------------------------ byte-order marks


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", "1\nProperties=species:S:1:pos:R:3 energy=-3\nCu 0 0 0\n"),
        ("a.cfg", CFG),
        ("a.dump", DUMP),
        ("POSCAR", "Cu\n1.0\n4 0 0\n0 4 0\n0 0 4\nCu\n1\nDirect\n0 0 0\n"),
        ("a.txt", "1\nProperties=species:S:1:pos:R:3 energy=-3\nCu 0 0 0\n"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_byte_order_marks(tmp_path: Path, name: str, text: str, ending: str) -> None:
    data = b"\xef\xbb\xbf" + text.encode()
    path = tmp_path / (name + ending)
    path.write_bytes(gzip.compress(data) if ending else data)
    dataset = io.read(path, species=["Cu"])
    assert dataset.numbers.tolist() == [29]
