"""Archives of arrays: what is read, and what asks for more memory than it has on disk."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from attacks.mutations import limited

from maxvolt.archives import read_arrays
from maxvolt.campaign.record.storage import StepResult, read_result, write_result
from maxvolt.errors import CampaignError, FitError
from maxvolt.fitting.variable_projection.checkpoint import read_checkpoint


def npy(shape: tuple[int, ...], data: bytes, dtype: str = "<f8") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def archive(contents: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr("record.npy", contents)
    return buffer.getvalue()


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    arrays = {
        "a/b": np.arange(6.0).reshape(2, 3),
        "text": np.array("words"),
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 3), np.int32),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    again = read_arrays((tmp_path / "a.npz").read_bytes())
    np.testing.assert_array_equal(again["fortran"], arrays["fortran"])


BOMBS: dict[str, Callable[[], bytes]] = {
    "compressed": lambda: archive(npy((2**27,), bytes(2**30)), zipfile.ZIP_DEFLATED),
    "shape": lambda: archive(npy((10**12,), b"")),
    "product": lambda: archive(npy((2**32, 2**32), bytes(8))),
    "negative": lambda: archive(npy((-1,), bytes(8))),
    "nothing": lambda: archive(npy((10**12,), b"", "<U0")),
    "objects": lambda: archive(npy((1,), bytes(8), "|O")),
    "cut off": lambda: archive(npy((2,), bytes(16)))[:-20],
    "no archive": lambda: b"PK\x03\x04 nothing",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_small_files_cannot_ask_for_memory(bomb: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(BOMBS[bomb]())
    assert path.stat().st_size < 2_000_000
    with limited(seconds=1.0, memory=2**27):
        with pytest.raises((ValueError, zipfile.BadZipFile)):
            read_arrays(path)
        with pytest.raises(CampaignError, match=r"a\.npz: damaged"):
            read_result(path)
        with pytest.raises(FitError, match=r"a\.npz: not a checkpoint"):
            read_checkpoint(path, "signature")


def test_deep_documents_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_result(path, StepResult({"n": 1}))
    np.savez(path, record=np.array("[" * 100_000))
    with pytest.raises(CampaignError, match="damaged"):
        read_result(path)
    np.savez(path, document=np.array("[" * 100_000))
    with pytest.raises(FitError, match="not a checkpoint"):
        read_checkpoint(path, "signature")
