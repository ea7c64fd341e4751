"""What follows from the inputs of a step by hashing them: fingerprints and random seeds.

A result counts only for the inputs that it was made from, and random numbers depend on what is
done, not on when or by whom.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from maxvolt.dataset import Dataset

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
        return part.model_dump_json(by_alias=True).encode()
    if isinstance(part, tuple | list):
        return b"".join(_content(item) + b"\1" for item in part)
    if isinstance(part, dict):
        return _content([list(item) for item in part.items()])
    return json.dumps(part).encode()


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
