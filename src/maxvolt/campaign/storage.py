"""Results of a step on disk: complete or absent, and equal to the last bit when read again."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.jsonio import decode, encode
from numpy.typing import NDArray

from maxvolt.archives import read_arrays
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError, DataError
from maxvolt.files import replacing

__all__ = ["StepResult", "read_result", "write_bytes", "write_result"]

# ASE does not annotate them.
_encode: Callable[[Any], str] = encode
_decode: Callable[..., Any] = decode

_TEXTS = ("groups", "infos")
_ARRAYS = tuple(f.name for f in fields(Dataset) if f.name not in _TEXTS)
_DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error),  # of the archive
    *(ValueError, KeyError, TypeError, RuntimeError, DataError),  # of what it holds
)


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """What a step of a campaign leaves behind.

    Attributes
    ----------
    record : mapping
        Numbers and texts, as JSON has them.
    datasets : mapping of str to Dataset
    arrays : mapping of str to array
    """

    record: Mapping[str, Any]
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def write_result(path: Path, result: StepResult) -> None:
    """Write a result as a NumPy archive, under its name only when complete.

    The archive holds ``record`` (JSON), ``DATASET/positions`` and so on, with ``DATASET/infos``
    as JSON of ASE, and the arrays under their names. Equal results give equal bytes.
    """
    arrays: dict[str, Any] = {"record": np.array(json.dumps(result.record))}
    for name, dataset in result.datasets.items():
        arrays |= {f"{name}/{key}": getattr(dataset, key) for key in _ARRAYS}
        infos = [dict(info) for info in dataset.infos]
        arrays[f"{name}/infos"] = np.array(_encode(infos))
        arrays[f"{name}/groups"] = np.array(json.dumps(dataset.groups))
    arrays |= result.arrays
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that is on the disk, whole, when it takes its name."""
    with replacing(path) as file:
        file.write(content)


def read_result(path: Path) -> StepResult:
    """Read what `write_result` wrote.

    Raises
    ------
    CampaignError
        The file is damaged.
    """
    try:
        found = read_arrays(path)
        record = json.loads(str(found.pop("record")))
        names = dict.fromkeys(name.partition("/")[0] for name in found if "/" in name)
        datasets = {name: _dataset(name, found) for name in names}
    except _DAMAGE as error:
        raise CampaignError(
            f"{path}: damaged ({error}); remove it, and the campaign makes it again"
        ) from error
    return StepResult(record, datasets, {k: v for k, v in found.items() if "/" not in k})


def _dataset(name: str, arrays: Mapping[str, NDArray[Any]]) -> Dataset:
    return Dataset(
        **{key: arrays[f"{name}/{key}"] for key in _ARRAYS},
        infos=tuple(_decode(str(arrays[f"{name}/infos"]), always_array=False)),
        groups=tuple(json.loads(str(arrays[f"{name}/groups"]))),
    )
