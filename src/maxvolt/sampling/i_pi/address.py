"""Where i-PI listens: a unix socket or a port."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from maxvolt.errors import MaxvoltError

__all__ = ["Address", "InternetAddress", "UnixAddress"]

_PREFIX = "/tmp/ipi_"
_LONGEST_PATH = 107  # of a unix socket, in Linux

_PORT = 31415
"""Of i-PI, where its input says none."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system of this machine.

    Parameters
    ----------
    name
        What ``<address>`` says in the input of i-PI, which puts ``/tmp/ipi_`` before it; or the
        whole path, where i-PI has another prefix.
    """

    name: str

    def __post_init__(self) -> None:
        if not self.name or len(self.path.encode()) > _LONGEST_PATH or "\0" in self.name:
            raise MaxvoltError(
                f"--unix {self.name!r}: expected a name of 1 to {_LONGEST_PATH - len(_PREFIX)} "
                "characters, as <address> in the input of i-PI"
            )

    @property
    def path(self) -> str:
        """The socket."""
        return self.name if "/" in self.name else _PREFIX + self.name

    def __str__(self) -> str:
        return self.path

    def open(self) -> socket.socket:
        """Connect; an OSError where nobody listens."""
        opened = socket.socket(socket.AF_UNIX)
        return _connected(opened, self.path)

    @property
    def hint(self) -> str:
        """Say what to look at where nobody listens."""
        if Path(self.path).exists():
            return "the socket is left from an i-PI that has ended; remove it and start i-PI again"
        return f'start i-PI first, with <ffsocket mode="unix"> and <address>{self.name}</address>'


@dataclass(frozen=True, slots=True)
class InternetAddress:
    """A port of a machine.

    Parameters
    ----------
    host
        Its name or number.
    port
        What ``<port>`` says in the input of i-PI.
    """

    host: str = "localhost"
    port: int = _PORT

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise MaxvoltError(f"--port {self.port}: expected a number from 1 to 65535")

    def __str__(self) -> str:
        return f"{self.host}, port {self.port}"

    def open(self) -> socket.socket:
        """Connect; an OSError where nobody listens."""
        opened = socket.create_connection((self.host, self.port))
        # Messages of a few bytes go back and forth: none may wait for more to come.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    @property
    def hint(self) -> str:
        """Say what to look at where nobody listens."""
        return (
            f'start i-PI first, with <ffsocket mode="inet">, <address>{self.host}</address> and '
            f"<port>{self.port}</port>"
        )


def _connected(opened: socket.socket, address: str) -> socket.socket:
    try:
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened


Address = UnixAddress | InternetAddress
