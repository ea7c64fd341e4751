"""The libraries behind ANI potentials, imported when they are needed."""

from __future__ import annotations

import os
from typing import Any

from maxvolt.errors import MaxvoltError

__all__ = ["require_safetensors", "require_torch", "require_torchani"]

_REMEDY = "install them with: pip install maxvolt[ani]"


def require_torch() -> Any:
    """Import torch.

    Raises
    ------
    MaxvoltError
        It is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MaxvoltError(
            f"ANI potentials need torch, torchani and safetensors ({error}); {_REMEDY}"
        ) from error
    return torch


def require_torchani() -> Any:
    """Import torchani; errors as of `require_torch`."""
    require_torch()
    # Else it warns that its CUDA extensions, which nothing here uses, are not compiled.
    os.environ.setdefault("TORCHANI_NO_WARN_EXTENSIONS", "1")
    try:
        import torchani
    except ImportError as error:
        raise MaxvoltError(
            f"ANI potentials need torch, torchani and safetensors ({error}); {_REMEDY}"
        ) from error
    return torchani


def require_safetensors() -> Any:
    """Import the part of safetensors that works on NumPy arrays; errors as of `require_torch`."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MaxvoltError(
            f"ANI potentials need torch, torchani and safetensors ({error}); {_REMEDY}"
        ) from error
    return safetensors
