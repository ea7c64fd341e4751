"""Networks as NeuroChem keeps them: ``ANN-Al.nnf``, with weights and biases in files beside it."""

from __future__ import annotations

import bz2
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError

__all__ = ["Network", "file_bytes", "read_network"]

_CELU, _LINEAR = 9, 6
_ACTIVATIONS = {5: "a Gaussian"}
"""Names of activations that are known and not covered."""

_LARGEST_TEXT = 1_000_000
_LARGEST_WEIGHTS = 200_000_000
"""Bytes; far above any published potential."""

_COMPRESSED = b"BZh"
_LAYER = re.compile(r"layer\s*\[((?:\s*\w+\s*=[^;]*;)*)\s*\]")
_ENTRY = re.compile(r"(\w+)\s*=([^;]*);")
_ARRAY = re.compile(r"FILE:([^\[\]/\\]+)\[(\d+)\]")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Weights and biases of all layers, the last one linear, CELU(0.1) between them."""

    layers: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(len(bias) for _, bias in self.layers[:-1])


def read_network(path: Path, n_features: int) -> Network:
    """Read a network of so many symmetry functions.

    Raises
    ------
    FileFormatError
        A file is missing or damaged, or the network is of a kind that is not covered.
    """
    text = _text(path)
    found = [
        {name: value.strip() for name, value in _ENTRY.findall(layer[1])}
        for layer in _LAYER.finditer(text)
    ]
    if not found or len(found) != len(re.findall(r"\blayer\b", text)):
        raise FileFormatError(
            path, "is no network of NeuroChem: expected layers, as in layer [nodes=96; ...]"
        )
    layers, into = [], n_features
    for number, entries in enumerate(found, 1):
        _check_kind(path, number, entries, is_last=number == len(found))
        nodes, inputs = (_whole(path, number, entries, name) for name in ("nodes", "blocksize"))
        if inputs != into:
            raise FileFormatError(
                path,
                f"layer {number} has {inputs} inputs (blocksize); expected {into}, the "
                + ("number of symmetry functions" if number == 1 else "nodes of the layer before"),
            )
        weights = _array(path, number, entries, "weights", nodes * inputs).reshape(nodes, inputs)
        layers.append((weights, _array(path, number, entries, "biases", nodes)))
        into = nodes
    if into != 1:
        raise FileFormatError(path, f"the last layer has {into} nodes; expected 1, the energy")
    return Network(tuple(layers))


def file_bytes(path: Path, largest: int = _LARGEST_TEXT) -> bytes:
    """Read a file that may have so many bytes.

    Raises
    ------
    FileFormatError
        It cannot be read, or is larger.
    """
    try:
        if path.stat().st_size > largest:
            raise FileFormatError(path, f"has more than {largest:,} bytes, above any such file")
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror}") from error


def _text(path: Path) -> str:
    """Text of a network: compressed by bzip2 after a line or more of plain text, or all plain."""
    content = file_bytes(path)
    start = content.find(_COMPRESSED)
    if start >= 0:
        try:
            content = bz2.BZ2Decompressor().decompress(content[start:], _LARGEST_TEXT)
        except (OSError, ValueError) as error:
            raise FileFormatError(path, f"is damaged: {error}") from error
    try:
        return content.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise FileFormatError(path, "is no network of NeuroChem: holds no text") from error


def _check_kind(path: Path, number: int, entries: dict[str, str], *, is_last: bool) -> None:
    """Refuse what changes the output of a layer and is not covered."""
    activation = _whole(path, number, entries, "activation")
    expected = _LINEAR if is_last else _CELU
    if activation != expected:
        what = _ACTIVATIONS.get(activation, "another function")
        raise FileFormatError(
            path,
            f"layer {number} has the activation {activation} ({what}), which is not covered; "
            f"expected {expected}, {'none in the last layer' if is_last else 'CELU'}",
        )
    for name in ("type", "dropout", "btchnorm"):
        if entries.get(name, "0") != "0":
            raise FileFormatError(
                path,
                f"layer {number} has {name}={entries[name]:.20}, which is not covered; expected 0",
            )


def _whole(path: Path, number: int, entries: dict[str, str], name: str) -> int:
    value = entries.get(name, "")
    if not (value.isdecimal() and len(value) < 10):
        raise FileFormatError(
            path, f"layer {number}: expected a whole number for {name}; got {value or 'none':.40}"
        )
    return int(value)


def _array(
    path: Path, number: int, entries: dict[str, str], name: str, count: int
) -> NDArray[np.float64]:
    """Read the numbers of single precision that an entry ``FILE:name[count]`` refers to."""
    match = _ARRAY.fullmatch(entries.get(name, ""))
    if match is None or int(match[2]) != count:
        raise FileFormatError(
            path,
            f"layer {number}: expected {name}=FILE:NAME[{count}]; got "
            f"{entries.get(name) or 'none':.60}",
        )
    file = path.with_name(match[1])
    content = file_bytes(file, _LARGEST_WEIGHTS)
    if len(content) != 4 * count:
        raise FileFormatError(
            file,
            f"has {len(content):,} bytes; expected {4 * count:,}, {count:,} numbers of 4 bytes for "
            f"layer {number} of {path.name}",
        )
    values = np.frombuffer(content, "<f4").astype(np.float64)
    if not np.isfinite(values).all():
        raise FileFormatError(file, "holds a number that is not finite")
    return values
