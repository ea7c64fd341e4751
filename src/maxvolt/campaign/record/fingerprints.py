"""What follows from the inputs of a step by hashing them: fingerprints and random seeds.

A result counts only for the inputs that it was made from, and random numbers depend on what is
done, not on when or by whom.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel

from maxvolt.dataset import Dataset
from maxvolt.sections import AddedLater

__all__ = ["derived_seed", "fingerprint"]


def fingerprint(*parts: Any) -> str:
    """Hash of settings, datasets, texts and numbers, 16 characters."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_content(part))
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _content(part: Any) -> bytes:
    if isinstance(part, Dataset):
        return b"".join(part.content(weights=False))
    if isinstance(part, BaseModel):
        return part.model_dump_json(by_alias=True, exclude=_without_effect(part)).encode()
    if isinstance(part, tuple | list):
        return b"".join(_content(item) + b"\1" for item in part)
    if isinstance(part, dict):
        return _content([list(item) for item in part.items()])
    return json.dumps(part).encode()


def _without_effect(value: Any) -> dict[Any, Any]:
    """Settings that were added later and do what was done before, for ``exclude`` of pydantic."""
    parts: Mapping[Any, Any]
    left_out: Collection[Any] = ()
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        parts = {name: getattr(value, name) for name in fields}
        left_out = {
            name
            for name, field in fields.items()
            for mark in field.metadata
            if isinstance(mark, AddedLater) and parts[name] == mark.before
        }
    elif isinstance(value, dict):
        parts = value
    elif isinstance(value, tuple | list):
        parts = dict(enumerate(value))
    else:
        return {}
    found: dict[Any, Any] = dict.fromkeys(left_out, True)
    for name, part in parts.items():
        if name not in left_out and (inner := _without_effect(part)):
            found[name] = inner
    return found


def derived_seed(seed: int, *names: str | int) -> int:
    """Random seed of a part of a campaign, 0 <= seed < 2^63.

    Parameters
    ----------
    seed
        Of the campaign.
    names
        What the part is: stage, iteration, scenario ...
    """
    text = "\0".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
