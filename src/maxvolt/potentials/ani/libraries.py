"""The libraries behind ANI potentials, imported when they are needed."""

from __future__ import annotations

import json
import os
from typing import Any

from maxvolt.errors import MaxvoltError

__all__ = [
    "check_device",
    "require_safetensors",
    "require_torch",
    "require_torchani",
    "stored_metadata",
]


def require_torch() -> Any:
    """Import torch.

    Raises
    ------
    MaxvoltError
        It is not installed.
    """
    return _imported("torch")


def require_torchani() -> Any:
    """Import torchani; errors as of `require_torch`."""
    require_torch()
    # Else it warns that its CUDA extensions, which nothing here uses, are not compiled.
    os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")
    return _imported("torchani")


def check_device(device: str) -> None:
    """Refuse a device that torch does not have.

    Parameters
    ----------
    device
        "cpu" or "cuda".

    Raises
    ------
    MaxvoltError
        It is neither, or torch finds no GPU.
    """
    if device not in ("cpu", "cuda"):
        raise MaxvoltError(f'device must be "cpu" or "cuda"; got {device!r:.40}')
    if device == "cuda" and not require_torch().cuda.is_available():
        raise MaxvoltError(
            'device "cuda": torch finds no GPU of NVIDIA that it can use; use "cpu", or install '
            "the driver and a torch that is built for CUDA"
        )


def require_safetensors() -> Any:
    """Import safetensors and its part on NumPy arrays; errors as of `require_torch`."""
    return _imported("safetensors.numpy")


def stored_metadata(content: bytes) -> dict[str, str]:
    """Read the metadata of a file of safetensors, which the library gives of open files only.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is no such file, is damaged, or has none.
    """
    length = int.from_bytes(content[:8], "little")
    found: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return found


def _imported(name: str) -> Any:
    """Import a module, and return the package that it is of."""
    try:
        return __import__(name)
    except ImportError as error:
        raise MaxvoltError(
            f"ANI potentials need torch, torchani and safetensors ({error}); install them with: "
            "pip install maxvolt[ani]"
        ) from error
