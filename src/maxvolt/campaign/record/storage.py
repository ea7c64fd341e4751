"""Results of a step on disk: complete or absent, and equal to the last bit when read again.

Every file says what its content must be: an archive ends with the SHA-256 of all bytes before it, a
document (JSON) holds that of its other entries. Files of versions that wrote no digest are read,
too: archives then have only the checksums of ZIP.
"""

from __future__ import annotations

import hashlib
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

__all__ = [
    "DamagedError",
    "StepResult",
    "digest_of_file",
    "is_sound",
    "read_array",
    "read_document",
    "read_result",
    "write_bytes",
    "write_document",
    "write_result",
]

# ASE does not annotate them.
_encode: Callable[[Any], str] = encode
_decode: Callable[..., Any] = decode

_TEXTS = ("groups", "infos", "origins")  # origins are for messages, and not kept
_ARRAYS = tuple(f.name for f in fields(Dataset) if f.name not in _TEXTS)
_DIGEST = "digest"
_SEAL = b"sha256:"
_SEAL_LENGTH = len(_SEAL) + 64
_DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error),  # of the archive
    *(ValueError, KeyError, TypeError, RuntimeError, DataError),  # of what it holds
)


class DamagedError(CampaignError):
    """A file of a campaign is missing, cut short or changed; the message names it."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(
            f"{path}: damaged ({why}); run the campaign again: it makes this file again"
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
    write_bytes(path, _sealed(buffer))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that is on the disk, whole, when it takes its name."""
    with replacing(path) as file:
        file.write(content)


def read_result(path: Path) -> StepResult:
    """Read what `write_result` wrote.

    Raises
    ------
    DamagedError
        The file is missing or not what was written.
    """
    try:
        content = path.read_bytes()
        _check_seal(content)
        found = read_arrays(content)
        record = json.loads(str(found.pop("record")))
        names = dict.fromkeys(name.partition("/")[0] for name in found if "/" in name)
        datasets = {name: _dataset(name, found) for name in names}
    except _DAMAGE as error:
        raise DamagedError(path, error) from error
    return StepResult(record, datasets, {k: v for k, v in found.items() if "/" not in k})


def read_array(path: Path, name: str) -> NDArray[Any]:
    """Read one array of a result, and nothing else of the file.

    Raises
    ------
    DamagedError
        The file is missing or damaged, or has no such array.
    """
    try:
        return read_arrays(path, only=[name])[name]
    except _DAMAGE as error:
        raise DamagedError(path, error) from error


def is_sound(path: Path) -> bool:
    """Whether a result is there as it was written; the digest decides where the file has one."""
    try:
        content = path.read_bytes()
        if not _check_seal(content):
            read_result(path)
    except (OSError, ValueError, DamagedError):
        return False
    return True


def _sealed(archive: BytesIO) -> bytes:
    """Archive with a comment that holds the digest of all bytes before it."""
    with zipfile.ZipFile(archive, "a") as file:
        file.comment = _SEAL + b"0" * 64
    body = archive.getvalue()[:-_SEAL_LENGTH]
    return body + _SEAL + hashlib.sha256(body).hexdigest().encode()


def _check_seal(content: bytes) -> bool:
    """Whether an archive has a digest, which then is right.

    Raises
    ------
    ValueError
        It is wrong.
    """
    body, seal = content[:-_SEAL_LENGTH], content[-_SEAL_LENGTH:]
    if not seal.startswith(_SEAL):
        return False
    if seal[len(_SEAL) :] != hashlib.sha256(body).hexdigest().encode():
        raise ValueError("its content does not match its digest")
    return True


def write_document(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, with a digest of its entries."""
    whole = {**content, _DIGEST: _document_digest(content)}
    write_bytes(path, json.dumps(whole, indent=1).encode())


def read_document(path: Path) -> dict[str, Any]:
    """Read what `write_document` wrote, without the digest.

    Raises
    ------
    DamagedError
        The file is missing or not what was written.
    """
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        digest = content.pop(_DIGEST, None)
        if digest is not None and digest != _document_digest(content):
            raise ValueError("its content does not match its digest")
    except (OSError, ValueError) as error:
        raise DamagedError(path, error) from error
    return content


def _document_digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_of_file(path: Path) -> str | None:
    """SHA-256 of a file; None where it is missing or cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _dataset(name: str, arrays: Mapping[str, NDArray[Any]]) -> Dataset:
    kept: dict[str, Any] = {key: arrays[f"{name}/{key}"] for key in _ARRAYS}
    return Dataset(
        **kept,
        infos=tuple(_decode(str(arrays[f"{name}/infos"]), always_array=False)),
        groups=tuple(json.loads(str(arrays[f"{name}/groups"]))),
    )
