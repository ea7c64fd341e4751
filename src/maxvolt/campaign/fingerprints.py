"""Hashes of what a step depends on: a result counts only for the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from maxvolt.dataset import Dataset

__all__ = ["fingerprint"]


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
        return part.model_dump_json(by_alias=True).encode()
    if isinstance(part, tuple | list):
        return b"".join(_content(item) + b"\1" for item in part)
    if isinstance(part, dict):
        return _content([list(item) for item in part.items()])
    return json.dumps(part).encode()
